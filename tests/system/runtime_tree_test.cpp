// A container's processes end with it, however they try to get away, and its end is told in bounded
// time.
#include "ringfort/support/eventually.hpp"
#include "runtime_fixture.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>

namespace ringfort::test {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;
using testing::Contains;
using testing::Not;

bool only_the_zygote_is_left() {
  return eventually(5s, [] { return descendants().size() <= 1; });
}

class RuntimeTree : public RuntimeTest {
 protected:
  std::vector<std::string> lines(const ContainerId& id) {
    std::vector<std::string> said;
    const auto logs = runtime_->get_logs(id);
    EXPECT_TRUE(ok(logs));
    if (logs)
      for (const auto& line : *logs) said.push_back(line.message);
    return said;
  }
  void await_line(const ContainerId& id, const std::string& line) {
    ASSERT_TRUE(eventually(10s, [&] { return std::ranges::count(lines(id), line) > 0; }));
  }
  /// An end in bounded time, asked for with no patience.
  void expect_quick_stop(const ContainerId& id) {
    const auto begin = Clock::now();
    EXPECT_TRUE(ok(runtime_->stop_container(id, 0ms)));
    EXPECT_LT(Clock::now() - begin, 4s);
    EXPECT_EQ(end_of(id).code, 137);
    EXPECT_TRUE(only_the_zygote_is_left());
  }
};

TEST_P(RuntimeTree, DaemonsEndWithTheProgramThatMadeThem) {
  const ContainerId id{"daemon", 1};
  launch(id, victim("daemon"));
  const auto end = end_of(id);
  EXPECT_EQ(end.code, 5);
  EXPECT_EQ(end.reason, EndReason::Exited);
  EXPECT_TRUE(only_the_zygote_is_left());
}

TEST_P(RuntimeTree, ProcessesThatForkAndLeaveCannotOutrunTheKill) {
  const ContainerId id{"bomb", 1};
  launch(id, victim("bomb", {"chain"}));
  await_ready(id);
  expect_quick_stop(id);
}

TEST_P(RuntimeTree, AForkBombIsHeldToItsLimitAndEnds) {
  const ContainerId id{"bomb", 1};
  auto service = victim("bomb", {"flood"});
  service.resources.pids_limit = 64;
  const auto created = runtime_->create_container(id, service);
  ASSERT_TRUE(ok(created));
  if (!created->not_enforced.empty()) {
    EXPECT_THAT(created->not_enforced, Contains("resources.pids_limit"));
    GTEST_SKIP() << "neither a uid nor a user namespace of its own";
  }
  ASSERT_TRUE(ok(runtime_->start_container(id)));
  await_ready(id);
  ASSERT_TRUE(eventually(5s, [&] {
    const auto stats = runtime_->get_container_stats(id);
    return stats && stats->pids >= 60;
  }));
  EXPECT_LE(runtime_->get_container_stats(id)->pids, 64U);
  expect_quick_stop(id);
}

INSTANTIATE_AT_LEVELS(RuntimeTree);

// ---------------------------------------------------------------- linger

using RuntimeLinger = RuntimeTree;

TEST_P(RuntimeLinger, WithoutItTheTreeEndsWithItsProgram) {
  const ContainerId id{"leaver", 1};
  launch(id, victim("leaver", {"100000"}));
  EXPECT_EQ(end_of(id).code, 7);
  EXPECT_THAT(lines(id), Contains("ready"));
  EXPECT_TRUE(only_the_zygote_is_left());
}

TEST_P(RuntimeLinger, TheRestGoesOnAndTheEndIsToldWhenItIsDone) {
  const ContainerId id{"leaver", 1};
  auto service = victim("leaver", {"10"});
  service.linger = 1h;
  launch(id, service);
  const auto end = end_of(id);
  EXPECT_EQ(end.code, 7);
  EXPECT_EQ(end.reason, EndReason::Exited);
  EXPECT_EQ(lines(id).back(), "last");
  EXPECT_TRUE(only_the_zygote_is_left());
}

TEST_P(RuntimeLinger, ItsTimeIsBounded) {
  const ContainerId id{"leaver", 1};
  auto service = victim("leaver", {"100000"});
  service.linger = 300ms;
  const auto begin = Clock::now();
  launch(id, service);
  EXPECT_EQ(end_of(id).code, 7);
  EXPECT_GE(Clock::now() - begin, 300ms);
  EXPECT_THAT(lines(id), Not(Contains("last")));
  EXPECT_TRUE(only_the_zygote_is_left());
}

TEST_P(RuntimeLinger, AStopCutsItShort) {
  const ContainerId id{"leaver", 1};
  auto service = victim("leaver", {"100000"});
  service.linger = 1h;
  launch(id, service);
  await_line(id, "tick");
  const auto pid = std::stoi(read_file(container_dir(id) + "/pid"));
  ASSERT_TRUE(eventually(5s, [&] { return name_of(pid).empty(); })) << "the program has left";
  EXPECT_TRUE(fails(runtime_->wait_exit(id, 0ms), ErrorKind::Timeout)) << "it is not over";

  EXPECT_TRUE(ok(runtime_->stop_container(id, 1h)));

  const auto end = end_of(id);
  EXPECT_EQ(end.code, 7);
  EXPECT_EQ(end.reason, EndReason::Exited) << "its own end came before the stop";
  EXPECT_TRUE(only_the_zygote_is_left());
}

TEST_P(RuntimeLinger, TheEndOfTheRuntimeCutsItShort) {
  const ContainerId id{"leaver", 1};
  auto service = victim("leaver", {"100000"});
  service.linger = 1h;
  launch(id, service);
  await_line(id, "tick");
  runtime_.reset();
  EXPECT_TRUE(eventually(5s, [] { return descendants().empty(); }));
  runtime_ = open();
  const auto end = end_of(id);
  EXPECT_EQ(end.code, 7);
  EXPECT_EQ(end.reason, EndReason::Exited);
}

INSTANTIATE_AT_LEVELS(RuntimeLinger);

// ---------------------------------------------------------------- what a kill can't reach

/// The v1 freezer holds a process where no signal is handled, as a dead disk does (state D).
class Freezer {
 public:
  Freezer() : path_(kRoot + "/ringfort-test-" + std::to_string(::getpid())) {
    std::error_code error;
    fs::create_directory(path_, error);
  }
  ~Freezer() {
    thaw();
    eventually(5s, [&] { return ::rmdir(path_.c_str()) == 0; });
  }
  static bool is_usable() { return ::access(kRoot.c_str(), W_OK) == 0; }
  void take(int pid) { put("cgroup.procs", std::to_string(pid)); }
  void freeze() {
    put("freezer.state", "FROZEN");
    EXPECT_TRUE(eventually(5s, [&] { return read_file(path_ + "/freezer.state") == "FROZEN\n"; }));
  }
  void thaw() { put("freezer.state", "THAWED"); }

