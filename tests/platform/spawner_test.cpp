// Zygote and shim on a real kernel, at both levels, without actors.
#include "ringfort/platform/spawner.hpp"

#include "ringfort/platform/host_probe.hpp"
#include "ringfort/platform/tracer.hpp"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <future>
#include <mutex>
#include <thread>

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

namespace ringfort::platform {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

/// What a run told, and a way to wait for it.
struct Heard {
  std::promise<ProgramStarted> started;
  std::promise<ProgramEnded> ended;
  std::future<ProgramStarted> start = started.get_future();
  std::future<ProgramEnded> end = ended.get_future();
};

std::string slurp(int fd) {
  std::string text;
  std::array<char, 4096> buffer;
  for (ssize_t size = 0; (size = ::read(fd, buffer.data(), buffer.size())) > 0;)
    text.append(buffer.data(), static_cast<std::size_t>(size));
  return text;
}

class SpawnerTest : public ::testing::TestWithParam<Level> {
 protected:
  void SetUp() override {
    auto loop = EventLoop::start();
    ASSERT_TRUE(loop) << to_string(loop.error());
    loop_ = std::move(*loop);
    spawner_ = Spawner::make(*loop_);
    const auto asked = parse_isolation(to_string(GetParam()));
    const auto level = choose_level(*asked, Effort::Exact, *spawner_);
    if (!level) GTEST_SKIP() << to_string(level.error());
    char name[] = "/tmp/ringfort-spawner-XXXXXX";
    directory_ = ::mkdtemp(name);
    ::chmod(directory_.c_str(), 0755);
    fs::create_directory(directory_ + "/tmp");
    fs::permissions(directory_ + "/tmp", fs::perms::all);
  }

  void TearDown() override {
    spawner_.reset();
    loop_.reset();
    if (!directory_.empty()) fs::remove_all(directory_);
  }

  LaunchPlan plan(std::vector<std::string> argv, NetMode net = NetMode::None) {
    Policy policy;
    policy.container_dir = directory_;
    policy.scratch_dir = directory_ + "/tmp";
    policy.network.mode = net;
    Command command;
    command.argv = std::move(argv);
    command.hostname = "test";
    if (host_facts().root) command.uid = command.gid = 1700000000;
    auto made = make_launch_plan(policy, command, GetParam(), host_facts());
    EXPECT_TRUE(made) << to_string(made.error());
    return made ? *made : LaunchPlan{};
  }

  std::shared_ptr<platform::Run> start(LaunchPlan what, const std::shared_ptr<Heard>& heard,
                                       int stdout_fd = -1, int trace_fd = -1) {
    RunRequest request;
    request.trace_fd = trace_fd;
    request.container = "test-1";
    request.plan = std::move(what);
    request.stdout_fd = stdout_fd;
    request.stderr_fd = stdout_fd;
    auto run = spawner_->run(std::move(request),
                             {[heard](const ProgramStarted& how) { heard->started.set_value(how); },
                              [heard](const ProgramEnded& how) {
                                if (how.start_error)
                                  heard->started.set_value({});  // nobody may wait in vain
                                heard->ended.set_value(how);
                              }});
    EXPECT_TRUE(run) << to_string(run.error());
    return run ? *run : nullptr;
  }

  /// Runs to the end and gives the output.
  std::pair<ProgramEnded, std::string> run(LaunchPlan what) {
    int ends[2];
    EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    auto heard = std::make_shared<Heard>();
    auto handle = start(std::move(what), heard, ends[1]);
    const auto ended = heard->end.get();
    ::close(ends[1]);
    std::string text = slurp(ends[0]);
    ::close(ends[0]);
    return {ended, text};
  }

