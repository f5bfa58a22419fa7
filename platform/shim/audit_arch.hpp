// What seccomp filters of the helper compare the machine with. seccomp(2).
#pragma once

#include <cstdint>

#include <linux/audit.h>

namespace ringfort::shim {

#if defined(__x86_64__)
constexpr std::uint32_t kArch = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
constexpr std::uint32_t kArch = AUDIT_ARCH_AARCH64;
#endif

}  // namespace ringfort::shim
