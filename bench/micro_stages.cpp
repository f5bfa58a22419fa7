// The stages of a life one by one, each with the kernel it needs: what goes to the zygote, the
// layers of a sandbox, records, logs, statistics.
#include "filter_cost.hpp"
#include "ringfort/platform/container_files.hpp"
#include "ringfort/platform/launch_plan.hpp"
#include "ringfort/platform/linux/spawn_fds.hpp"
#include "ringfort/platform/linux/unix_message.hpp"
#include "ringfort/platform/policy.hpp"
#include "ringfort/platform/process_stats.hpp"
#include "ringfort/platform/shim/log.hpp"
#include "ringfort/platform/shim/sys.hpp"
#include "ringfort/specs/container_record.hpp"
#include "scratch.hpp"

#include <benchmark/benchmark.h>

#include <array>
#include <csignal>

#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

namespace ringfort::platform {
namespace {

specs::Service service() {
  specs::Service service;
  service.image.name = "bench/noop";
  service.command.entrypoint = {"/noop"};
  return service;
}

LaunchPlan plan(Level level) {
  const auto policy =
      make_policy(service(), {}, {"/data/containers/bench-1", true, true, 20001, false}).value();
  Command command;
  command.argv = {"/noop"};
  command.hostname = "bench-1";
  HostFacts host;
  host.landlock_abi = 7;
  host.uid = host.gid = 1000;
  host.system_directories = {"/usr"};
  return make_launch_plan(policy, command, level, host).value();
}

/// The plan into a sealed memfd, and that with the usual descriptors over a socket to its reader.
void clone_request(benchmark::State& state, Level level) {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0)
    return state.SkipWithError("no socket pair");
  const Fd ours{ends[0]}, zygotes{ends[1]};
  const auto about = plan(level);
  for (auto _ : state) {
    const auto memory = sealed_memory("ringfort-plan", encode(about));
    if (!memory) return state.SkipWithError("no memfd");
    FdList fds;
    fds.add(wire::kPlanFd, memory->get());
    for (const auto slot : {wire::kStdoutLogFd, wire::kStderrLogFd, wire::kLogIndexFd,
                            wire::kExitFd, wire::kLogDirFd, wire::kLogIndexDirFd})
      fds.add(slot, ours.get());
    wire::SpawnRequest request{};
    request.fd_mask = fds.mask();
    std::vector<Fd> received;
    if (send_message(ours.get(), &request, sizeof request, fds.fds(), 0) != 0 ||
        !receive_message(zygotes.get(), &request, sizeof request, received))
      return state.SkipWithError("the message was lost");
  }
}
BENCHMARK_CAPTURE(clone_request, landlock, Level::Landlock);
BENCHMARK_CAPTURE(clone_request, namespaces, Level::Namespaces);

/// A ruleset of as many rules for directories, without entering it.
void landlock_ruleset(benchmark::State& state) {
  const Fd directory{::open("/usr", O_PATH | O_DIRECTORY | O_CLOEXEC)};
  landlock_ruleset_attr attributes{};
  attributes.handled_access_fs = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
  for (auto _ : state) {
    const Fd ruleset{static_cast<int>(
        shim::landlock_create_ruleset(&attributes, sizeof attributes.handled_access_fs, 0))};
    if (!ruleset) return state.SkipWithError("no Landlock here");
    landlock_path_beneath_attr rule{LANDLOCK_ACCESS_FS_READ_FILE, directory.get()};
    for (std::int64_t i = 0; i < state.range(0); ++i)
      if (shim::landlock_add_rule(ruleset.get(), LANDLOCK_RULE_PATH_BENEATH, &rule) != 0)
        return state.SkipWithError("a rule was refused");
  }
}
BENCHMARK(landlock_ruleset)->Arg(1)->Arg(10);

/// Entering can't be undone, so each is in a child; the median of some hundred.
void seccomp_attach(benchmark::State& state, Level level) {
  for (auto _ : state) {
    const auto cost = bench::filter_cost({NetMode::Full, specs::SeccompProfile::Default, level});
    if (!cost) return state.SkipWithError("this kernel refuses the filter");
    state.SetIterationTime(std::chrono::duration<double>(cost->attach).count());
    state.counters["instructions"] = static_cast<double>(cost->instructions);
  }
}
BENCHMARK_CAPTURE(seccomp_attach, landlock, Level::Landlock)->UseManualTime()->Iterations(1);
BENCHMARK_CAPTURE(seccomp_attach, namespaces, Level::Namespaces)->UseManualTime()->Iterations(1);

std::string record_of(const ContainerId& id, const std::string& owner) {
  specs::ContainerRecord record;
  record.owner = owner;
  record.id = id;
  record.service = service();
  return specs::to_text(record);
}

void record_text(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(record_of({"bench", 1}, "0123456789abcdef"));
}
BENCHMARK(record_text);

/// Written anew beside the old one and put in its place, as a start does.
void record_write(benchmark::State& state, Durability durability) {
  const Scratch scratch;
  const auto files = ContainerFiles::open(scratch.path() + "/data").value();
  NewContainer what;
  what.id = {"bench", 1};
  what.record = record_of(what.id, files->owner_nonce());
  if (!files->create(what)) return state.SkipWithError("create failed");
  for (auto _ : state)
    if (!files->rewrite(what.id, what.record, durability))
      return state.SkipWithError("rewrite failed");
  if (!files->discard(what.id, Durability::Process)) state.SkipWithError("discard failed");
}
BENCHMARK_CAPTURE(record_write, process, Durability::Process)->UseRealTime();
BENCHMARK_CAPTURE(record_write, full, Durability::Full)->UseRealTime();

/// A line of a program as the shim logs it: the bytes, then the index entry; rotations included.
void log_append(benchmark::State& state) {
  const Scratch scratch;
  const auto open = [&](const char* name) {
    return Fd{::open((scratch.path() + "/" + name).c_str(),
                     O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600)};
  };
  const Fd directory{::open(scratch.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  static shim::Log log;  // larger than a stack should hold
  // The log closes its files, and opens others when it rotates.
  log.open({{open("stdout.log").release(), open("stderr.log").release()},
            open("log.idx").release(),
            directory.get(),
            directory.get()},
           {});
  const std::string line(static_cast<std::size_t>(state.range(0) - 1), 'x');
  const auto text = line + "\n";
  for (auto _ : state) log.append(0, text.data(), static_cast<std::uint32_t>(text.size()));
  log.close();
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * text.size()));
}
BENCHMARK(log_append)->Arg(100)->Arg(4096);

/// A process with one below it, as a shim with its program; both killed at the end.
class Tree {
 public:
  Tree() : root_(::fork()) {
    if (root_ != 0) return;
    ::setpgid(0, 0);
    (void)::fork();
    for (;;) ::pause();
  }
  Tree(const Tree&) = delete;
  Tree& operator=(const Tree&) = delete;
  ~Tree() {
    ::setpgid(root_, root_);  // it may not have come to that itself
    ::kill(-root_, SIGKILL);
    ::waitpid(root_, nullptr, 0);
  }
  pid_t root() const { return root_; }

 private:
  pid_t root_;
};

/// One look at all trees, as the watchdog has it.
void statistics_of_trees(benchmark::State& state) {
  const auto count = static_cast<std::size_t>(state.range(0));
  const std::vector<Tree> trees(count);
  std::vector<pid_t> roots;
  for (const auto& tree : trees) roots.push_back(tree.root());
  for (auto _ : state) {
    const auto stats = tree_stats(roots);
    if (!stats || stats->size() != count) return state.SkipWithError("no statistics");
  }
  state.counters["each"] =
      benchmark::Counter(static_cast<double>(count), benchmark::Counter::kIsIterationInvariantRate |
                                                         benchmark::Counter::kInvert);
}
BENCHMARK(statistics_of_trees)->Arg(1)->Arg(100)->Arg(1000);

}  // namespace
}  // namespace ringfort::platform
