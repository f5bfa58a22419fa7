// The seccomp filter of a container: a small program, searched by range. Pure; seccomp(2).
#pragma once

#include "ringfort/platform/launch_plan.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace ringfort::platform {

/// What makes `--net none` and `--net local` true, and closes what would go round the rest:
/// other socket families and protocols, UDP, MPTCP, TCP Fast Open, io_uring, nested namespaces,
/// mounts, ptrace, keyrings. Native calls only: a foreign ABI kills, x32 numbers are ENOSYS.
std::vector<BpfInstruction> seccomp_filter(NetMode net);

/// Runs a filter without a kernel: the SECCOMP_RET_* value for one call. For tests.
std::uint32_t evaluate(std::span<const BpfInstruction> filter, std::uint32_t arch,
                       std::uint32_t number, std::span<const std::uint64_t> arguments);

}  // namespace ringfort::platform
