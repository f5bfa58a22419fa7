#include "measure.hpp"
#include "ringfort/api/runtime.hpp"
#include "ringfort/cli/bench/lives.hpp"

#include <chrono>
#include <cstdio>
#include <thread>

namespace ringfort::bench {
namespace {

using cli::Figures;
using cli::Json;
using cli::LifeTimes;
using cli::percentile;
using Clock = std::chrono::steady_clock;

/// A whole life; what counts is the time until its start has answered.
cli::Life life_of(Runtime& runtime, const std::string& caller) {
  auto service = std::make_shared<specs::Service>();
  service->image.name = "noop";
  service->command.entrypoint = {"/noop"};
  RunOptions options;
  options.caller = caller;
  return [&runtime, service, options, caller](std::size_t number) -> Result<LifeTimes> {
    const ContainerId id{caller + "-" + std::to_string(number), 1};
    LifeTimes times;
    const auto begin = Clock::now();
    if (auto made = runtime.create_container(id, service, options); !made)
      return fail(made.error());
    if (auto begun = runtime.start_container(id); !begun) return fail(begun.error());
    times.started = Clock::now() - begin;
    const auto exit = runtime.wait_exit(id, std::chrono::seconds{60});
    if (!exit) return fail(exit.error());
    if (exit->code != 0)
      return fail(ErrorKind::Internal, "ended with " + std::to_string(exit->code), {});
    if (auto gone = runtime.remove_container(id); !gone) return fail(gone.error());
    return times;
  };
}

double milliseconds(cli::Nanoseconds time) {
  return std::chrono::duration<double, std::milli>(time).count();
}

}  // namespace

int measure_burst(const BurstAsked& asked) {
  const auto stage = open_stage(asked.level);
  if (!stage) return refuse(stage.error());
  const auto& [place, runtime] = *stage;

  const auto shell = life_of(*runtime, "shell");
  (void)run_lives({500, 1, {}, {}}, shell);
  const auto alone = cli::run_lives({asked.alone, 1, {}, {}}, shell);
  Figures burst;
  std::stop_source over;
  std::jthread crowd([&] {
    burst = cli::run_lives({asked.burst, asked.burst, {}, {}}, life_of(*runtime, "burst"));
    over.request_stop();
  });
  constexpr std::size_t kMany = 1'000'000;
  const auto beside = cli::run_lives({kMany, 1, {}, over.get_token()}, shell);
  crowd.join();

  for (const Figures* figures : {&alone, static_cast<const Figures*>(&burst), &beside})
    if (!figures->first_error.empty())
      return refuse({ErrorKind::Internal, figures->first_error, {}, {}, 0});
  const auto p99 = [](const Figures& figures) {
    return milliseconds(percentile(figures.started, 0.99));
  };
  if (asked.is_json) {
    std::printf("%s\n", Json{{"burst", asked.burst},
                             {"failures", burst.failures + beside.failures},
                             {"alone_p99_ms", p99(alone)},
                             {"beside_p99_ms", p99(beside)},
                             {"beside_starts", beside.started.size()},
                             {"ratio", p99(beside) / p99(alone)}}
                            .dump()
                            .c_str());
    return 0;
  }
  std::printf("create and start of one caller, p50 and p99 in ms\n");
  std::printf("alone                %8.2f %8.2f\n", milliseconds(percentile(alone.started, 0.5)),
              p99(alone));
  std::printf("beside %6zu others  %8.2f %8.2f   (%zu starts; %zu failures)\n", asked.burst,
              milliseconds(percentile(beside.started, 0.5)), p99(beside), beside.started.size(),
              burst.failures + beside.failures);
  std::printf("ratio p99 %.1f\n", p99(beside) / p99(alone));
  return 0;
}

}  // namespace ringfort::bench
