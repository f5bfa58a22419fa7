#include "ringfort/specs/status.hpp"

#include "ringfort/specs/error.hpp"
#include "ringfort/specs/run_options.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <csignal>
#include <string>

namespace ringfort {
namespace {

using namespace std::chrono_literals;

TEST(ExitRecord, HasOneCodeAndOneReasonForEveryEnd) {
  struct Row {
    RawExit raw;
    EndCauses causes;
    int code;
    std::optional<int> signal;
    EndReason reason;
  };
  const RawExit zero{};
  const RawExit seven{false, 7, false};
  const RawExit term{true, SIGTERM, false};
  const RawExit kill{true, SIGKILL, false};
  const RawExit segv{true, SIGSEGV, true};
  const EndCauses none{};
  const EndCauses oom{true, false, false};
  const EndCauses timeout{false, true, false};
  const EndCauses stopped{false, false, true};
  for (const auto& row : {
           Row{zero, none, 0, {}, EndReason::Exited},
           {seven, none, 7, {}, EndReason::Exited},
           {segv, none, 139, SIGSEGV, EndReason::Signaled},
           {kill, none, 137, SIGKILL, EndReason::Signaled},
           {term, stopped, 143, SIGTERM, EndReason::Stopped},
           {zero, stopped, 0, {}, EndReason::Stopped},
           {kill, oom, 137, SIGKILL, EndReason::Oom},
           {seven, oom, 137, {}, EndReason::Oom},
           {kill, timeout, 124, SIGKILL, EndReason::Timeout},
           {zero, timeout, 124, {}, EndReason::Timeout},
           {kill, {true, true, true}, 137, SIGKILL, EndReason::Oom},
           {term, {false, true, true}, 124, SIGTERM, EndReason::Timeout},
       }) {
    const auto record = make_exit_record(row.raw, row.causes);
    EXPECT_EQ(record.code, row.code);
    EXPECT_EQ(record.signal, row.signal);
    EXPECT_EQ(record.reason, row.reason) << to_string(record.reason);
    EXPECT_EQ(record.core_dumped, row.raw.core_dumped);
    EXPECT_TRUE(record.known);
    EXPECT_FALSE(record.started_at || record.finished_at);
  }
}

TEST(EndReason, IsReadBackFromItsName) {
  for (const auto* name :
       {"exited", "signaled", "oom", "timeout", "stopped", "start_failed", "lost"}) {
    const auto reason = parse_end_reason(name);
    ASSERT_TRUE(reason) << name;
    EXPECT_EQ(to_string(*reason), name);
  }
  EXPECT_FALSE(parse_end_reason("OOM"));
  EXPECT_FALSE(parse_end_reason(""));
}

TEST(WallTime, PrintsRfc3339InUtcWithSixDigits) {
  EXPECT_EQ(to_rfc3339(WallTime{}), "1970-01-01T00:00:00.000000Z");
  EXPECT_EQ(to_rfc3339(WallTime{-1us}), "1969-12-31T23:59:59.999999Z");
  EXPECT_EQ(to_rfc3339(WallTime{1'795'617'000s + 123'456us}), "2026-11-25T14:30:00.123456Z");
}

TEST(WallTime, ReadsOffsetsAndFractions) {
  const WallTime time{1'795'617'000s + 120'000us};
  for (const auto* text :
       {"2026-11-25T14:30:00.12Z", "2026-11-25t14:30:00.120000z", "2026-11-25T16:30:00.12+02:00",
        "2026-11-25T09:00:00.120000-05:30", "2026-11-25T14:30:00.120000999Z"}) {
    EXPECT_EQ(from_rfc3339(text), time) << text;
  }
}

TEST(WallTime, RefusesWhatIsNoTime) {
  for (const auto* text :
       {"", "now", "2026-11-25", "2026-11-25T14:30:00", "2026-11-25 14:30:00Z",
        "2026-02-29T00:00:00Z", "2026-13-01T00:00:00Z", "2026-11-25T24:00:00Z",
        "2026-11-25T14:60:00Z", "2026-11-25T14:30:61Z", "2026-11-25T14:30:00.Z",
        "2026-11-25T14:30:00Zx", "2026-11-25T14:30:00+2:00", "+026-11-25T14:30:00Z",
        "2026-11--5T14:30:00Z", "2026-11-25T14:30:00+24:00"}) {
    EXPECT_FALSE(from_rfc3339(text)) << text;
  }
}

RC_GTEST_PROP(WallTime, ComesBackFromItsText, ()) {
  // Years 0000 to 9999, all that four digits can say.
  const auto micros =
      *rc::gen::inRange<std::int64_t>(-62'167'219'200'000'000, 253'402'300'799'999'999);
  const WallTime time{std::chrono::microseconds{micros}};
  RC_ASSERT((from_rfc3339(to_rfc3339(time)) == time));
}

TEST(Error, PrintsFactAndRemedyOnOneLine) {
  EXPECT_EQ(to_string(Error{ErrorKind::NotFound, "no container web-1", "ringfort ps", {}, 0}),
            "no container web-1. ringfort ps");
  EXPECT_EQ(to_string(Error{ErrorKind::Io, "cannot open /x.", "try again", "web-1", 13}),
            "web-1: cannot open /x. try again");
  EXPECT_EQ(to_string(Error{ErrorKind::Io, "a\nb", {}, {}, 0}), "a\\x0ab");
}

TEST(RunOptions, ReadBackTheWordsTheyPrint) {
  for (const auto* word : {"auto", "landlock", "namespaces"}) {
    EXPECT_EQ(to_string(parse_isolation(word).value()), word);
  }
  for (const auto* word : {"none", "local", "full"}) {
    EXPECT_EQ(to_string(parse_net_mode(word).value()), word);
  }
  EXPECT_FALSE(parse_isolation("Auto"));
  EXPECT_FALSE(parse_net_mode("host"));
}

}  // namespace
}  // namespace ringfort
