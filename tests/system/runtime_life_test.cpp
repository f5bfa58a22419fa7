// Ends, waits, trees and environments of real programs.
#include "ringfort/support/eventually.hpp"
#include "runtime_fixture.hpp"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <future>
#include <map>
#include <mutex>
#include <set>
#include <sstream>
#include <thread>

#include <signal.h>

namespace ringfort::test {
namespace {

class RuntimeLife : public RuntimeTest {};

TEST_P(RuntimeLife, TheEndIsToldAsItWas) {
  struct Row {
    std::vector<std::string> arguments;
    int code;
    std::optional<int> signal;
    EndReason reason;
  };
  const Row rows[] = {
      {{"code", "0"}, 0, std::nullopt, EndReason::Exited},
      {{"code", "7"}, 7, std::nullopt, EndReason::Exited},
      {{"code", "255"}, 255, std::nullopt, EndReason::Exited},
      {{"fault"}, 139, SIGSEGV, EndReason::Signaled},
      {{"signal", "9"}, 137, SIGKILL, EndReason::Signaled},
      {{"signal", "6"}, 134, SIGABRT, EndReason::Signaled},
  };
  std::uint32_t replica = 0;
  for (const auto& row : rows) {
    SCOPED_TRACE(row.arguments.front());
    const ContainerId id{"ends", ++replica};
    launch(id, victim("ends", row.arguments));
    const auto end = end_of(id);
    EXPECT_EQ(end.code, row.code);
    EXPECT_EQ(end.signal, row.signal);
    EXPECT_EQ(end.reason, row.reason);
    EXPECT_TRUE(end.known);
    EXPECT_TRUE(end.started_at && end.finished_at && *end.started_at <= *end.finished_at);
  }
}

TEST_P(RuntimeLife, AllWaitersHearOneRecord) {
  const ContainerId id{"awaited", 1};
  launch(id, victim("idle"));
  await_ready(id);
  std::vector<std::future<Result<ExitRecord>>> waiters;
  for (int i = 0; i < 64; ++i)
    waiters.push_back(std::async(std::launch::async, [&] { return runtime_->wait_exit(id); }));

  EXPECT_TRUE(ok(runtime_->kill_container(id, "USR1")));

  const auto end = end_of(id);
  EXPECT_EQ(end.code, 128 + SIGUSR1);
  for (auto& waiter : waiters) {
    const auto heard = waiter.get();
    ASSERT_TRUE(ok(heard));
    EXPECT_EQ(*heard, end);
  }
}

TEST_P(RuntimeLife, ANeighbourHearsTheCodeThoughTheContainerIsRemovedAtOnce) {
  std::mutex mutex;
  std::map<ContainerId, ExitRecord> heard;
  const auto neighbour = open();
  ASSERT_TRUE(neighbour);
  neighbour->on_exit([&](const ContainerId& id, const ExitRecord& exit) {
    const std::lock_guard lock(mutex);
    heard[id] = exit;
  });
  for (std::uint32_t i = 1; i <= 20; ++i) {
    const ContainerId id{"awaited", i};
    launch(id, victim("idle"));
    await_ready(id);
    const auto seen = neighbour->container_state(id);
    ASSERT_TRUE(seen && seen->state == State::Running);

    EXPECT_TRUE(ok(runtime_->kill_container(id, "USR1")));
    EXPECT_EQ(end_of(id).code, 128 + SIGUSR1);
    EXPECT_TRUE(ok(runtime_->remove_container(id)));
    launch({"next", i}, victim("idle"));  // in the directories of the first

    EXPECT_TRUE(eventually(10s, [&] {
      const std::lock_guard lock(mutex);
      return heard.contains(id);
    }));
    const std::lock_guard lock(mutex);
    EXPECT_EQ(heard[id].code, 128 + SIGUSR1);
    EXPECT_TRUE(heard[id].known);
  }
}

TEST_P(RuntimeLife, ManyEndsAtOnceAreToldExactly) {
  constexpr std::uint32_t kMany = 300;
  constexpr std::uint32_t kThreads = 16;
  std::vector<specs::Service> services(kMany, victim("ends"));
  for (std::uint32_t i = 0; i < kMany; ++i)
    services[i].command.args = {"code", std::to_string(i % 256)};
  std::mutex mutex;
  std::map<std::uint32_t, int> heard;
  runtime_->on_exit([&](const ContainerId& id, const ExitRecord& end) {
    std::lock_guard lock(mutex);
    heard[id.replica] = end.code;
  });

  std::atomic<std::uint32_t> next = 0;
  {
    std::vector<std::jthread> threads;
    for (std::uint32_t t = 0; t < kThreads; ++t)
      threads.emplace_back([&] {
        for (auto i = next++; i < kMany; i = next++) launch({"many", i}, services[i]);
      });
  }

  for (std::uint32_t i = 0; i < kMany; ++i)
    EXPECT_EQ(end_of({"many", i}).code, static_cast<int>(i % 256));
  const auto all_heard = [&] {
    std::lock_guard lock(mutex);
    return heard.size() == kMany;
  };
  ASSERT_TRUE(eventually(5s, all_heard));
  for (const auto& [replica, code] : heard) EXPECT_EQ(code, static_cast<int>(replica % 256));
}

TEST_P(RuntimeLife, StopEndsTheWholeTree) {
  const ContainerId id{"stubborn", 1};
  launch(id, victim("stubborn"));
  await_ready(id);
  const auto before = descendants();
  const auto stats = runtime_->get_container_stats(id);
  ASSERT_TRUE(ok(stats));
  EXPECT_GE(stats->pids, 2u) << "the grandchild in its own session belongs to the tree";

  EXPECT_TRUE(ok(runtime_->stop_container(id, 200ms)));

  const auto end = end_of(id);
  EXPECT_EQ(end.reason, EndReason::Stopped);
  EXPECT_EQ(end.code, 137) << "it ignores TERM";
  EXPECT_GE(before.size(), 4u) << "zygote, shim, program, grandchild";
  EXPECT_TRUE(eventually(5s, [] { return descendants().size() <= 1; })) << "all but the zygote";
}

TEST_P(RuntimeLife, StopAsksFirst) {
  const ContainerId id{"polite", 1};
  launch(id, victim("idle"));
  await_ready(id);

  EXPECT_TRUE(ok(runtime_->stop_container(id, 5s)));

  const auto end = end_of(id);
  EXPECT_EQ(end.signal, SIGTERM);
  EXPECT_EQ(end.code, 143);
  EXPECT_EQ(end.reason, EndReason::Stopped);
}

TEST_P(RuntimeLife, RemoveEndsWhatRuns) {
  const ContainerId id{"removed", 1};
  launch(id, victim("stubborn"));
  await_ready(id);

  EXPECT_TRUE(ok(runtime_->remove_container(id)));

  EXPECT_FALSE(exists(container_dir(id)));
  EXPECT_TRUE(fails(runtime_->container_state(id), ErrorKind::NotFound));
  EXPECT_TRUE(eventually(5s, [] { return descendants().size() <= 1; })) << "all but the zygote";
}

TEST_P(RuntimeLife, ARuntimeThatGoesTakesItsContainersAlong) {
  const ContainerId id{"taken", 1};
  launch(id, victim("stubborn"));
  await_ready(id);
  const pid_t program = std::stoi(read_file(container_dir(id) + "/pid"));

  runtime_.reset();

  EXPECT_TRUE(::kill(program, 0) == -1 && errno == ESRCH);
  // The shim, which has told its end, may be on its last instructions.
  EXPECT_TRUE(eventually(5s, [] { return descendants().empty(); }));
  EXPECT_TRUE(exists(container_dir(id) + "/stdout.log")) << "its files stay";
  runtime_ = open();
  EXPECT_TRUE(ok(runtime_->remove_container(id)));
}

TEST_P(RuntimeLife, AnEndedContainerMayBeStartedAgain) {
  const ContainerId id{"again", 1};
  launch(id, victim("ends", {"code", "4"}));
  const auto first = end_of(id);

  EXPECT_TRUE(ok(runtime_->start_container(id)));

  const auto second = end_of(id);
  EXPECT_EQ(second.code, 4);
  EXPECT_GE(second.started_at, first.finished_at);
}

/// Lines `<kind> <rest>` of the victim `environment`.
std::set<std::string> lines_of(const std::string& text, std::string_view kind) {
  std::set<std::string> found;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);)
    if (line.starts_with(kind)) found.insert(line.substr(kind.size() + 1));
  return found;
}

