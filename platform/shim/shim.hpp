// One container's init: starts the program, answers its socket, reaps, logs, ends the tree,
// records.
#pragma once

#include "ringfort/platform/shim/wire.hpp"

namespace ringfort::shim {

/// What the zygote hands to a fresh shim. Descriptors it does not have are -1.
struct ShimStart {
  wire::SpawnRequest request;
  int fds[wire::kSpawnFdCount];
  int events_fd;        ///< the zygote's socket: shims only write to it
  int null_fd;          ///< /dev/null
  int empty_mounts_fd;  ///< see empty_mounts(); -1 without root
  int relay_fd;         ///< to the relay, with wire::kRelay; else -1
  bool bounded;         ///< the zygote's capability bounding set is empty
};

/// Runs a container from start to end; never returns.
[[noreturn]] void run_shim(const ShimStart& start);

}  // namespace ringfort::shim
