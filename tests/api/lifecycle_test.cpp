#include "open_runtime.hpp"

namespace ringfort {
namespace {

using namespace std::chrono_literals;

struct Lifecycle : OpenRuntime {};

TEST_F(Lifecycle, RunsAProgramToItsEnd) {
  run("echo out; echo err >&2; exit 3");

  auto exit = runtime->wait_exit(id);
  ASSERT_TRUE(exit);
  EXPECT_EQ(exit->code, 3);
  EXPECT_EQ(exit->reason, EndReason::Exited);
  EXPECT_EQ(runtime->container_state(id)->state, State::Exited);
  EXPECT_EQ(runtime->get_logs(id)->size(), 2U);
  EXPECT_EQ(runtime->container_logs(id, 1)->size(), 1U);
  EXPECT_EQ(runtime->get_container_pid(id).value(), std::nullopt);
  EXPECT_EQ(runtime->get_container_ip(id).value(), "127.0.0.1");
  EXPECT_TRUE(runtime->remove_container(id));
  EXPECT_FALSE(test::exists(dir / "data/containers/web-1"));
  EXPECT_EQ(runtime->container_state(id).error().kind, ErrorKind::NotFound);
}

TEST_F(Lifecycle, AppendsToTheLogsWhenStartedAgain) {
  run("echo line");
  ASSERT_TRUE(runtime->wait_container(id));

  auto again = runtime->start_container(id);
  ASSERT_TRUE(again) << to_string(again.error());
  ASSERT_TRUE(runtime->wait_container(id));

  EXPECT_EQ(runtime->get_logs(id)->size(), 2U);
}

TEST_F(Lifecycle, StopsAProgramAndItsChildren) {
  run("sleep 300 & sleep 300");

  EXPECT_TRUE(runtime->stop_container(id, 5s));

  auto exit = runtime->wait_exit(id);
  ASSERT_TRUE(exit);
  EXPECT_EQ(exit->reason, EndReason::Stopped);
  EXPECT_EQ(exit->code, 143);
}

TEST_F(Lifecycle, RunsCommandsBesideTheProgram) {
  run("sleep 300");

  auto result = runtime->exec(id, {"/bin/sh", "-c", "cat; echo $X $PORT; echo no >&2; exit 4"},
                              {{{"X", "1"}}, {}, 5s, "input "});

  ASSERT_TRUE(result) << to_string(result.error());
  auto port = runtime->get_container_port_override(id).value();
  EXPECT_EQ(result->code, 4);
  EXPECT_EQ(result->out, "input 1 " + std::to_string(port.value()) + "\n");
  EXPECT_EQ(result->err, "no\n");
}

TEST_F(Lifecycle, EndsACommandThatTakesTooLong) {
  run("sleep 300");

  auto result = runtime->exec(id, {"/bin/sleep", "300"}, {{}, {}, 50ms, {}});

  ASSERT_TRUE(result) << to_string(result.error());
  EXPECT_TRUE(result->timed_out);
  EXPECT_EQ(result->code, 124);
}

TEST_F(Lifecycle, EndsAProgramAtItsTimeout) {
  RunOptions options;
  options.timeout = 50ms;
  run("trap 'exit 0' TERM; while :; do sleep 0.01; done", options);

  auto exit = runtime->wait_exit(id);

  ASSERT_TRUE(exit);
  EXPECT_EQ(exit->reason, EndReason::Timeout);
  EXPECT_EQ(exit->code, 124);
}

TEST_F(Lifecycle, PausesAProgram) {
  run("while :; do :; done");

  EXPECT_TRUE(runtime->pause_container(id));
  EXPECT_EQ(runtime->container_state(id)->state, State::Paused);
  EXPECT_TRUE(runtime->unpause_container(id));

  EXPECT_EQ(runtime->container_state(id)->state, State::Running);
}

TEST_F(Lifecycle, CountsTheMemoryOfTheTree) {
  specs::Service service = shell("sleep 300 & wait");
  service.resources.memory = Bytes{64 << 20};
  ASSERT_TRUE(runtime->create_container(id, service));
  EXPECT_FALSE(runtime->get_container_stats(id));
  ASSERT_TRUE(runtime->start_container(id));

  auto stats = runtime->get_container_stats(id);

  ASSERT_TRUE(stats) << to_string(stats.error());
  EXPECT_GT(stats->memory_bytes, 0U);
  EXPECT_EQ(stats->memory_limit, 64U << 20);
}

TEST_F(Lifecycle, WaitsNoLongerThanItIsTold) {
  run("sleep 300");

  auto exit = runtime->wait_exit(id, 20ms);

  ASSERT_FALSE(exit);
  EXPECT_EQ(exit.error().kind, ErrorKind::Timeout);
}

TEST_F(Lifecycle, NamesTheImageThatIsMissing) {
  specs::Service service = shell("true");
  service.image.name = "nonexistent:v99";

  auto created = runtime->create_container(id, service);

  ASSERT_FALSE(created);
  EXPECT_EQ(created.error().kind, ErrorKind::CreateFailed);
  EXPECT_NE(created.error().what.find("rootfs not found"), std::string::npos);
  EXPECT_FALSE(test::exists(dir / "data/containers/web-1"));
}

TEST_F(Lifecycle, LeavesNothingBehindAfterBadInput) {
  specs::Service huge = shell(std::string(128 * 1024 + 1, 'x'));
  EXPECT_EQ(runtime->create_container(id, huge).error().kind, ErrorKind::InvalidSpec);
  for (const std::string& name : {std::string("../../x"), std::string(300, 'a'), std::string(),
                                  std::string("a\0b", 3), std::string("a\nb")})
    EXPECT_EQ(runtime->create_container({name, 1}, shell("true")).error().kind,
              ErrorKind::InvalidSpec);

  EXPECT_TRUE(test::names_in(dir / "data/containers").empty());
  EXPECT_TRUE(runtime->list_containers()->empty());
}

TEST_F(Lifecycle, SaysWhenAProgramCannotBeRun) {
  specs::Service service = shell("");
  service.command.entrypoint = {"/no/such/program"};
  ASSERT_TRUE(runtime->create_container(id, service));

  auto started = runtime->start_container(id);

  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().kind, ErrorKind::StartFailed);
  EXPECT_EQ(*runtime->wait_container(id), 127);
  EXPECT_EQ(runtime->wait_exit(id)->reason, EndReason::StartFailed);
}

}  // namespace
}  // namespace ringfort