std::string joined(const std::vector<LogEntry>& lines) {
  std::string text;
  for (const auto& line : lines) text += line.message + "\n";
  return text;
}

TEST_P(RuntimeLife, TheProgramHasWhatTheSpecGivesAndNothingElse) {
  ::setenv("RINGFORT_TEST_SECRET", "of the supervisor", 1);
  const ContainerId id{"environment", 1};
  auto service = victim("environment", {"one", "", "two words"});
  service.env = {{"COLOUR", "blue"}, {"EMPTY", ""}};
  launch(id, service);
  EXPECT_EQ(end_of(id).code, 0);
  const auto logs = runtime_->get_logs(id);
  ASSERT_TRUE(ok(logs));
  const auto text = joined(*logs);
  const auto port = runtime_->get_container_port_override(id);
  ASSERT_TRUE(ok(port) && *port);
  const std::string number = std::to_string(**port);

  std::set<std::string> names;
  for (const auto& line : lines_of(text, "env")) names.insert(line.substr(0, line.find('=')));
  EXPECT_EQ(names, (std::set<std::string>{"COLOUR", "EMPTY", "HOME", "PATH", "PORT",
                                          "RINGFORT_PORT", "TMPDIR", "ZLAYER_PORT"}));
  const auto env = lines_of(text, "env");
  for (const auto& wanted : {"COLOUR=blue", "EMPTY="}) EXPECT_TRUE(env.contains(wanted)) << wanted;
  for (const std::string name : {"PORT=", "RINGFORT_PORT=", "ZLAYER_PORT="})
    EXPECT_TRUE(env.contains(name + number)) << name;
  EXPECT_EQ(lines_of(text, "arg"), (std::set<std::string>{"one", "", "two words"}));
  EXPECT_EQ(lines_of(text, "fd"), (std::set<std::string>{"0", "1", "2"}));
  ::unsetenv("RINGFORT_TEST_SECRET");
}

