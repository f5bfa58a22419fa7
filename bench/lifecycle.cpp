#include "lifecycle.hpp"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <functional>
#include <mutex>
#include <thread>

#include <spawn.h>
#include <sys/wait.h>

namespace ringfort::bench {
namespace {

using Clock = std::chrono::steady_clock;

/// One life by its number; answers what went wrong, or nothing.
using Life = std::function<std::string(std::size_t number)>;

Figures run(Load load, const Life& life) {
  Figures figures;
  std::mutex mutex;
  std::atomic<std::size_t> next = 0;
  const auto work = [&] {
    std::vector<std::chrono::nanoseconds> took;
    std::string error;
    for (auto number = next++; number < load.lives && error.empty(); number = next++) {
      const auto begin = Clock::now();
      error = life(number);
      took.push_back(Clock::now() - begin);
    }
    std::lock_guard lock(mutex);
    figures.took.insert(figures.took.end(), took.begin(), took.end());
    if (figures.first_error.empty()) figures.first_error = error;
  };

  const auto begin = Clock::now();
  {
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < load.in_flight; ++i) threads.emplace_back(work);
  }
  figures.elapsed = Clock::now() - begin;
  std::ranges::sort(figures.took);
  return figures;
}

std::string bare_life(const std::string& program) {
  char* const argv[] = {const_cast<char*>(program.c_str()), nullptr};
  char* const no_environment[] = {nullptr};
  pid_t pid = 0;
  const int error = ::posix_spawn(&pid, program.c_str(), nullptr, nullptr, argv, no_environment);
  if (error != 0) return "cannot spawn " + program + ": " + std::strerror(error);
  int status = -1;
  if (::waitpid(pid, &status, 0) != pid || status != 0)
    return program + " ended with wait status " + std::to_string(status);
  return {};
}

std::string runtime_life(Runtime& runtime, const std::shared_ptr<const specs::Service>& service,
                         const RunOptions& options, const ContainerId& id) {
  if (auto made = runtime.create_container(id, service, options); !made)
    return to_string(made.error());
  if (auto started = runtime.start_container(id); !started) return to_string(started.error());
  auto code = runtime.wait_container(id);
  if (!code) return to_string(code.error());
  if (*code != 0) return id.str() + " ended with code " + std::to_string(*code);
  if (auto gone = runtime.remove_container(id); !gone) return to_string(gone.error());
  return {};
}

}  // namespace

double Figures::per_second() const {
  const double seconds = std::chrono::duration<double>(elapsed).count();
  return seconds > 0 ? static_cast<double>(took.size()) / seconds : 0;
}

std::chrono::nanoseconds Figures::percentile(double share) const {
  if (took.empty()) return {};
  const auto at = static_cast<std::size_t>(share * static_cast<double>(took.size()));
  return took[std::min(at, took.size() - 1)];
}

Figures bare_lives(const std::string& program, Load load) {
  return run(load, [&program](std::size_t) { return bare_life(program); });
}

Figures runtime_lives(Runtime& runtime, const specs::Service& service, Durability durability,
                      Load load) {
  const auto shared = std::make_shared<const specs::Service>(service);
  RunOptions options;
  options.durability = durability;
  return run(load, [&](std::size_t number) {
    return runtime_life(runtime, shared, options, {"life-" + std::to_string(number), 1});
  });
}

}  // namespace ringfort::bench
