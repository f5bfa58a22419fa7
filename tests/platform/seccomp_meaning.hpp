// What the words of the table of system calls mean, said once more and without a thought of BPF.
#pragma once

#include "ringfort/platform/seccomp_filter.hpp"

#include <array>
#include <cerrno>
#include <cstdint>

#include <linux/audit.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <sys/socket.h>

namespace ringfort::platform {

using Arguments = std::array<std::uint64_t, 6>;

constexpr std::uint32_t kAllow = SECCOMP_RET_ALLOW;
constexpr std::uint32_t kKill = SECCOMP_RET_KILL_PROCESS;
constexpr std::uint32_t refused(int error) {
  return SECCOMP_RET_ERRNO | static_cast<std::uint32_t>(error);
}

inline std::uint32_t arch_of(Machine machine) {
  return machine == Machine::X86_64 ? AUDIT_ARCH_X86_64 : AUDIT_ARCH_AARCH64;
}

inline std::uint32_t low(std::uint64_t value) { return static_cast<std::uint32_t>(value); }
inline std::uint32_t allowed_if(bool is_right, int error = EPERM) {
  return is_right ? kAllow : refused(error);
}

inline std::uint32_t socket_meaning(NetMode net, const Arguments& arguments) {
  const auto family = low(arguments[0]);
  if (net == NetMode::Full || family == AF_UNIX) return kAllow;
  if (net == NetMode::None || (family != AF_INET && family != AF_INET6))
    return refused(EAFNOSUPPORT);
  const auto type = low(arguments[1]) & 0xf;
  const auto protocol = low(arguments[2]);
  return allowed_if(type == SOCK_STREAM && (protocol == 0 || protocol == IPPROTO_TCP),
                    EPROTONOSUPPORT);
}

inline std::uint32_t request_meaning(std::uint32_t request) {
  const auto between = [request](std::uint32_t from, std::uint32_t to) {
    return from <= request && request <= to;
  };
  return allowed_if(between(0x5401, 0x5411) || between(0x5450, 0x5452) || request == 0x5413 ||
                        request == 0x541b || request == 0x5421 || request == 0x5429 ||
                        request == 0x40049409 || between(0x402c542b, 0x402c542d) ||
                        request == 0x802c542a,
                    ENOTTY);
}

inline std::uint32_t meaning(CallRule rule, const FilterChoice& choice,
                             const Arguments& arguments) {
  const bool is_apart = choice.level == Level::Namespaces;
  const bool is_open = choice.net == NetMode::Full;
  constexpr std::uint32_t namespaces = 0x7e020000;
  const auto first = low(arguments[0]);
  switch (rule) {
    case CallRule::Allow:
      return kAllow;
    case CallRule::Eperm:
      return refused(EPERM);
    case CallRule::Enosys:
      return refused(ENOSYS);
    case CallRule::Socket:
      return socket_meaning(choice.net, arguments);
    case CallRule::Socketpair:
      return allowed_if(is_open || first == AF_UNIX, EAFNOSUPPORT);
    case CallRule::FlagsIn2:
      return allowed_if(is_open || (arguments[2] & MSG_FASTOPEN) == 0);
    case CallRule::FlagsIn3:
      return allowed_if(is_open || (arguments[3] & MSG_FASTOPEN) == 0);
    case CallRule::Clone:
      return allowed_if((first & namespaces) == 0);
    case CallRule::Unshare:
      return allowed_if((first & (namespaces | 0x80)) == 0);
    case CallRule::Ioctl:
      return allowed_if(low(arguments[1]) != 0x5412 && low(arguments[1]) != 0x541c &&
                        low(arguments[1]) != 0x5423);
    case CallRule::IoctlFew:
      return request_meaning(low(arguments[1]));
    case CallRule::Personality:
      return allowed_if(first == 0 || first == 0xffffffff);
    case CallRule::PersonalityMore:
      return allowed_if((first & ~std::uint32_t{0x40008}) == 0 || first == 0xffffffff);
    case CallRule::Prlimit:
      return allowed_if(first == 0 || arguments[2] == 0);
    case CallRule::OwnIpc:
    case CallRule::OwnPids:
      return allowed_if(is_apart);
    case CallRule::Self:
      return allowed_if(is_apart || first == 0);
    case CallRule::SelfPriority:
      return allowed_if(is_apart || (first != 2 && low(arguments[1]) == 0));
    case CallRule::SelfIo:
      return allowed_if(is_apart || (first != 3 && low(arguments[1]) == 0));
  }
  return 0;
}

}  // namespace ringfort::platform