TEST_P(RuntimeLife, AnExecHasTheMainProgramsEnvironment) {
  ::setenv("RINGFORT_TEST_SECRET", "of the supervisor", 1);
  const ContainerId id{"exec", 1};
  // Given: an image of two programs, one that waits and one that tells.
  const std::string source = directory_ / "both";
  std::filesystem::create_directory(source);
  for (const char* name : {"idle", "environment"})
    std::filesystem::copy_file(std::string(RINGFORT_VICTIMS_DIR "/") + name, source + "/" + name);
  ASSERT_TRUE(ok(runtime_->register_local_rootfs("both", source)));
  specs::Service service;
  service.image.name = "both";
  service.command.entrypoint = {"/idle"};
  service.env = {{"COLOUR", "blue"}};
  launch(id, service);
  ExecOptions options;
  options.env = {{"COLOUR", "red"}, {"MORE", "1"}};
  // At landlock there is no root of its own: the program lies where the clone lies.
  const std::string program = GetParam() == Isolation::Landlock
                                  ? container_dir(id) + "/rootfs/environment"
                                  : "/environment";

  const auto result = runtime_->exec(id, {program, "x"}, options);

  ASSERT_TRUE(ok(result));
  EXPECT_EQ(result->code, 0) << result->err;
  std::set<std::string> names;
  for (const auto& line : lines_of(result->out, "env"))
    names.insert(line.substr(0, line.find('=')));
  EXPECT_EQ(names, (std::set<std::string>{"COLOUR", "MORE", "HOME", "PATH", "PORT", "RINGFORT_PORT",
                                          "TMPDIR", "ZLAYER_PORT"}));
  EXPECT_TRUE(lines_of(result->out, "env").contains("COLOUR=red"));
  EXPECT_EQ(lines_of(result->out, "fd"), (std::set<std::string>{"0", "1", "2"}));
  ::unsetenv("RINGFORT_TEST_SECRET");
}

