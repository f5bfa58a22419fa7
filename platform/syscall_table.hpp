// The system calls that we know, and what each profile says of them: the rows of
// linux/syscalls.txt.
#pragma once

#include "ringfort/specs/service.hpp"

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

namespace ringfort::platform {

/// The words of the table, which says what each of them means.
enum class CallRule : std::uint8_t {
  Allow,
  Eperm,
  Enosys,
  Socket,
  Socketpair,
  FlagsIn2,
  FlagsIn3,
  Clone,
  Unshare,
  Ioctl,
  IoctlFew,
  Personality,
  PersonalityMore,
  Prlimit,
  OwnIpc,
  OwnPids,
  Self,
  SelfPriority,
  SelfIo,
};

/// Whose numbers. One kernel serves one native machine; any other is a foreign ABI to it.
enum class Machine { X86_64, Aarch64 };
#if defined(__x86_64__)
inline constexpr Machine kThisMachine = Machine::X86_64;
#elif defined(__aarch64__)
inline constexpr Machine kThisMachine = Machine::Aarch64;
#else
#error "ringfort knows the system calls of x86_64 and aarch64"
#endif

struct SyscallRow {
  std::string_view name;
  std::int16_t x86_64;   ///< -1 = none there
  std::int16_t aarch64;  ///< -1 = none there
  bool is_hot;
  std::array<CallRule, 3> rules;  ///< by profile
  std::string_view why;

  std::int16_t number(Machine machine) const {
    return machine == Machine::X86_64 ? x86_64 : aarch64;
  }
  CallRule rule(specs::SeccompProfile profile) const {
    return rules[static_cast<std::size_t>(profile)];
  }
};

std::span<const SyscallRow> syscall_table();

/// Every number of the table is below.
inline constexpr std::uint32_t kSyscallNumbers = 512;

}  // namespace ringfort::platform
