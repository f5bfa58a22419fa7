// CPU, memory and count of process trees.
#pragma once

#include "ringfort/specs/result.hpp"

#include <cstdint>
#include <span>
#include <vector>

#include <sys/types.h>

namespace ringfort::platform {

struct TreeStats {
  std::uint64_t cpu_usec = 0;  ///< user + system of the living, plus reaped children of theirs
  std::uint64_t rss_bytes =
      0;  ///< RssAnon + RssShmem: the cheap trigger, counts shared pages per process
  std::uint32_t pids = 0;  ///< 0 = the tree is gone
};

/// Figures of each tree below `roots` (host pids; the root itself, a shim, is not counted), from
/// one pass over /proc for all of them. A vanished root gives pids = 0.
Result<std::vector<TreeStats>> tree_stats(std::span<const pid_t> roots);

/// The pids of the tree below `root`, the root not included.
Result<std::vector<pid_t>> tree_pids(pid_t root);

/// Pss_Anon + Pss_Shmem over the tree from smaps_rollup: dear and exact. proc(5).
Result<std::uint64_t> tree_pss_bytes(pid_t root);

}  // namespace ringfort::platform