TEST_P(RuntimeLife, AnExecThatNobodyTookUpIsAnswered) {
  const ContainerId id{"frozen", 1};
  const auto before = descendants();
  launch(id, victim("idle"));
  const auto pid = runtime_->get_container_pid(id);
  ASSERT_TRUE(pid && *pid);
  int shim = 0;
  for (const int one : descendants())
    if (one != **pid && std::ranges::count(before, one) == 0 && name_of(one) == "ringfort-shim")
      shim = one;
  ASSERT_GT(shim, 0);
  ::kill(shim, SIGSTOP);
  ::kill(**pid, SIGKILL);

  // It has ended before its shim looks at who calls, and the exec is not the first of them.
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(ok(runtime_->kill_container(id, "CONT")));
  auto waiting = std::async(std::launch::async, [&] { return runtime_->exec(id, {"/idle"}); });
  EXPECT_EQ(waiting.wait_for(200ms), std::future_status::timeout);
  ::kill(shim, SIGCONT);

  ASSERT_EQ(waiting.wait_for(10s), std::future_status::ready);
  const auto answer = waiting.get();
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().kind, ErrorKind::Conflict);
  EXPECT_EQ(end_of(id).code, 137);
}

TEST_P(RuntimeLife, AnExecTakesAllOfTheCallersStreamsOrNone) {
  const ContainerId id{"idle", 1};
  launch(id, victim("idle"));
  ExecOptions some;
  some.stdin_fd = 0;
  ExecOptions no_terminal;
  no_terminal.terminal = true;
  for (const auto& options : {some, no_terminal}) {
    const auto result = runtime_->exec(id, {"/idle"}, options);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().kind, ErrorKind::InvalidSpec);
  }
}

TEST_P(RuntimeLife, TwoRuntimesShareADataDirectory) {
  auto other = open();
  const ContainerId mine{"mine", 1};
  const ContainerId theirs{"theirs", 1};
  launch(mine, victim("idle"));
  ASSERT_TRUE(ok(other->create_container(theirs, victim("idle"))));
  ASSERT_TRUE(ok(other->start_container(theirs)));
  EXPECT_NE(runtime_->get_container_port_override(mine),
            other->get_container_port_override(theirs));

  remove_all(*other);
  other.reset();

  EXPECT_EQ(runtime_->container_state(mine)->state, State::Running);
  EXPECT_TRUE(exists(container_dir(mine) + "/config.json"));
}

TEST_P(RuntimeLife, AnOldNameMeansWhatAnotherMadeOfIt) {
  auto other = open();
  ASSERT_TRUE(other);
  const auto change_hands = [&](const ContainerId& id) {
    create(id, victim("idle"));
    ASSERT_TRUE(ok(other->remove_container(id)));
    ASSERT_TRUE(ok(other->create_container(id, victim("idle"))));
    ASSERT_TRUE(ok(other->start_container(id)));
  };
  const ContainerId started{"started", 1};
  change_hands(started);
  EXPECT_TRUE(fails(runtime_->start_container(started), ErrorKind::Conflict));
  EXPECT_EQ(other->container_state(started)->state, State::Running);
  EXPECT_EQ(runtime_->container_state(started)->state, State::Running) << "it has looked anew";

  const ContainerId removed{"removed", 1};
  change_hands(removed);
  EXPECT_TRUE(ok(runtime_->remove_container(removed)));
  EXPECT_TRUE(ok(other->wait_exit(removed, 10s))) << "it was killed, and not only its files taken";
  EXPECT_FALSE(exists(container_dir(removed)));
  EXPECT_TRUE(ok(other->remove_container(removed)));
  EXPECT_TRUE(ok(other->remove_container(started)));
}

INSTANTIATE_AT_LEVELS(RuntimeLife);

}  // namespace
}  // namespace ringfort::test
