#include "filter_cost.hpp"

#include <algorithm>
#include <vector>

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

namespace ringfort::bench {
namespace {

constexpr std::size_t kChildren = 300;

std::int64_t now() {
  timespec time{};
  ::clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1'000'000'000LL + time.tv_nsec;
}

/// Nanoseconds, or 0 when it failed. In a child, as a filter can't be taken off again.
std::int64_t attach_in_child(const sock_fprog& program, std::int64_t* answer) {
  *answer = 0;
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    const auto before = now();
    const auto failed = ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program);
    if (failed == 0) *answer = now() - before;
    ::_exit(0);
  }
  if (pid > 0) ::waitpid(pid, nullptr, 0);
  return *answer;
}

}  // namespace

std::optional<FilterCost> filter_cost(const platform::FilterChoice& choice) {
  const auto filter = platform::seccomp_filter(choice);
  std::vector<sock_filter> steps;
  for (const auto& step : filter)
    steps.push_back({step.code, step.jump_true, step.jump_false, step.k});
  const sock_fprog program{static_cast<unsigned short>(steps.size()), steps.data()};

  void* shared = ::mmap(nullptr, sizeof(std::int64_t), PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (shared == MAP_FAILED) return std::nullopt;
  std::vector<std::int64_t> times;
  while (times.size() < kChildren) {
    const auto time = attach_in_child(program, static_cast<std::int64_t*>(shared));
    if (time == 0) break;
    times.push_back(time);
  }
  ::munmap(shared, sizeof(std::int64_t));
  if (times.size() < kChildren) return std::nullopt;
  const auto middle = times.begin() + kChildren / 2;
  std::ranges::nth_element(times, middle);
  return FilterCost{filter.size(), platform::longest_path(filter),
                    std::chrono::nanoseconds{*middle}};
}

}  // namespace ringfort::bench
