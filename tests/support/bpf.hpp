// Runs a seccomp filter without a kernel, to see its verdict and what it costs.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include <linux/filter.h>

namespace ringfort::test {

struct BpfCall {
  std::uint32_t arch = 0;  ///< AUDIT_ARCH_*
  std::uint32_t number = 0;
  std::array<std::uint64_t, 6> arguments{};
};

struct BpfOutcome {
  std::uint32_t verdict = 0;  ///< SECCOMP_RET_* with its data
  std::size_t steps = 0;      ///< instructions that ran
};

/// Knows the instructions that seccomp(2) takes and a filter of ours may hold; any other, a jump
/// out of the program or an end without a verdict is a std::logic_error.
BpfOutcome run_bpf(std::span<const sock_filter> program, const BpfCall& call);

}  // namespace ringfort::test