  std::string directory_;
  std::unique_ptr<EventLoop> loop_;
  std::unique_ptr<Spawner> spawner_;
};

TEST_P(SpawnerTest, RunsAProgramAndTellsItsOutputAndCode) {
  const auto [ended, text] = run(plan({"sh", "-c", "echo hello; exit 7"}));
  ASSERT_FALSE(ended.start_error) << to_string(*ended.start_error);
  EXPECT_EQ(text, "hello\n");
  EXPECT_EQ(ended.exit.code, 7);
  EXPECT_EQ(ended.exit.reason, EndReason::Exited);
  EXPECT_TRUE(ended.exit.started_at && ended.exit.finished_at);
}

TEST_P(SpawnerTest, GivesTheProgramThreeDescriptorsAndNoCapabilities) {
  const int extra = ::open("/etc/hostname", O_RDONLY);  // inheritable on purpose
  const auto [listed, fds] = run(plan({"ls", "/proc/self/fd"}));
  const auto [ended, text] = run(plan({"grep", "-E", "Cap|NoNewPrivs|Uid", "/proc/self/status"}));
  ::close(extra);
  EXPECT_EQ(fds, "0\n1\n2\n3\n");  // 3 is ls's own view of the directory
  EXPECT_NE(text.find("CapEff:\t0000000000000000"), std::string::npos) << text;
  EXPECT_NE(text.find("NoNewPrivs:\t1"), std::string::npos) << text;
  // At landlock a plain user can't empty the bounding set; no_new_privs keeps it without effect.
  if (GetParam() != Level::Landlock || host_facts().root) {
    EXPECT_NE(text.find("CapBnd:\t0000000000000000"), std::string::npos) << text;
  }
  EXPECT_EQ(text.find("Uid:\t0"), std::string::npos) << "never uid 0 inside: " << text;
}

TEST_P(SpawnerTest, HidesTheHostsFiles) {
  std::ofstream(directory_ + "/secret") << "secret";
  const auto [ended, text] =
      run(plan({"sh", "-c",
                "cat " + directory_ +
                    "/secret /etc/shadow; echo x > $HOME/y && cat $HOME/y; echo z > /usr/zz"}));
  EXPECT_EQ(text.find("secret\n"), std::string::npos) << text;
  EXPECT_EQ(text.find("root:"), std::string::npos) << text;
  EXPECT_NE(text.find("x\n"), std::string::npos) << text;
  EXPECT_NE(ended.exit.code, 0);
  EXPECT_FALSE(fs::exists("/usr/zz"));
}

TEST_P(SpawnerTest, SaysWhichStepFailed) {
  const auto [missing, nothing] = run(plan({"no-such-program"}));
  ASSERT_TRUE(missing.start_error);
  EXPECT_EQ(missing.start_error->kind, ErrorKind::StartFailed);
  EXPECT_EQ(missing.exit.code, 127);
  EXPECT_EQ(missing.exit.reason, EndReason::StartFailed);
  EXPECT_NE(missing.start_error->what.find("no-such-program"), std::string::npos);

  const auto [denied, still_nothing] = run(plan({"/etc/os-release"}));
  ASSERT_TRUE(denied.start_error);
  EXPECT_EQ(denied.exit.code, 126) << to_string(*denied.start_error);
}

TEST_P(SpawnerTest, RefusesSocketsAtNetNone) {
  const auto [ended, text] = run(plan({"python3", "-c", R"(
import socket
for family, kind, protocol in [(socket.AF_INET, socket.SOCK_STREAM, 0), (socket.AF_INET6, socket.SOCK_DGRAM, 0),
                               (socket.AF_INET, socket.SOCK_STREAM, 262), (socket.AF_NETLINK, socket.SOCK_RAW, 0)]:
    try:
        socket.socket(family, kind, protocol); print("open")
    except OSError as error:
        print("refused", error.errno)
socket.socketpair(); print("unix ok")
)"}));
  if (ended.exit.code == 127) GTEST_SKIP() << "no python3 here";
  EXPECT_EQ(text.find("open"), std::string::npos) << text;
  EXPECT_NE(text.find("unix ok"), std::string::npos) << text;

  // The control: with `full` the same program gets its socket.
  const auto [free, open] =
      run(plan({"python3", "-c", "import socket; socket.socket(); print('open')"}, NetMode::Full));
  EXPECT_EQ(open, "open\n");
}

TEST_P(SpawnerTest, StopsWithTermAndThenKillsTheTree) {
  auto heard = std::make_shared<Heard>();
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  auto handle =
      start(plan({"sh", "-c", "trap '' TERM; sleep 1000 & echo ready; while :; do wait; done"}),
            heard, ends[1]);
  heard->start.get();
  char byte;
  ASSERT_EQ(::read(ends[0], &byte, 1), 1);  // the trap is set
  ASSERT_TRUE(handle->stop(200ms));
  const auto ended = heard->end.get();
  EXPECT_EQ(ended.exit.code, 137);
  EXPECT_EQ(ended.exit.reason, EndReason::Stopped);
  ::close(ends[1]);
  slurp(ends[0]);  // ends only when nobody of the tree holds the pipe
  ::close(ends[0]);
}

TEST_P(SpawnerTest, EndsAtItsDeadline) {
  auto what = plan({"sleep", "1000"});
  what.deadline_usec = 100'000;
  what.grace_usec = 1'000'000;
  const auto [ended, text] = run(std::move(what));
  EXPECT_EQ(ended.exit.code, 124);
  EXPECT_EQ(ended.exit.reason, EndReason::Timeout);
  EXPECT_EQ(ended.exit.signal, SIGTERM);
}

TEST_P(SpawnerTest, ExecSharesTheContainerAndReportsCodeAndStreams) {
  auto heard = std::make_shared<Heard>();
  auto handle = start(plan({"sleep", "1000"}), heard);
  const auto started = heard->start.get();
  EXPECT_GT(started.main_pid, 0);
  EXPECT_EQ(::kill(started.main_pid, 0), 0) << "the pid is the host's";

  Command command;
  command.argv = {"sh", "-c",
                  "echo out; echo err >&2; read line; echo $line; kill -0 $(pgrep -x sleep || echo "
                  "0) 2>/dev/null; exit 3"};
  Policy policy;
  policy.container_dir = directory_;
  policy.scratch_dir = directory_ + "/tmp";
  auto exec_plan = make_exec_plan(plan({"sleep", "1000"}), policy, command, host_facts());
  ASSERT_TRUE(exec_plan);
  std::promise<Result<ExecResult>> done;
  auto answer = done.get_future();
  platform::Run::ExecRequest request;
  request.plan = *exec_plan;
  request.stdin_text = "given\n";
  handle->exec(std::move(request),
               [&done](Result<ExecResult> result) { done.set_value(std::move(result)); });
  auto result = answer.get();
  ASSERT_TRUE(result) << to_string(result.error());
  EXPECT_EQ(result->out, "out\ngiven\n");
  EXPECT_EQ(result->err, "err\n");
  EXPECT_EQ(result->code, 3);

  ASSERT_TRUE(handle->kill_tree(true));
  const auto ended = heard->end.get();
  EXPECT_EQ(ended.exit.code, 137);
  EXPECT_EQ(ended.exit.reason, EndReason::Oom);
}

TEST_P(SpawnerTest, AKilledShimIsReportedAsLostAndItsTreeDies) {
  auto heard = std::make_shared<Heard>();
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  auto handle = start(plan({"sh", "-c", "setsid sleep 1000 & sleep 1000"}), heard, ends[1]);
  const auto started = heard->start.get();
  ASSERT_EQ(::kill(started.shim_pid, SIGKILL), 0);
  const auto ended = heard->end.get();
  EXPECT_EQ(ended.exit.reason, EndReason::Lost);
  EXPECT_EQ(ended.exit.code, 255);
  EXPECT_FALSE(ended.exit.known);
  ::close(ends[1]);
  slurp(ends[0]);  // would hang while anybody of the tree lived
  ::close(ends[0]);
}

TEST_P(SpawnerTest, RunsOnWhenTheZygoteIsKilled) {
  auto first = std::make_shared<Heard>();
  auto handle = start(plan({"sleep", "1000"}), first);
  first->start.get();
  ASSERT_EQ(::kill(spawner_->zygote_pid(), SIGKILL), 0);

  const auto [ended, text] = run(plan({"echo", "again"}));
  EXPECT_EQ(text, "again\n");
  ASSERT_TRUE(handle->stop(5s));
  EXPECT_EQ(first->end.get().exit.reason, EndReason::Stopped);

  auto second = std::make_shared<Heard>();
  auto other = start(plan({"sleep", "1000"}), second);
  const auto started = second->start.get();
  ASSERT_EQ(::kill(spawner_->zygote_pid(), SIGKILL), 0);
  ASSERT_EQ(::kill(started.shim_pid, SIGKILL), 0);
  EXPECT_EQ(second->end.get().exit.reason, EndReason::Lost);
}

// A stopped zygote's queue fills up. Whoever waits for room must not keep the loop from hearing.
TEST_P(SpawnerTest, EveryRequestIsAnsweredThoughTheZygoteStoppedReading) {
  constexpr int kMany = 600;
  for (const int signal : {SIGCONT, SIGKILL}) {
    SCOPED_TRACE(signal);
    run(plan({"true"}));
    const auto zygote = spawner_->zygote_pid();
    ASSERT_EQ(::kill(zygote, SIGSTOP), 0);
    const auto what = plan({"true"});
    std::vector<std::shared_ptr<Heard>> all(kMany);
    for (auto& heard : all) heard = std::make_shared<Heard>();
    std::atomic<int> sent = 0;
    std::thread sender([&] {
      for (const auto& heard : all) {
        start(what, heard);
        ++sent;
      }
    });
    // Full is when the sender has stopped for as long as a signal takes to be delivered and more.
    for (int before = -1; before != sent || before == 0; std::this_thread::sleep_for(100ms))
      before = sent;
    EXPECT_LT(sent, kMany) << "the queue takes all: choose a larger number";

    ASSERT_EQ(::kill(zygote, signal), 0);

    int lost = 0;
    for (const auto& heard : all)
      if (heard->end.get().exit.reason == EndReason::Lost) ++lost;
    sender.join();
    // One request may have been between the queue and a shim when the zygote was killed.
    EXPECT_LE(lost, signal == SIGKILL ? 1 : 0);
  }
}

TEST_P(SpawnerTest, AStoppedZygoteIsNotWaitedForAtTheEnd) {
  run(plan({"true"}));
  ASSERT_EQ(::kill(spawner_->zygote_pid(), SIGSTOP), 0);
  spawner_.reset();  // would hang
}

TEST_P(SpawnerTest, ZygoteAndShimsHoldNoneOfTheCallersStreams) {
  if (::geteuid() != 0) GTEST_SKIP() << "shims are not dumpable: only root sees their descriptors";
  auto heard = std::make_shared<Heard>();
  auto handle = start(plan({"sleep", "1000"}), heard);
  const auto started = heard->start.get();
  for (const auto pid : {spawner_->zygote_pid(), started.shim_pid})
    for (int fd = 0; fd < 3; ++fd)
      EXPECT_EQ(fs::read_symlink("/proc/" + std::to_string(pid) + "/fd/" + std::to_string(fd)),
                "/dev/null");
}

TEST_P(SpawnerTest, OnePrivateConnectionCarriesOneExecAtATime) {
  auto heard = std::make_shared<Heard>();
  auto handle = start(plan({"sleep", "1000"}), heard);
  heard->start.get();
  std::promise<Result<ExecResult>> first;
  std::promise<Result<ExecResult>> second;
  handle->exec({plan({"sh", "-c", "read line; exit 7"}), 1024, {}},
               [&](Result<ExecResult> result) { first.set_value(std::move(result)); });
  handle->exec({plan({"true"}), 1024, {}},
               [&](Result<ExecResult> result) { second.set_value(std::move(result)); });
  const auto refused = second.get_future().get();
  EXPECT_EQ(refused ? ErrorKind::Internal : refused.error().kind, ErrorKind::Conflict);
  const auto ended = first.get_future().get();
  EXPECT_EQ(ended ? ended->code : -1, 7);
}

TEST_P(SpawnerTest, AttachedContainersEndWithTheirSpawner) {
  auto heard = std::make_shared<Heard>();
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  auto handle = start(plan({"sh", "-c", "sleep 1000"}), heard, ends[1]);
  heard->start.get();
  ::close(ends[1]);
  spawner_.reset();
  slurp(ends[0]);
  ::close(ends[0]);
}

TEST_P(SpawnerTest, ATracerHearsEachAccessAndRefusesNone) {
  std::mutex mutex;
  std::vector<std::string> heard_calls;
  auto tracer = Tracer::start([&](const TracedCall& call) {
    const std::lock_guard lock(mutex);
    heard_calls.push_back(std::string(to_string(call.question.operation)) + " " +
                          target_text(call.question));
  });
  ASSERT_TRUE(tracer) << to_string(tracer.error());
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  auto heard = std::make_shared<Heard>();
  auto handle =
      start(plan({"sh", "-c", "cd /etc; read -r x < passwd; echo ok; echo y > $TMPDIR/y"}), heard,
            ends[1], (*tracer)->program_fd());
  const auto ended = heard->end.get();
  ::close(ends[1]);
  EXPECT_EQ(slurp(ends[0]), "ok\n");
  ::close(ends[0]);
  (*tracer)->finish();
  ASSERT_FALSE(ended.start_error) << to_string(*ended.start_error);
  EXPECT_EQ(ended.exit.code, 0);
  const auto has = [&](const std::string& call) {
    return std::find(heard_calls.begin(), heard_calls.end(), call) != heard_calls.end();
  };
  EXPECT_TRUE(has("read /etc/passwd"));
  const auto tmp = GetParam() == Level::Landlock ? directory_ + "/tmp" : std::string("/tmp");
  EXPECT_TRUE(has("write " + tmp + "/y"));
  EXPECT_EQ((*tracer)->unread(), 0U);
}

TEST_P(SpawnerTest, WithoutItsTracerAProgramFailsAndDoesNotHang) {
  std::atomic<bool> is_heard{false};
  auto tracer = Tracer::start(
      [&](const TracedCall& call) { is_heard = is_heard || call.question.path == "/etc/group"; });
  ASSERT_TRUE(tracer) << to_string(tracer.error());
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  auto heard = std::make_shared<Heard>();
  // Goes on until an access fails, whatever the reason.
  auto handle =
      start(plan({"sh", "-c", "while read -r x < /etc/group; do :; done 2>&1; echo gone; exit 5"}),
            heard, ends[1], (*tracer)->program_fd());
  (void)heard->start.get();
  while (!is_heard && heard->end.wait_for(0s) != std::future_status::ready)
    std::this_thread::yield();
  (*tracer)->finish();
  ASSERT_EQ(heard->end.wait_for(20s), std::future_status::ready);
  const auto ended = heard->end.get();
  ::close(ends[1]);
  const auto text = slurp(ends[0]);
  ::close(ends[0]);
  EXPECT_NE(text.find("gone"), text.npos) << text;
  EXPECT_EQ(ended.exit.code, 5) << text;
}

TEST_P(SpawnerTest, ATracerThatNobodyUsesEnds) {
  auto tracer = Tracer::start([](const TracedCall&) {});
  ASSERT_TRUE(tracer);
  (*tracer)->finish();
  auto heard = std::make_shared<Heard>();
  // Its socket is closed: the program can't be started with it, and says so.
  auto unused = Tracer::start([](const TracedCall&) {});
  ASSERT_TRUE(unused);
  const Fd copy{::fcntl((*unused)->program_fd(), F_DUPFD_CLOEXEC, 0)};
  (*unused)->finish();
  unused->reset();
  auto handle = start(plan({"true"}), heard, -1, copy.get());
  const auto ended = heard->end.get();
  ASSERT_TRUE(ended.start_error);
  EXPECT_NE(ended.start_error->what.find("seccomp"), std::string::npos)
      << to_string(*ended.start_error);
}

INSTANTIATE_TEST_SUITE_P(Levels, SpawnerTest,
                         ::testing::Values(Level::Landlock, Level::Namespaces, Level::Network),
                         [](const auto& param) { return std::string(to_string(param.param)); });

}  // namespace
}  // namespace ringfort::platform
