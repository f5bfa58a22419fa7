#include "ringfort/cli/bench/lives.hpp"

#include "ringfort/cli/pipes.hpp"
#include "ringfort/platform/fd.hpp"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <thread>

#include <fcntl.h>
#include <unistd.h>

namespace ringfort::cli {
namespace {

using Clock = std::chrono::steady_clock;  // CLOCK_MONOTONIC, as the stamp

/// Where the program writes its stamp.
class StampPipe {
 public:
  static Result<StampPipe> open() {
    auto pipe = make_pipe();
    if (!pipe) return fail(pipe.error());
    // Something that the program left behind may hold the other end.
    ::fcntl(pipe->read.get(), F_SETFL, O_NONBLOCK);
    return StampPipe{*std::move(pipe)};
  }

  int far_end() const { return pipe_.write.get(); }

  /// After the program's end.
  Result<Clock::time_point> take() {
    std::int64_t stamp = 0;
    const auto got = platform::again_after_signal(
        [&] { return ::read(pipe_.read.get(), &stamp, sizeof stamp); });
    if (got != sizeof stamp)
      return fail(ErrorKind::Io, "the program did not say when it began", {});
    return Clock::time_point{Nanoseconds{stamp}};
  }

 private:
  explicit StampPipe(Pipe pipe) : pipe_(std::move(pipe)) {}
  Pipe pipe_;
};

/// The calls of one life, up to the answer about its end.
struct Calls {
  Clock::time_point begun, start, answered;
};

Result<LifeTimes> times(const Calls& calls, StampPipe& pipe) {
  const auto stamp = pipe.take();
  if (!stamp) return fail(stamp.error());
  return LifeTimes{*stamp - calls.begun, *stamp - calls.start, calls.answered - *stamp};
}

Status live(Runtime& runtime, const ContainerId& id, Calls& calls) {
  calls.start = Clock::now();
  if (auto started = runtime.start_container(id); !started) return fail(started.error());
  const auto code = runtime.wait_container(id);
  calls.answered = Clock::now();
  if (!code) return fail(code.error());
  if (*code != 0)
    return fail(ErrorKind::Internal, id.str() + " ended with code " + std::to_string(*code), {});
  return {};
}

Result<LifeTimes> container_life(Runtime& runtime, const ContainerKind& kind,
                                 const ContainerId& id) {
  RunOptions options;
  options.durability = kind.durability;
  std::optional<StampPipe> pipe;
  if (kind.stamp == Stamp::Written) {
    auto opened = StampPipe::open();
    if (!opened) return fail(opened.error());
    pipe = *std::move(opened);
    options.stdout_fd = pipe->far_end();
  }
  Calls calls;
  calls.begun = Clock::now();
  if (auto made = runtime.create_container(id, kind.service, options); !made)
    return fail(made.error());
  const auto lived = live(runtime, id, calls);
  const auto gone = runtime.remove_container(id);
  if (!lived) return fail(lived.error());
  if (!gone) return fail(gone.error());
  return pipe ? times(calls, *pipe) : LifeTimes{};
}

/// What one thread of a batch has gathered.
struct Lane {
  Figures figures;

  void take(const Result<LifeTimes>& life, Nanoseconds took) {
    if (!life) {
      if (figures.failures++ == 0) figures.first_error = to_string(life.error());
      return;
    }
    figures.took.push_back(took);
    if (life->first) figures.first.push_back(*life->first);
    if (life->started) figures.started.push_back(*life->started);
    if (life->answered) figures.answered.push_back(*life->answered);
  }

  Figures finish() {
    for (auto* samples : {&figures.took, &figures.first, &figures.started, &figures.answered})
      std::ranges::sort(*samples);
    return std::move(figures);
  }
};

}  // namespace

Figures run_lives(const Load& load, const Life& life) {
  Figures all;
  std::mutex mutex;
  std::atomic<std::size_t> next = 0;
  const auto begin = Clock::now();
  const auto is_over = [&] {
    return load.stop.stop_requested() ||
           (load.budget > Nanoseconds{} && Clock::now() - begin > load.budget);
  };
  const auto work = [&] {
    Lane lane;
    for (auto number = next++; number < load.lives && !is_over(); number = next++) {
      const auto born = Clock::now();
      const auto lived = life(number);
      lane.take(lived, Clock::now() - born);
    }
    const std::lock_guard lock(mutex);
    all.add(lane.finish());
  };
  {
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < load.in_flight; ++i) threads.emplace_back(work);
  }
  all.elapsed = Clock::now() - begin;
  all.rounds = {all.per_second()};
  return all;
}

Result<LifeTimes> host_life(HostProgram program, Stamp stamp) {
  std::optional<StampPipe> pipe;
  if (stamp == Stamp::Written) {
    auto opened = StampPipe::open();
    if (!opened) return fail(opened.error());
    pipe = *std::move(opened);
    program.out_fd = pipe->far_end();
  }
  Calls calls;
  calls.begun = calls.start = Clock::now();
  const auto ended = run_host_program(program);
  calls.answered = Clock::now();
  if (!ended) return fail(ended.error());
  return pipe ? times(calls, *pipe) : LifeTimes{};
}

Figures bare_lives(const std::string& program, const Load& load, Stamp stamp) {
  const HostProgram bare{{program}, {}, -1, -1, {}};
  return run_lives(load, [&](std::size_t) { return host_life(bare, stamp); });
}

Figures runtime_lives(Runtime& runtime, const ContainerKind& kind, const Load& load) {
  return run_lives(load, [&](std::size_t number) {
    return container_life(runtime, kind, {"life-" + std::to_string(number), 1});
  });
}

}  // namespace ringfort::cli
