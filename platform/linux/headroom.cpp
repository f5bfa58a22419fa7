#include "ringfort/platform/headroom.hpp"

#include "ringfort/platform/fd.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <string>
#include <string_view>

#include <fcntl.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

namespace ringfort::platform {
namespace {

/// The beginning of a small file; empty when it can't be read.
std::string head_of(const char* path) {
  std::array<char, 512> text{};
  const Fd file{::open(path, O_RDONLY | O_CLOEXEC)};
  const auto size = file ? ::read(file.get(), text.data(), text.size()) : -1;
  return size > 0 ? std::string(text.data(), static_cast<std::size_t>(size)) : std::string{};
}

/// The number behind `label` and blanks.
std::optional<std::uint64_t> number_after(std::string_view text, std::string_view label) {
  const auto at = text.find(label);
  if (at == text.npos) return std::nullopt;
  text.remove_prefix(at + label.size());
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  std::uint64_t number = 0;
  if (std::from_chars(text.data(), text.data() + text.size(), number).ec != std::errc{})
    return std::nullopt;
  return number;
}

std::uint64_t left_of(std::uint64_t all, std::uint64_t used) { return all > used ? all - used : 0; }

}  // namespace

Headroom look_at_headroom() {
  Headroom left;
  cpu_set_t cores;
  if (::sched_getaffinity(0, sizeof cores, &cores) == 0)
    left.cores = static_cast<std::size_t>(CPU_COUNT(&cores));
  if (const auto kib = number_after(head_of("/proc/meminfo"), "MemAvailable:"))
    left.memory_bytes = *kib * 1024;
  const auto all = number_after(head_of("/proc/sys/kernel/pid_max"), "");
  // "0.52 0.58 0.59 1/467 7214": tasks that can run, all tasks.
  const auto used = number_after(head_of("/proc/loadavg"), "/");
  if (all && used) left.pids = left_of(*all, *used);
  // Its size is the number of open descriptors since Linux 6.2, and 0 before.
  struct stat open {};
  rlimit most{};
  if (::stat("/proc/self/fd", &open) == 0 && open.st_size > 0 &&
      ::getrlimit(RLIMIT_NOFILE, &most) == 0)
    left.descriptors = left_of(most.rlim_cur, static_cast<std::uint64_t>(open.st_size));
  return left;
}

}  // namespace ringfort::platform
