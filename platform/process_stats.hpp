// CPU, memory and count of process trees.
#pragma once

#include "ringfort/specs/result.hpp"

#include <cstdint>
#include <ctime>
#include <span>
#include <vector>

#include <sys/types.h>

namespace ringfort::platform {

/// What the processor had spent on one process at a moment: clock_getcpuclockid(3).
struct ProcessClock {
  clockid_t id = 0;
  std::uint64_t nanoseconds = 0;
};

/// The clocks of a tree, its root included, each read before its process was looked at.
using TreePulse = std::vector<ProcessClock>;

struct TreeStats {
  std::uint64_t cpu_usec = 0;  ///< user + system of the living, plus reaped children of theirs
  std::uint64_t rss_bytes =
      0;  ///< RssAnon + RssShmem: the cheap trigger, counts shared pages per process
  std::uint32_t pids = 0;  ///< 0 = the tree is gone
  TreePulse pulse;         ///< empty when a process ended during the look
};

/// Figures of each tree below `roots` (host pids; the root itself, a shim, is not counted), from
/// one pass over /proc for all of them. A vanished root gives pids = 0.
Result<std::vector<TreeStats>> tree_stats(std::span<const pid_t> roots);

/// Nothing in the tree has run since the look that gave `pulse`: without a processor no process
/// starts another or touches memory, so the figures are what they were. Half a microsecond a
/// process, where a look takes 90. An empty pulse is never still.
bool is_still(const TreePulse& pulse);

/// The pids of the tree below `root`, the root not included.
Result<std::vector<pid_t>> tree_pids(pid_t root);

/// Pss_Anon + Pss_Shmem over the tree from smaps_rollup: dear and exact. proc(5).
Result<std::uint64_t> tree_pss_bytes(pid_t root);

}  // namespace ringfort::platform
