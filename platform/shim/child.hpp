// The way of a child from clone to exec. Runs in the shim's memory (CLONE_VM | CLONE_VFORK), so its
// failure is read from there and no pipe is needed.
#pragma once

#include "ringfort/platform/shim/plan.hpp"

#include <sys/types.h>

namespace ringfort::shim {

/// What one child needs, and what it leaves when it fails.
struct Launch {
  const Plan* plan = nullptr;
  int stdin_fd = -1;
  int stdout_fd = -1;
  int stderr_fd = -1;
  int listen_fd = -1;  ///< with wire::kListen: the port's socket
  int trace_fd = -1;   ///< a socket that gets the listener of a trace filter; -1 = none is wanted
  int cgroup_procs_fd = -1;
  int empty_mounts_fd = -1;  ///< a nearly empty mount namespace (root runtimes)
  int network_fd = -1;       ///< with wire::kOwnNetwork: the namespace that the relay made, if any
  bool bounded = false;      ///< the capability bounding set is empty already
  pid_t join_pid = -1;       ///< with wire::kJoin: the main program, as this PID namespace names it

  pid_t host_pid = 0;                  ///< of the child, as the host names it
  wire::Step step = wire::Step::None;  ///< where it failed; None = it passed exec
  int error = 0;
  std::uint32_t detail = 0;
};

/// Clones the child and returns when it has passed exec or has failed. The child's pid as this
/// process names it, or -errno when there is no child (`step` says why).
pid_t launch(Launch& what);

/// Mounts the plan's tree and pivots into it. 0, or -errno with `step` and `detail` set.
long build_root(const Plan& plan, Launch& what);

/// Takes all capabilities out of this process's bounding set, so that no program it runs can gain
/// one. False where it may not (a plain user outside of a user namespace).
bool empty_bounding_set();

/// Makes a mount namespace with nothing in it but a place for a root, as a descriptor. Root only;
/// -errno where it can't be made. Once, in the zygote.
long empty_mounts();

/// Enters a Landlock domain that holds only `scopes`. 0 or -errno.
long enter_scopes(std::uint64_t scopes, wire::Step& step);

}  // namespace ringfort::shim
