// The seccomp filter of a container: a small program, searched by range. Pure; seccomp(2).
#pragma once

#include "ringfort/platform/launch_plan.hpp"
#include "ringfort/platform/syscall_table.hpp"

#include <vector>

namespace ringfort::platform {

struct FilterChoice {
  NetMode net = NetMode::None;
  specs::SeccompProfile profile = specs::SeccompProfile::Default;
  Level level = Level::Landlock;  ///< says which namespaces are the container's own
  Machine machine = kThisMachine;
  bool operator==(const FilterChoice&) const = default;
};

/// The table of system calls (linux/syscalls.txt) as a program. It makes `--net none` and `local`
/// true and closes what would go round the rest. Native calls only: a foreign ABI kills, x32 and
/// every other number that the table lacks is ENOSYS.
std::vector<BpfInstruction> seccomp_filter(const FilterChoice& choice);

/// How many instructions run at most, whatever the call. A filter only ever jumps forward.
std::size_t longest_path(const std::vector<BpfInstruction>& filter);

}  // namespace ringfort::platform
