#include "ringfort/platform/shim/memory.hpp"

#include "ringfort/platform/shim/sys.hpp"
#include "ringfort/platform/shim/tree.hpp"

#include <cstring>

namespace ringfort::shim {
namespace {

constexpr std::uint64_t kGrowth = 859;      // bytes a usec: 0.8 GiB/s, the fastest seen
constexpr std::int64_t kShortest = 20'000;  // usec between looks
constexpr std::int64_t kLongest = 1'000'000;

/// "<name>   <number> kB" at the start of a line, in bytes; 0 when absent. proc(5).
std::uint64_t kilobytes(const char* text, const char* name) {
  const char* at = std::strstr(text, name);
  if (at == nullptr) return 0;
  at += std::strlen(name);
  while (*at == ' ' || *at == '\t') ++at;
  std::uint64_t value = 0;
  while (*at >= '0' && *at <= '9') value = value * 10 + static_cast<std::uint64_t>(*at++ - '0');
  return value * 1024;
}

std::uint64_t resident(pid_t pid) {
  static char text[4096];
  char path[64];
  proc_path(path, pid, "status");
  if (read_small(path, text, sizeof text) <= 0) return 0;
  return kilobytes(text, "\nRssAnon:") + kilobytes(text, "\nRssShmem:");
}

std::uint64_t share(pid_t pid) {
  static char text[4096];
  char path[64];
  proc_path(path, pid, "smaps_rollup");
  std::uint64_t sum = 0;
  if (read_small(path, text, sizeof text) > 0)
    sum = kilobytes(text, "\nPss_Anon:") + kilobytes(text, "\nPss_Shmem:");
  // Not ours to look into, or without memory: what is resident is then the upper bound.
  return sum != 0 ? sum : resident(pid);
}

}  // namespace

void MemoryWatch::begin(std::uint64_t limit) {
  limit_ = limit;
  go_on();
}

void MemoryWatch::go_on() {
  if (limit_ != 0) due_ = boot_usec() + kShortest;
}

bool MemoryWatch::is_over(bool reaches_tree_only) {
  std::uint64_t used = sum_over_tree(resident);
  if (used > limit_) {
    used = exact(reaches_tree_only);
    if (used > limit_) return true;
    shares_ = true;
  }
  const std::uint64_t room = (limit_ - used) / kGrowth;
  std::int64_t pause = room > kLongest ? kLongest : static_cast<std::int64_t>(room);
  if (pause < kShortest) pause = kShortest;
  due_ = boot_usec() + pause;
  return false;
}

std::uint64_t MemoryWatch::exact(bool reaches_tree_only) {
  if (shares_) {
    const std::uint64_t glance = sum_over_tree(share);
    if (glance <= limit_) return glance;
  }
  signal_tree(SIGSTOP, reaches_tree_only);
  const std::uint64_t used = sum_over_tree(share);
  if (used <= limit_) signal_tree(SIGCONT, reaches_tree_only);
  return used;
}

}  // namespace ringfort::shim
