#include "ringfort/cli/up/output.hpp"

#include "ringfort/cli/output/report.hpp"
#include "ringfort/cli/output/table.hpp"
#include "ringfort/cli/output/terminal.hpp"
#include "ringfort/cli/output/words.hpp"
#include "ringfort/cli/up/line_splitter.hpp"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

namespace ringfort::cli {
namespace {

using nlohmann::json;
using testing::ElementsAre;

TEST(Words, EndWithTheNextCommand) {
  const Error bare{ErrorKind::NotFound, "no such thing.", {}, {}, 0};
  EXPECT_EQ(error_line(bare, "run"), "ringfort: no such thing; see: ringfort run --help\n");
  EXPECT_EQ(error_line(bare, {}), "ringfort: no such thing; see: ringfort --help\n");
  const Error hinted{ErrorKind::NotFound, "no image x", "try: ringfort image ls", "web-1", 0};
  EXPECT_EQ(error_line(hinted, "up"), "ringfort: web-1: no image x; try: ringfort image ls\n");
}

TEST(Words, StayOnOneLineWhateverTheyTell) {
  const Error nasty{ErrorKind::Io, "a\nb\x1b[2J", {}, {}, 0};
  EXPECT_EQ(error_line(nasty, "run"), "ringfort: a\\x0ab\\x1b[2J; see: ringfort run --help\n");
}

TEST(Table, AlignsAndNeverGoesOverTheWidth) {
  Table table{{"NAME", "STATE", "NOTE"}};
  table.add({"web-1", "running", ""});
  table.add({"größe-1", "exited", "137 oom"});
  EXPECT_EQ(table.str(),
            "NAME     STATE    NOTE\n"
            "web-1    running\n"
            "größe-1  exited   137 oom\n");
  for (const std::size_t width : {1U, 2U, 9U, 20U})
    for (const auto& line : table.lines(width)) EXPECT_LE(columns_of(line), width) << line;
  EXPECT_EQ(fit("größe", 4), "grö…");
  EXPECT_EQ(fit("größe", 5), "größe");
}

TEST(Board, TellsWhatHadNoRoom) {
  Board board;
  for (int i = 1; i <= 9; ++i)
    board.push_back({"w-" + std::to_string(i), "running", 20000, 1 << 20, {}, {}});
  EXPECT_EQ(board_lines(board, 80, 24).size(), 10U);
  const auto lines = board_lines(board, 80, 6);
  EXPECT_EQ(lines.size(), 6U);
  EXPECT_EQ(lines.back(), "and 5 more");
}

TEST(ShortSize, HasThreeDigitsAtMost) {
  EXPECT_EQ(short_size(0), "0");
  EXPECT_EQ(short_size(999), "999");
  EXPECT_EQ(short_size(1024), "1Ki");
  EXPECT_EQ(short_size(1536 << 10), "1.5Mi");
  EXPECT_EQ(short_size(64 << 20), "64Mi");
}

TEST(Paint, LeavesTextAloneWithoutColours) {
  EXPECT_EQ(Paint{false}(Colour::Red, "x"), "x");
  EXPECT_EQ(Paint{true}(Colour::Red, "x"), "\x1b[31mx\x1b[0m");
}

TEST(Report, HasEveryKeyFromTheFirstMoment) {
  const auto report = json::parse(to_json(Report{}));
  for (const char* key : {"id", "level", "layers", "missing", "not_enforced", "port", "exit",
                          "start_us", "queued_us", "duration_us", "error"})
    EXPECT_TRUE(report.contains(key)) << key;
  EXPECT_TRUE(report["exit"].is_null());
  EXPECT_TRUE(report["port"].is_null());
}

TEST(Report, TellsTheRecordAndTheTimes) {
  Report report;
  report.exit = make_exit_record({true, 9, false}, {true, false, false});
  report.exit->started_at = WallTime{std::chrono::seconds{10}};
  report.exit->finished_at = WallTime{std::chrono::microseconds{10'000'250}};
  report.start = Duration{1234};
  report.queued = Duration{34};
  report.error = Error{ErrorKind::StartFailed, "w", "h", {}, 0};
  const auto value = json::parse(to_json(report));
  EXPECT_EQ(value["exit"]["code"], 137);
  EXPECT_EQ(value["exit"]["signal"], 9);
  EXPECT_EQ(value["exit"]["reason"], "oom");
  EXPECT_EQ(value["exit"]["started_at"], "1970-01-01T00:00:10.000000Z");
  EXPECT_EQ(value["start_us"], 1234);
  EXPECT_EQ(value["queued_us"], 34);
  EXPECT_EQ(value["duration_us"], 250);
  EXPECT_EQ(value["error"], (json{{"kind", "StartFailed"}, {"message", "w"}, {"hint", "h"}}));
}

TEST(Report, GivesTextAsTextAndAllElseAsBase64) {
  const auto value =
      json::parse(to_json({}, {"grün\n", false}, {std::string("\xff\0x", 3), false}));
  EXPECT_EQ(value["stdout"], "grün\n");
  EXPECT_EQ(value["stdout_base64"], false);
  EXPECT_EQ(value["stderr"], "/wB4");
  EXPECT_EQ(value["stderr_base64"], true);
}

TEST(Report, DropsACodePointThatTheBoundCut) {
  const auto value = json::parse(to_json({}, {"gr\xc3", true}, {"gr\xc3", false}));
  EXPECT_EQ(value["stdout"], "gr");
  EXPECT_EQ(value["stdout_base64"], false);
  EXPECT_EQ(value["stdout_truncated"], true);
  EXPECT_EQ(value["stderr_base64"], true);
}

TEST(Base64, PadsAsRfc4648Says) {
  EXPECT_EQ(to_base64(""), "");
  EXPECT_EQ(to_base64("f"), "Zg==");
  EXPECT_EQ(to_base64("fo"), "Zm8=");
  EXPECT_EQ(to_base64("foo"), "Zm9v");
  EXPECT_EQ(to_base64("foobar"), "Zm9vYmFy");
}

TEST(LineSplitter, HandsOnWholeLinesHoweverTheyCome) {
  LineSplitter splitter;
  std::vector<std::string> lines;
  const auto take = [&](std::string_view line) { lines.emplace_back(line); };
  for (const char* bytes : {"a", "b\n\nc", "d\ne"}) splitter.add(bytes, take);
  EXPECT_THAT(lines, ElementsAre("ab", "", "cd"));
  splitter.finish(take);
  splitter.finish(take);
  EXPECT_THAT(lines, ElementsAre("ab", "", "cd", "e"));
}

TEST(LineSplitter, KeepsNoMoreThanABoundedPiece) {
  LineSplitter splitter;
  std::size_t taken = 0;
  const auto take = [&](std::string_view line) { taken += line.size(); };
  for (int i = 0; i < 100; ++i) splitter.add(std::string(10'000, 'x'), take);
  EXPECT_GE(taken, 900'000U);
}

}  // namespace
}  // namespace ringfort::cli