 private:
  void put(const std::string& file, const std::string& text) {
    std::ofstream(path_ + "/" + file) << text;
  }
  inline static const std::string kRoot = "/sys/fs/cgroup/freezer";
  std::string path_;
};

class RuntimeStuck : public RuntimeTree {
 protected:
  void SetUp() override {
    if (!Freezer::is_usable()) GTEST_SKIP() << "no writable v1 freezer";
    RuntimeTree::SetUp();
  }
  int program_of(const ContainerId& id) { return std::stoi(read_file(container_dir(id) + "/pid")); }
};

TEST_P(RuntimeStuck, IsSaidInBoundedTimeAndALaterEndIsRecorded) {
  const ContainerId id{"idle", 1};
  launch(id, victim("idle"));
  await_ready(id);
  Freezer freezer;
  freezer.take(program_of(id));
  freezer.freeze();

  const auto begin = Clock::now();
  EXPECT_TRUE(fails(runtime_->stop_container(id, 100ms), ErrorKind::Timeout));
  EXPECT_LT(Clock::now() - begin, 10s);
  const auto stuck = runtime_->container_state(id);
  ASSERT_TRUE(ok(stuck));
  EXPECT_EQ(stuck->state, State::Stuck);

  freezer.thaw();
  const auto end = end_of(id);
  EXPECT_EQ(end.reason, EndReason::Stopped);
  EXPECT_EQ(runtime_->container_state(id)->state, State::Exited);
  EXPECT_TRUE(only_the_zygote_is_left());
}

TEST_P(RuntimeStuck, TheProgramsOwnEndIsToldThoughSomethingOfItsTreeIs) {
  const ContainerId id{"stubborn", 1};
  launch(id, victim("stubborn"));
  await_ready(id);
  const int program = program_of(id);
  Freezer freezer;
  int frozen = 0;
  for (const int pid : descendants())
    if (pid != program && name_of(pid) == "stubborn") {
      freezer.take(pid);
      ++frozen;
    }
  ASSERT_EQ(frozen, 1) << "its grandchild";
  freezer.freeze();

  const auto begin = Clock::now();
  ASSERT_EQ(::kill(program, SIGKILL), 0);
  const auto end = end_of(id);
  EXPECT_LT(Clock::now() - begin, 10s);
  EXPECT_EQ(end.code, 137);
  EXPECT_EQ(end.reason, EndReason::Signaled);

  freezer.thaw();
  EXPECT_TRUE(only_the_zygote_is_left());
}

INSTANTIATE_AT_LEVELS(RuntimeStuck);

}  // namespace
}  // namespace ringfort::test
