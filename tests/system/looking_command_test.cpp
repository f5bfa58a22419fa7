// ps with filters and stats that go on.
#include "detached_fixture.hpp"
#include "ringfort/support/terminal.hpp"

#include <csignal>
#include <sstream>

namespace ringfort {
namespace {

using nlohmann::json;
using test::Program;
using test::Terminal;
using testing::HasSubstr;
using testing::Not;

using LookingCommand = test::DetachedFixture;

TEST_P(LookingCommand, FiltersSayWhichContainers) {
  start("web", "exec sleep 1000");
  start("well", "exit 0");
  start("bad", "exit 3");
  EXPECT_EQ(run({"wait", "well", "bad"}).code, 0);
  EXPECT_EQ(run({"ps", "-q"}).out, "web-1\n");
  EXPECT_EQ(run({"ps", "-q", "--filter", "status=exited"}).out, "bad-1\nwell-1\n");
  EXPECT_EQ(run({"ps", "-q", "-f", "exited=3"}).out, "bad-1\n");
  EXPECT_EQ(run({"ps", "-aq", "-f", "name=we"}).out, "web-1\nwell-1\n");
  EXPECT_EQ(run({"ps", "-q", "-f", "name=we", "-f", "status=exited"}).out, "well-1\n");
  EXPECT_EQ(run({"ps", "-aq", "-f", "level=" + level_}).out, "bad-1\nweb-1\nwell-1\n");
  EXPECT_EQ(json::parse(run({"ps", "--json", "-f", "exited=0"}).out).size(), 1U);
  const auto unknown = run({"ps", "--filter", "colour=red"});
  EXPECT_EQ(unknown.code, 125);
  EXPECT_THAT(unknown.err, HasSubstr("status, name, level and exited"));
}

TEST_P(LookingCommand, StatsGoOnUntilTheLastHasEnded) {
  command_.write("in/go", "");
  start("busy", "while [ ! -e " + command_.home() + "/in/stop ]; do :; done", {"--read", "in"});
  start("lazy", "exec sleep 1000");
  Program stats{command_.argv({"stats", "--json"}), command_.options()};
  ASSERT_TRUE(stats.has_said("\"lazy-1\""));
  command_.write("in/stop", "");
  EXPECT_EQ(run({"kill", "lazy"}).code, 0);
  const auto end = stats.finish();
  EXPECT_EQ(end.code, 0) << end.err;
  std::istringstream lines{end.out};
  double most = 0;
  for (std::string line; std::getline(lines, line);) {
    const auto one = json::parse(line);
    if (one["id"] == "busy-1") most = std::max(most, one["cpu_percent"].get<double>());
    EXPECT_GE(one["pids"], 1);
  }
  EXPECT_GT(most, 5) << "it never rested";
  EXPECT_EQ(run({"stats", "--no-stream"}).out, "") << "nothing runs";
  EXPECT_EQ(run({"stats", "--no-stream", "lazy"}).code, 125);
}

TEST_P(LookingCommand, StatsRedrawOnATerminalAndEndAtCtrlC) {
  start("web", "exec sleep 1000");
  const auto once = run({"stats", "--no-stream", "web"});
  EXPECT_EQ(once.code, 0);
  EXPECT_THAT(once.out, testing::StartsWith("ID "));
  EXPECT_THAT(once.out, HasSubstr("CPU%"));
  EXPECT_THAT(once.out, Not(HasSubstr("\x1b")));

  Terminal terminal{command_.argv({"stats"}), command_.options(), {24, 80}};
  const auto before = terminal.modes();
  EXPECT_TRUE(terminal.has_shown("\x1b[2A")) << "back over two lines";
  terminal.type("\x03");
  EXPECT_EQ(terminal.finish(), 0);
  EXPECT_TRUE(test::same_modes(before, terminal.modes()));
}

RINGFORT_EACH_LEVEL_AND_USER(LookingCommand);

}  // namespace
}  // namespace ringfort
