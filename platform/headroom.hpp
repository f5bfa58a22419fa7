// What this machine has left for further processes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>

namespace ringfort::platform {

/// The largest number where the system does not tell.
struct Headroom {
  std::size_t cores = 1;  ///< that this process may run on: sched_getaffinity(2)
  std::uint64_t memory_bytes = std::numeric_limits<std::uint64_t>::max();  ///< MemAvailable
  std::uint64_t pids = std::numeric_limits<std::uint64_t>::max();  ///< pid_max less all tasks
  std::uint64_t descriptors = std::numeric_limits<std::uint64_t>::max();  ///< of this process
};

/// Reads proc(5): about 20 us. From any thread.
Headroom look_at_headroom();

}  // namespace ringfort::platform
