// The filter is run without a kernel: every number and the arguments that matter.
#include "ringfort/platform/seccomp_filter.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cerrno>

#include <linux/audit.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/syscall.h>

namespace ringfort::platform {
namespace {

constexpr std::uint32_t kHere = AUDIT_ARCH_X86_64;
constexpr std::uint32_t refused(int error) {
  return SECCOMP_RET_ERRNO | static_cast<std::uint32_t>(error);
}

std::uint32_t verdict(NetMode net, long number, std::array<std::uint64_t, 6> arguments = {}) {
  return evaluate(seccomp_filter(net), kHere, static_cast<std::uint32_t>(number), arguments);
}

TEST(SeccompFilter, LetsOrdinaryCallsPassAndRefusesTheRest) {
  for (const auto net : {NetMode::None, NetMode::Local, NetMode::Full}) {
    for (const long number :
         {SYS_read, SYS_write, SYS_execve, SYS_openat, SYS_futex, SYS_wait4, 500})
      EXPECT_EQ(verdict(net, number), SECCOMP_RET_ALLOW) << number;
    for (const long number :
         {SYS_unshare, SYS_setns, SYS_mount, SYS_ptrace, SYS_bpf, SYS_keyctl, SYS_userfaultfd,
          SYS_process_vm_readv, SYS_open_tree, SYS_mount_setattr, SYS_pidfd_getfd})
      EXPECT_EQ(verdict(net, number), refused(EPERM)) << number;
    for (const long number :
         {SYS_clone3, SYS_io_uring_setup, SYS_io_uring_enter, SYS_io_uring_register})
      EXPECT_EQ(verdict(net, number), refused(ENOSYS)) << number;
  }
}

TEST(SeccompFilter, NeighboursOfEveryRefusedNumberPass) {
  // A search by range that is off by one would show here.
  int refusals = 0;
  for (std::uint32_t number = 0; number < 600; ++number)
    if (verdict(NetMode::Full, number) != SECCOMP_RET_ALLOW) ++refusals;
  EXPECT_EQ(refusals, 29) << "as many numbers as the table refuses whatever their arguments";
}

TEST(SeccompFilter, KillsForeignAbisAndRefusesX32) {
  const auto filter = seccomp_filter(NetMode::Full);
  EXPECT_EQ(evaluate(filter, AUDIT_ARCH_I386, 1, {}),
            static_cast<std::uint32_t>(SECCOMP_RET_KILL_PROCESS));
  EXPECT_EQ(evaluate(filter, kHere, 0x40000000U | SYS_read, {}), refused(ENOSYS));
}

TEST(SeccompFilter, MakesNetModesTrue) {
  struct Case {
    std::uint64_t family, type, protocol;
    std::uint32_t none, local;
  };
  const std::uint32_t ok = SECCOMP_RET_ALLOW;
  const std::uint32_t family = refused(EAFNOSUPPORT);
  const std::uint32_t protocol = refused(EPROTONOSUPPORT);
  const Case cases[] = {
      {AF_UNIX, SOCK_STREAM, 0, ok, ok},
      {AF_INET, SOCK_STREAM, 0, family, ok},
      {AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_TCP, family, ok},
      {AF_INET6, SOCK_STREAM, 0, family, ok},
      {AF_INET, SOCK_STREAM, IPPROTO_MPTCP, family, protocol},
      {AF_INET, SOCK_STREAM, IPPROTO_SCTP, family, protocol},
      {AF_INET, SOCK_DGRAM, 0, family, protocol},
      {AF_INET6, SOCK_RAW, IPPROTO_ICMPV6, family, protocol},
      {AF_NETLINK, SOCK_RAW, 0, family, family},
      {AF_PACKET, SOCK_RAW, 0, family, family},
      {AF_VSOCK, SOCK_STREAM, 0, family, family},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(verdict(NetMode::None, SYS_socket, {c.family, c.type, c.protocol}), c.none)
        << c.family << ' ' << c.type;
    EXPECT_EQ(verdict(NetMode::Local, SYS_socket, {c.family, c.type, c.protocol}), c.local)
        << c.family << ' ' << c.type;
    EXPECT_EQ(verdict(NetMode::Full, SYS_socket, {c.family, c.type, c.protocol}), ok);
  }
  EXPECT_EQ(verdict(NetMode::Local, SYS_socketpair, {AF_UNIX}), ok);
  EXPECT_EQ(verdict(NetMode::Local, SYS_socketpair, {AF_TIPC}), family);
}

TEST(SeccompFilter, RefusesFastOpenWhereverItsFlagStands) {
  EXPECT_EQ(verdict(NetMode::Local, SYS_sendto, {3, 0, 0, MSG_FASTOPEN}), refused(EPERM));
  EXPECT_EQ(verdict(NetMode::Local, SYS_sendmsg, {3, 0, MSG_FASTOPEN}), refused(EPERM));
  EXPECT_EQ(verdict(NetMode::Local, SYS_sendmmsg, {3, 0, 1, MSG_FASTOPEN | MSG_NOSIGNAL}),
            refused(EPERM));
  EXPECT_EQ(verdict(NetMode::Local, SYS_sendto, {3, 0, 0, MSG_NOSIGNAL}), SECCOMP_RET_ALLOW);
  EXPECT_EQ(verdict(NetMode::Local, SYS_sendmsg, {3, MSG_FASTOPEN, 0}), SECCOMP_RET_ALLOW)
      << "the wrong argument";
}

TEST(SeccompFilter, RefusesNamespacesInCloneAndTerminalInjection) {
  EXPECT_EQ(verdict(NetMode::Full, SYS_clone, {CLONE_NEWUSER | SIGCHLD}), refused(EPERM));
  EXPECT_EQ(verdict(NetMode::Full, SYS_clone, {CLONE_VM | CLONE_THREAD}), SECCOMP_RET_ALLOW);
  EXPECT_EQ(verdict(NetMode::Full, SYS_ioctl, {0, 0x5412}), refused(EPERM));
  EXPECT_EQ(verdict(NetMode::Full, SYS_ioctl, {0, 0x1'0000'5412}), refused(EPERM))
      << "high bits don't hide it";
  EXPECT_EQ(verdict(NetMode::Full, SYS_ioctl, {0, 0x5401}), SECCOMP_RET_ALLOW);
}

TEST(SeccompFilter, IsSmall) {
  for (const auto net : {NetMode::None, NetMode::Local, NetMode::Full})
    EXPECT_LE(seccomp_filter(net).size(), 100U);
}

}  // namespace
}  // namespace ringfort::platform
