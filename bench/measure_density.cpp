#include "measure.hpp"
#include "ringfort/api/runtime.hpp"
#include "ringfort/cli/bench/live_memory.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <numeric>
#include <random>

namespace ringfort::bench {
namespace {

using cli::Figures;
using cli::Json;
using cli::LifeTimes;
using cli::run_lives;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kThreads = 32;

ContainerId name_of(std::size_t number) {
  return {"sleeper", static_cast<std::uint32_t>(number + 1)};
}

Result<LifeTimes> start(Runtime& runtime, const std::shared_ptr<const specs::Service>& service,
                        std::size_t number) {
  const auto id = name_of(number);
  if (auto made = runtime.create_container(id, service); !made) return fail(made.error());
  if (auto begun = runtime.start_container(id); !begun) return fail(begun.error());
  return LifeTimes{};
}

/// State, statistics and a command inside, each within a second.
Result<LifeTimes> ask(Runtime& runtime, std::size_t number) {
  const auto id = name_of(number);
  const auto begin = Clock::now();
  const auto state = runtime.container_state(id);
  if (!state) return fail(state.error());
  if (state->state != State::Running)
    return fail(Error{ErrorKind::Internal, "does not run", {}, id.str(), 0});
  const auto after_state = Clock::now();
  if (auto stats = runtime.get_container_stats(id); !stats) return fail(stats.error());
  const auto after_stats = Clock::now();
  const auto done = runtime.exec(id, {"/stamp"});
  if (!done) return fail(done.error());
  if (done->code != 0)
    return fail(Error{
        ErrorKind::Internal, "exec ended with " + std::to_string(done->code), {}, id.str(), 0});
  const auto longest =
      std::max({after_state - begin, after_stats - after_state, Clock::now() - after_stats});
  if (longest > std::chrono::seconds{1})
    return fail(Error{ErrorKind::Timeout, "took a second", {}, id.str(), 0});
  LifeTimes times;
  times.answered = longest;
  return times;
}

/// What ended that should live is found by its state.
Result<LifeTimes> remove(Runtime& runtime, std::size_t number) {
  const auto id = name_of(number);
  if (auto gone = runtime.remove_container(id); !gone) return fail(gone.error());
  return LifeTimes{};
}

std::size_t open_descriptors() {
  std::error_code error;
  std::size_t count = 0;
  for (std::filesystem::directory_iterator it("/proc/self/fd", error), end; !error && it != end;
       it.increment(error))
    ++count;
  return count;
}

}  // namespace

int measure_density(const DensityAsked& asked) {
  const auto stage = open_stage(asked.level);
  if (!stage) return refuse(stage.error());
  const auto& [place, runtime] = *stage;
  auto service = std::make_shared<specs::Service>();
  service->image.name = "stamp";
  service->command.entrypoint = {"/stamp", "sleep"};
  const auto empty = cli::memory_now(0);
  if (!empty) return refuse(empty.error());

  const auto started = run_lives({asked.containers, kThreads, {}, {}}, [&](std::size_t number) {
    return start(*runtime, service, number);
  });
  std::vector<std::size_t> chosen(asked.containers);
  std::iota(chosen.begin(), chosen.end(), 0);
  std::shuffle(chosen.begin(), chosen.end(), std::mt19937{std::random_device{}()});
  chosen.resize(std::min(chosen.size(), asked.asked));
  const auto answers = run_lives({chosen.size(), 4, {}, {}},
                                 [&](std::size_t number) { return ask(*runtime, chosen[number]); });
  const auto memory = cli::memory_now(asked.containers);
  const auto descriptors = open_descriptors();
  const auto removed = run_lives({asked.containers, kThreads, {}, {}},
                                 [&](std::size_t number) { return remove(*runtime, number); });
  if (!memory) return refuse(memory.error());

  std::string first_error = started.first_error;
  if (first_error.empty()) first_error = answers.first_error;
  if (first_error.empty()) first_error = removed.first_error;
  const auto each = static_cast<double>(std::max<std::size_t>(asked.containers, 1)) * 1024;
  const auto supervisor =
      static_cast<double>(memory->supervisor_pss - empty->supervisor_pss) / each;
  const auto all = static_cast<double>(memory->all_pss - empty->all_pss) / each;
  const auto milliseconds = [&](double share) {
    return cli::microseconds(cli::percentile(answers.answered, share)) / 1000;
  };
  const Json figures{{"containers", asked.containers},
                     {"started", started.took.size()},
                     {"started_per_second", started.per_second()},
                     {"asked", chosen.size()},
                     {"answered", answers.answered.size()},
                     {"answer_p50_ms", milliseconds(0.5)},
                     {"answer_p99_ms", milliseconds(0.99)},
                     {"answer_max_ms", milliseconds(1)},
                     {"descriptors", descriptors},
                     {"supervisor_kib_each", supervisor},
                     {"all_kib_each", all},
                     {"removed", removed.took.size()},
                     {"first_error", first_error}};
  if (asked.is_json) {
    std::printf("%s\n", figures.dump().c_str());
    return 0;
  }
  for (const auto& [name, value] : figures.items())
    std::printf("%-20s %s\n", name.c_str(), value.dump().c_str());
  return 0;
}

}  // namespace ringfort::bench
