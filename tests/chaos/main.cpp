// ringfort-chaos: rounds of faults under clients, each drawn from a seed. See README.md.
#include "round.hpp"

#include <CLI/CLI.hpp>

#include <cstdio>
#include <random>

#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

namespace ringfort::chaos {
namespace {

using Clock = std::chrono::steady_clock;

struct Totals {
  int rounds = 0, operations = 0, interrupted = 0;
  std::map<std::string, int> faults;
};

struct Options {
  std::uint64_t seed = 0;
  int seconds = 600, steps = 150, shrink_seconds = 120;
  std::optional<int> round;
  std::string history = "chaos.jsonl";
};

std::uint64_t seed_of(std::uint64_t seed, int round) {
  return seed * 1000003 + static_cast<std::uint64_t>(round);
}

Verdict run(const Schedule& schedule, History& history) {
  history.add({{"event", "round"}, {"steps", schedule.size()}});
  return Round(schedule, history).run();
}

/// The smallest schedule that still fails, as far as time allows. Timing differs from run to run,
/// so each is given two tries.
void shrink(rc::Shrinkable<Schedule> tree, const Options& options) {
  const auto end = Clock::now() + std::chrono::seconds(options.shrink_seconds);
  History history(options.history + ".shrunk");
  std::string violation;
  for (bool is_smaller = true; is_smaller && Clock::now() < end;) {
    is_smaller = false;
    auto smaller = tree.shrinks();
    for (auto next = smaller.next(); next && Clock::now() < end; next = smaller.next()) {
      for (int i = 0; i < 2 && !is_smaller; ++i) {
        const auto verdict = run(next->value(), history);
        if (verdict.violations.empty()) continue;
        is_smaller = true;
        violation = verdict.violations.front();
      }
      if (!is_smaller) continue;
      tree = *next;
      break;
    }
  }
  if (violation.empty()) return (void)std::printf("no smaller schedule failed\n");
  std::printf("shrunk to %zu steps: %s\n", tree.value().size(), violation.c_str());
  for (const auto& step : tree.value()) std::printf("  %s\n", to_json(step).dump().c_str());
}

bool run_round(int number, const Options& options, Totals& totals) {
  History history(options.history);
  const auto tree = schedule(seed_of(options.seed, number), options.steps);
  const auto verdict = run(tree.value(), history);
  ++totals.rounds;
  totals.operations += verdict.operations;
  totals.interrupted += verdict.interrupted;
  for (const auto& [word, count] : verdict.faults) totals.faults[word] += count;
  if (verdict.violations.empty()) return true;
  std::printf("%sround %d of seed %llu is broken:\n", history.tail().c_str(), number,
              static_cast<unsigned long long>(options.seed));
  for (const auto& text : verdict.violations) std::printf("  %s\n", text.c_str());
  std::printf("replay: make chaos SEED=%llu ROUND=%d; history: %s\n",
              static_cast<unsigned long long>(options.seed), number, options.history.c_str());
  std::fflush(stdout);
  if (options.shrink_seconds > 0) shrink(tree, options);
  return false;
}

int run_all(const Options& options) {
  std::printf("seed %llu\n", static_cast<unsigned long long>(options.seed));
  if (::geteuid() != 0)
    std::printf("fill disk is skipped: only root can mount a small file system\n");
  std::fflush(stdout);
  Totals totals;
  bool clean = true;
  const auto end = Clock::now() + std::chrono::seconds(options.seconds);
  if (options.round) {
    clean = run_round(*options.round, options, totals);
  } else {
    for (int i = 0; clean && Clock::now() < end; ++i) clean = run_round(i, options, totals);
  }
  std::printf("%d rounds, %d operations, %d interrupted; faults:", totals.rounds, totals.operations,
              totals.interrupted);
  for (const auto& [word, count] : totals.faults) std::printf(" %s %d,", word.c_str(), count);
  std::printf(" %s\n", clean ? "no violation" : "BROKEN");
  return clean ? 0 : 1;
}

/// A mount namespace of its own: a small file system goes with it, however it ends.
void leave_mounts() {
  if (::geteuid() == 0 && ::unshare(CLONE_NEWNS) == 0)
    ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr);
}

}  // namespace
}  // namespace ringfort::chaos

int main(int argc, char** argv) {
  using namespace ringfort::chaos;
  Options options;
  options.seed = std::random_device{}() % 1000000;
  std::string supervised;
  int listener = -1, round = -1;
  CLI::App app{"Faults under clients. Exit code 1: something that must not be."};
  app.add_option("--seed", options.seed, "decides all steps");
  app.add_option("--seconds", options.seconds, "no new round after them")->capture_default_str();
  app.add_option("--round", round, "this one only");
  app.add_option("--steps", options.steps, "of a round")->capture_default_str();
  app.add_option("--shrink", options.shrink_seconds, "seconds for shrinking")
      ->capture_default_str();
  app.add_option("--history", options.history, "file, a JSON object a line")->capture_default_str();
  app.add_option("--supervise", supervised)->group("");
  app.add_option("--listener", listener)->group("");
  CLI11_PARSE(app, argc, argv);
  if (!supervised.empty()) return supervise(supervised, listener);
  if (round >= 0) options.round = round;
  (void)beside("");
  leave_mounts();
  return run_all(options);
}
