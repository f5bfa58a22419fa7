// Restart policies with real programs, in one supervisor and in the next.
#include "ringfort/support/command.hpp"
#include "ringfort/support/eventually.hpp"
#include "runtime_fixture.hpp"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include <csignal>
#include <utility>

namespace ringfort::test {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

class RuntimeRestart : public RuntimeTest {
 protected:
  void SetUp() override {
    RuntimeTest::SetUp();
    if (IsSkipped()) return;
    runtime_.reset();
    runtime_ = open_quick();
    ASSERT_TRUE(runtime_);
  }
  /// Small numbers: three starts, a few milliseconds apart.
  std::unique_ptr<Runtime> open_quick() {
    RuntimeConfig config;
    config.data_dir = data_dir();
    config.isolation = GetParam();
    config.restart_rules.first_delay = 2ms;
    config.restart_rules.start_limit = 3;
    auto runtime = Runtime::open(std::move(config));
    EXPECT_TRUE(ok(runtime));
    return runtime ? *std::move(runtime) : nullptr;
  }
  specs::Service under(specs::RestartKind kind, specs::Service service) {
    service.restart_policy = specs::RestartPolicy{kind, {}, {}};
    return service;
  }
  bool comes_to(State state) {
    return eventually(10s, [&] {
      const auto now = runtime_->container_state(id_);
      return now && now->state == state;
    });
  }
  ContainerEntry entry() {
    auto entry = runtime_->container_entry(id_);
    EXPECT_TRUE(ok(entry));
    return entry.value_or(ContainerEntry{});
  }

  const ContainerId id_{"again", 1};
};

TEST_P(RuntimeRestart, ACrashLoopComesToFailedWithTheNextCommand) {
  launch(id_, under(specs::RestartKind::Always, victim("ends", {"code", "5"})));
  ASSERT_TRUE(comes_to(State::Failed));
  const auto end = entry();
  EXPECT_EQ(end.restarts, 2U);
  EXPECT_THAT(end.state.reason, HasSubstr("was started 3 times within 5m"));
  EXPECT_THAT(end.state.reason, HasSubstr("ringfort start again-1"));
  EXPECT_EQ(end_of(id_).code, 5);
}

TEST_P(RuntimeRestart, OnFailureDoesNotRestartASuccess) {
  launch(id_, under(specs::RestartKind::OnFailure, victim("ends", {"code", "0"})));
  EXPECT_EQ(end_of(id_).code, 0);
  EXPECT_EQ(entry().state.state, State::Exited);
  EXPECT_EQ(entry().restarts, 0U);
}

TEST_P(RuntimeRestart, AKilledProgramRunsAgainWithItsPortAndItsLog) {
  launch(id_, under(specs::RestartKind::Always, victim("idle")));
  await_ready(id_);
  const auto before = entry();
  ASSERT_TRUE(ok(runtime_->kill_container(id_)));
  ASSERT_TRUE(eventually(10s, [&] {
    const auto logs = runtime_->get_logs(id_);
    return logs && logs->size() == 2;
  }));
  const auto after = entry();
  EXPECT_EQ(after.restarts, 1U);
  EXPECT_EQ(after.port, before.port);
  EXPECT_NE(after.pid, before.pid);
}

TEST_P(RuntimeRestart, AStopHoldsHereAndInTheNextSupervisor) {
  launch(id_, under(specs::RestartKind::UnlessStopped, victim("idle")));
  await_ready(id_);
  ASSERT_TRUE(ok(runtime_->stop_container(id_, 5s)));
  EXPECT_EQ(entry().state.state, State::Exited);

  runtime_.reset();
  runtime_ = open_quick();
  EXPECT_TRUE(ok(runtime_->adopt_containers()));
  EXPECT_EQ(entry().state.state, State::Exited);
  EXPECT_TRUE(fails(runtime_->wait_exit(ContainerId{"nobody", 1}), ErrorKind::NotFound));
  EXPECT_TRUE(ok(runtime_->remove_container(id_)));
}

TEST_P(RuntimeRestart, TheEndOfARuntimeIsNoStopAndTheNextOneStartsIt) {
  launch(id_, under(specs::RestartKind::UnlessStopped, victim("idle")));
  await_ready(id_);
  runtime_.reset();
  runtime_ = open_quick();
  const auto adopted = runtime_->adopt_containers();
  ASSERT_TRUE(ok(adopted));
  EXPECT_EQ(*adopted, std::vector<ContainerId>{id_});
  ASSERT_TRUE(comes_to(State::Running));
  EXPECT_EQ(entry().restarts, 1U);
}

INSTANTIATE_AT_LEVELS(RuntimeRestart);

/// The old supervisor is an `up` that is killed without a word.
class NextSupervisor : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    if (const auto why = command_.refusal(GetParam())) GTEST_SKIP() << *why;
  }
  void TearDown() override {
    if (IsSkipped()) return;
    EXPECT_THAT(command_.leftovers(), IsEmpty());
  }
  Command command_;
};

INSTANTIATE_TEST_SUITE_P(, NextSupervisor, testing::Values("landlock", "namespaces"),
                         [](const auto& row) { return row.param; });

TEST_P(NextSupervisor, GoesOnWithTheSameHistoryPortAndFiles) {
  command_.write("spec.yaml", R"(version: v1
deployment: test
services:
  web:
    image: {name: host}
    scale: {mode: fixed, replicas: 1}
    restart_policy: {kind: always, delay: 1ms}
    command: {entrypoint: [sh, -c, "echo x >> $TMPDIR/n; echo run $(wc -l < $TMPDIR/n) $PORT; exec sleep 1000"]}
)");
  Program up{command_.argv({"up", "--isolation", GetParam(), "spec.yaml"}), command_.options()};
  ASSERT_TRUE(up.has_said("web-1 | run 1"));
  ASSERT_EQ(command_.run({"kill", "web"}).code, 0);
  ASSERT_TRUE(up.has_said("web-1 | run 2"));
  const auto shown = nlohmann::json::parse(command_.run({"inspect", "web"}).out).at(0);
  EXPECT_EQ(shown["restarts"], 1);
  up.signal(SIGKILL);
  up.finish();

  RuntimeConfig config;
  config.data_dir = command_.data_dir();
  auto opened = Runtime::open(std::move(config));
  ASSERT_TRUE(ok(opened));
  auto& runtime = **opened;
  const ContainerId id{"web", 1};
  const auto adopted = runtime.adopt_containers();
  ASSERT_TRUE(ok(adopted));
  EXPECT_EQ(*adopted, std::vector<ContainerId>{id});
  const auto wanted = "run 3 " + std::to_string(shown["port"].get<int>());
  EXPECT_TRUE(eventually(std::chrono::seconds(10), [&] {
    const auto lines = runtime.get_logs(id);
    return lines && !lines->empty() && lines->back().message == wanted;
  })) << wanted;
  const auto entry = runtime.container_entry(id);
  ASSERT_TRUE(ok(entry));
  EXPECT_EQ(entry->restarts, 2U);
  EXPECT_EQ(entry->state.state, State::Running);
  EXPECT_TRUE(ok(runtime.remove_container(id)));
}

}  // namespace
}  // namespace ringfort::test
