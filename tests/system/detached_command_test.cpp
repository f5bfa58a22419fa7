// Containers that outlive the command that made them: each verb is a process of its own, and no
// supervisor lives in between.
#include "detached_fixture.hpp"

#include <csignal>
#include <filesystem>
#include <fstream>

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

namespace ringfort {
namespace {

using nlohmann::json;
using test::User;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using namespace std::chrono_literals;

using DetachedCommand = test::DetachedFixture;

int parent_of(int pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/status");
  for (std::string line; std::getline(file, line);)
    if (line.starts_with("PPid:")) return std::stoi(line.substr(5));
  return 0;
}

TEST_P(DetachedCommand, LivesBetweenCommands) {
  start("web", "echo ready; exec sleep 1000");
  EXPECT_TRUE(has_said("web", "ready\n"));
  const auto shown = inspect("web");
  EXPECT_EQ(shown["state"], "running");
  EXPECT_EQ(shown["level"], level_);
  EXPECT_EQ(shown["exit"], nullptr);
  EXPECT_THAT(run({"ps"}).out, HasSubstr("web-1"));
  const auto inside = run({"exec", "web", "sh", "-c", "echo in; echo oops >&2; exit 5"});
  EXPECT_EQ(inside.code, 5);
  EXPECT_EQ(inside.out, "in\n");
  EXPECT_EQ(inside.err, "oops\n");
  EXPECT_THAT(run({"stats", "--no-stream", "we", "--json"}).out, HasSubstr("\"web-1\""));

  EXPECT_EQ(run({"rm", "web"}).code, 125) << "it runs";
  EXPECT_EQ(run({"stop", "-t", "5", "web"}).code, 0);

  const auto ended = inspect("web-1");
  EXPECT_EQ(ended["state"], "exited");
  EXPECT_EQ(ended["exit"]["reason"], "stopped");
  EXPECT_THAT(run({"ps"}).out, Not(HasSubstr("web-1")));
  EXPECT_EQ(run({"rm", "web"}).code, 0);
  EXPECT_EQ(run({"inspect", "web"}).code, 125);
}

TEST_P(DetachedCommand, TheCodeIsExactThoughNobodyWatched) {
  start("job", "exit 7");
  EXPECT_EQ(run({"wait", "job"}).out, "7\n");
  const auto exit = inspect("job")["exit"];
  EXPECT_EQ(exit["code"], 7);
  EXPECT_EQ(exit["reason"], "exited");
  EXPECT_EQ(exit["known"], true);
}

TEST_P(DetachedCommand, AWaitingCommandHearsTheEnd) {
  command_.write("in/go", "");
  start("job", "until [ -e " + command_.home() + "/in/stop ]; do sleep 0.02; done; exit 3",
        {"--read", "in"});
  test::Program waiter{command_.argv({"wait", "job"}), command_.options()};
  // It may begin to wait before or after; it must answer in both cases.
  command_.write("in/stop", "");
  const auto end = waiter.finish();
  EXPECT_EQ(end.code, 0);
  EXPECT_EQ(end.out, "3\n");
}

TEST_P(DetachedCommand, AKilledShimIsNobodysWitness) {
  start("web", "exec sleep 1000");
  const int main_pid = inspect("web")["pid"];
  const int shim_pid = parent_of(main_pid);
  ASSERT_GT(shim_pid, 1);
  ASSERT_EQ(::kill(shim_pid, SIGKILL), 0);
  EXPECT_EQ(run({"wait", "web"}).out, "255\n");
  const auto exit = inspect("web")["exit"];
  EXPECT_EQ(exit["reason"], "lost");
  EXPECT_EQ(exit["known"], false);
  // At landlock, with shim and zygote gone, nobody is left to end the program.
  if (::kill(main_pid, 0) == 0) ::kill(main_pid, SIGKILL);
}

TEST_P(DetachedCommand, TimersHoldWithoutASupervisor) {
  start("late", "exec sleep 1000", {"--timeout", "200ms"});
  EXPECT_EQ(run({"wait", "late"}).out, "124\n");
  start("deaf", "trap '' TERM; echo ready; while :; do sleep 0.1; done");
  EXPECT_TRUE(has_said("deaf", "ready"));
  EXPECT_EQ(run({"stop", "-t", "0", "deaf"}).code, 0);
  EXPECT_EQ(inspect("deaf")["exit"]["code"], 137);
}

TEST_P(DetachedCommand, PausesInOneProcessAndGoesOnInAnother) {
  start("web", "exec sleep 1000");
  EXPECT_EQ(run({"pause", "web"}).code, 0);
  EXPECT_TRUE(test::eventually(5s, [&] { return inspect("web")["state"] == "paused"; }));
  EXPECT_EQ(run({"unpause", "web"}).code, 0);
  EXPECT_TRUE(test::eventually(5s, [&] { return inspect("web")["state"] == "running"; }));
}

TEST_P(DetachedCommand, StartsAgainWithItsPortOrAnother) {
  start("job", "echo $PORT", {"--port"});
  EXPECT_EQ(run({"wait", "job"}).code, 0);
  const auto first = std::to_string(inspect("job")["port"].get<int>()) + "\n";
  EXPECT_EQ(run({"start", "job"}).out, "job-1\n");
  EXPECT_EQ(run({"wait", "job"}).out, "0\n");
  // Nobody held it in between: others may have taken it.
  const auto second = std::to_string(inspect("job")["port"].get<int>()) + "\n";
  EXPECT_EQ(run({"logs", "job"}).out, first + second);
  EXPECT_EQ(run({"logs", "--tail", "1", "job"}).out, second);
}

TEST_P(DetachedCommand, AThiefsPortIsReplacedAndSaidSo) {
  start("job", "echo $PORT", {"--port"});
  EXPECT_EQ(run({"wait", "job"}).code, 0);
  const int first = inspect("job")["port"];
  const int thief = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(first));
  // Somebody else may have been quicker: taken is taken.
  (void)::bind(thief, reinterpret_cast<const sockaddr*>(&address), sizeof address);
  EXPECT_EQ(run({"start", "job"}).code, 0);
  EXPECT_EQ(run({"wait", "job"}).code, 0);
  const int second = inspect("job")["port"];
  ::close(thief);
  EXPECT_NE(second, first);
  EXPECT_THAT(run({"ps", "-a"}).out, HasSubstr(std::to_string(second)));
  EXPECT_EQ(run({"logs", "--tail", "1", "job"}).out, std::to_string(second) + "\n");
}

TEST_P(DetachedCommand, CreatesWithoutStarting) {
  EXPECT_EQ(run({"create", "--isolation", level_, "--name", "job", "--", "sh", "-c", "exit 4"}).out,
            "job-1\n");
  EXPECT_EQ(inspect("job")["state"], "created");
  EXPECT_EQ(run({"start", "job"}).code, 0);
  EXPECT_EQ(run({"wait", "job"}).out, "4\n");
  EXPECT_EQ(run({"prune"}).out, "job-1\n");
}

TEST_P(DetachedCommand, NeverWipesWhatHasTheName) {
  start("job", "exit 0");
  EXPECT_EQ(run({"wait", "job"}).code, 0);
  const auto again = run({"run", "-d", "--name", "job", "--", "true"});
  EXPECT_EQ(again.code, 125);
  EXPECT_THAT(again.err, HasSubstr("ringfort rm -f job-1"));
  EXPECT_EQ(run({"rm", "nobody"}).code, 125);
}

RINGFORT_EACH_LEVEL_AND_USER(DetachedCommand);
RINGFORT_AT_LEVEL_NETWORK(DetachedCommand);

}  // namespace
}  // namespace ringfort
