#include "ringfort/specs/units.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

namespace ringfort {
namespace {

constexpr auto most_bytes = std::numeric_limits<std::uint64_t>::max();
constexpr auto most_microseconds = std::numeric_limits<Duration::rep>::max();

TEST(Bytes, ReadsEveryUnitExactly) {
  struct Row {
    std::string_view text;
    std::uint64_t count;
  };
  for (const auto& [text, count] : {
           Row{"0", 0},
           {"512", 512},
           {"512B", 512},
           {"512Ki", 524'288},
           {"512Mi", 536'870'912},
           {"512MiB", 536'870'912},
           {"1Gi", 1'073'741'824},
           {"2Ti", 2'199'023'255'552},
           {"1Pi", 1'125'899'906'842'624},
           {"3k", 3'000},
           {"3K", 3'000},
           {"3KB", 3'000},
           {"3M", 3'000'000},
           {"3G", 3'000'000'000},
           {"3T", 3'000'000'000'000},
           {"3P", 3'000'000'000'000'000},
           {"1.5Gi", 1'610'612'736},
           {"0.5Ki", 512},
           {"2.50k", 2'500},
           {"1.0", 1},
           {"18446744073709551615", most_bytes},
           {"16383Pi", 18'445'618'173'802'708'992u},
       }) {
    const auto bytes = parse_bytes(text);
    ASSERT_TRUE(bytes) << text << ": " << to_string(bytes.error());
    EXPECT_EQ(bytes->count, count) << text;
  }
}

TEST(Bytes, NeverTurnsABadSizeIntoNoLimit) {
  struct Row {
    std::string_view text;
    std::string_view error;
  };
  for (const auto& [text, error] : {
           Row{"", "does not begin with a number"},
           {"Mi", "does not begin with a number"},
           {"-1Mi", "does not begin with a number"},
           {"+1Mi", "does not begin with a number"},
           {" 1Mi", "does not begin with a number"},
           {"1.", "does not begin with a number"},
           {".5Gi", "does not begin with a number"},
           {"512mi", "unknown unit \"mi\""},
           {"512mb", "unknown unit \"mb\""},
           {"512 Mi", "unknown unit \" Mi\""},
           {"512Mib", "unknown unit \"Mib\""},
           {"512MiBB", "unknown unit \"MiBB\""},
           {"1Ei", "unknown unit \"Ei\""},
           {"1e3", "unknown unit \"e3\""},
           {"0x10", "unknown unit \"x10\""},
           {"1\n", "unknown unit \"\\x0a\""},
           {"1.5", "not a whole number of bytes"},
           {"0.1Ki", "not a whole number of bytes"},
           {"1.0000000000000000000001Ti", "not a whole number of bytes"},
           {"18446744073709551616", "too large"},
           {"16384Pi", "too large"},
           {"99999999999999999999999999999999999999999999999999999999999Pi", "too large"},
       }) {
    const auto bytes = parse_bytes(text);
    ASSERT_FALSE(bytes) << text;
    EXPECT_EQ(bytes.error().kind, ErrorKind::InvalidSpec);
    EXPECT_NE(bytes.error().what.find(error), std::string::npos) << bytes.error().what;
    EXPECT_FALSE(bytes.error().hint.empty());
  }
}

TEST(Bytes, PrintsTheShortestExactBinaryForm) {
  EXPECT_EQ(to_string(Bytes{0}), "0");
  EXPECT_EQ(to_string(Bytes{1500}), "1500");
  EXPECT_EQ(to_string(Bytes{1024}), "1Ki");
  EXPECT_EQ(to_string(Bytes{512u << 20}), "512Mi");
  EXPECT_EQ(to_string(Bytes{1ull << 30}), "1Gi");
  EXPECT_EQ(to_string(Bytes{most_bytes}), "18446744073709551615");
}

RC_GTEST_PROP(Bytes, ReadBackWhatTheyPrint, ()) {
  const auto unit = *rc::gen::element<std::uint64_t>(0, 10, 20, 30, 40, 50);
  const Bytes bytes{*rc::gen::inRange<std::uint64_t>(0, most_bytes >> unit) << unit};
  RC_ASSERT((parse_bytes(to_string(bytes)) == bytes));
}

RC_GTEST_PROP(Bytes, AgreeWithIntegerArithmetic, (std::uint32_t whole)) {
  RC_ASSERT((parse_bytes(std::to_string(whole) + "Mi") == Bytes{std::uint64_t{whole} << 20}));
  RC_ASSERT((parse_bytes(std::to_string(whole) + "M") == Bytes{std::uint64_t{whole} * 1'000'000}));
  RC_ASSERT(
      (parse_bytes(std::to_string(whole) + ".25Ki") == Bytes{std::uint64_t{whole} * 1024 + 256}));
}

RC_GTEST_PROP(Bytes, SurviveAnyText, (const std::string& text)) {
  const auto bytes = parse_bytes(text);
  RC_ASSERT((bytes || bytes.error().kind == ErrorKind::InvalidSpec));
}

TEST(Duration, ReadsEveryUnitExactly) {
  using namespace std::chrono_literals;
  struct Row {
    std::string_view text;
    Duration duration;
  };
  for (const auto& [text, duration] : {
           Row{"0", 0us},
           {"0s", 0us},
           {"10us", 10us},
           {"500ms", 500ms},
           {"30s", 30s},
           {"1m 30s", 90s},
           {"1m30s", 90s},
           {"1m  30s", 90s},
           {"2h", 2h},
           {"1d", 24h},
           {"1d 2h 3m 4s 5ms 6us", 26h + 3min + 4s + 5ms + 6us},
           {"1.5s", 1500ms},
           {"0.000001s", 1us},
           {"9223372036854775807us", Duration{most_microseconds}},
       }) {
    const auto read = parse_duration(text);
    ASSERT_TRUE(read) << text << ": " << to_string(read.error());
    EXPECT_EQ(*read, duration) << text;
  }
}

TEST(Duration, RefusesWhatIsNotExact) {
  struct Row {
    std::string_view text;
    std::string_view error;
  };
  for (const auto& [text, error] : {
           Row{"", "lacks a number"},
           {"30", "has no unit"},
           {"30 s", "has no unit"},
           {"s", "lacks a number"},
           {"-1s", "lacks a number"},
           {" 1s", "lacks a number"},
           {"1m, 30s", "unknown unit \"m,\""},
           {"1M", "unknown unit \"M\""},
           {"1min", "unknown unit \"min\""},
           {"1ns", "unknown unit \"ns\""},
           {"30s 1m", "out of order"},
           {"1m 30m", "out of order"},
           {"0.5us", "not a whole number of microseconds"},
           {"9223372036854775808us", "too large"},
           {"9223372036854775807us 1us", "out of order"},
           {"106751991d 4h 1m", "too large"},
           {"999999999999999999999999999999999999999999999d", "too large"},
       }) {
    const auto read = parse_duration(text);
    ASSERT_FALSE(read) << text;
    EXPECT_EQ(read.error().kind, ErrorKind::InvalidSpec);
    EXPECT_NE(read.error().what.find(error), std::string::npos) << read.error().what;
    EXPECT_FALSE(read.error().hint.empty());
  }
}

TEST(Duration, PrintsTheShortestExactForm) {
  using namespace std::chrono_literals;
  EXPECT_EQ(to_string(Duration{0}), "0s");
  EXPECT_EQ(to_string(Duration{90s}), "1m30s");
  EXPECT_EQ(to_string(Duration{500ms}), "500ms");
  EXPECT_EQ(to_string(Duration{36h}), "1d12h");
  EXPECT_EQ(to_string(Duration{-90s}), "-1m30s");
  EXPECT_EQ(to_string(Duration::min()), "-106751991d4h54s775ms808us");
}

RC_GTEST_PROP(Duration, ReadBackWhatTheyPrint, ()) {
  const Duration duration{*rc::gen::inRange<Duration::rep>(0, most_microseconds)};
  RC_ASSERT((parse_duration(to_string(duration)) == duration));
}

RC_GTEST_PROP(Duration, SurviveAnyText, (const std::string& text)) {
  const auto duration = parse_duration(text);
  RC_ASSERT((duration || duration.error().kind == ErrorKind::InvalidSpec));
}

}  // namespace
}  // namespace ringfort
