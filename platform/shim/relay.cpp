#include "ringfort/platform/shim/relay.hpp"

#include "ringfort/platform/shim/audit_arch.hpp"
#include "ringfort/platform/shim/fd_message.hpp"
#include "ringfort/platform/shim/network.hpp"
#include "ringfort/platform/shim/relay_pairs.hpp"
#include "ringfort/platform/shim/sys.hpp"

#include <cstddef>

#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/socket.h>

namespace ringfort::shim {
namespace {

constexpr std::int64_t kDrainPatience = 3'000'000;  // usec for what the container wrote last
constexpr std::int64_t kAcceptPause = 100'000;      // usec without descriptors or memory

/// All that the loop takes. Anything else would be an attack through the bytes that it copies.
constexpr long kCalls[] = {SYS_ppoll,      SYS_recvfrom, SYS_sendto,        SYS_accept4,
                           SYS_socket,     SYS_connect,  SYS_shutdown,      SYS_close,
                           SYS_setsockopt, SYS_madvise,  SYS_clock_gettime, SYS_getsockopt,
                           SYS_exit_group, SYS_sendmsg};

long enforce_filter() {
  constexpr std::size_t kCount = sizeof kCalls / sizeof kCalls[0];
  sock_filter code[kCount + 6];
  std::size_t size = 0;
  const auto jump = [](std::uint32_t value, std::size_t yes, std::size_t no) {
    return sock_filter{BPF_JMP | BPF_JEQ | BPF_K, static_cast<unsigned char>(yes),
                       static_cast<unsigned char>(no), value};
  };
  code[size++] = {BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(seccomp_data, arch)};
  code[size++] = jump(kArch, 0, kCount + 1);
  code[size++] = {BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(seccomp_data, nr)};
  for (std::size_t i = 0; i < kCount; ++i)
    code[size++] = jump(static_cast<std::uint32_t>(kCalls[i]), kCount - i, 0);
  code[size++] = {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_KILL_PROCESS};
  code[size++] = {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW};
  const sock_fprog program{static_cast<unsigned short>(size), code};
  return sys(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program);
}

long give_up_rights(const RelaySetup& setup) {
  long result = 0;
  if (setup.changes_ids != 0) {
    result = sys(SYS_setgroups, 0, nullptr);
    if (result == 0) result = sys(SYS_setresgid, setup.gid, setup.gid, setup.gid);
    if (result == 0) result = sys(SYS_setresuid, setup.uid, setup.uid, setup.uid);
  }
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  const __user_cap_data_struct none[2] = {};
  if (result == 0) result = sys(SYS_capset, &header, none);
  if (result == 0) result = sys(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  // Last: each change of credentials sets it anew. prctl(2).
  if (result == 0) result = sys(SYS_prctl, PR_SET_DUMPABLE, 0, 0, 0, 0);
  return result;
}

/// The listening sockets stay those of the namespace they were made in; what is made from now on is
/// of the new one.
long enter(const RelaySetup& setup, int user_fd, int& network_fd, wire::Step& step) {
  step = wire::Step::Relay;
  long result = user_fd >= 0 ? sys(SYS_setns, user_fd, CLONE_NEWUSER) : 0;
  if (result < 0) return result;
  step = wire::Step::Network;
  result = make_network();
  if (result < 0) return result;
  result = sys(SYS_openat, AT_FDCWD, "/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
  if (result < 0) return result;
  network_fd = static_cast<int>(result);
  step = wire::Step::Relay;
  return give_up_rights(setup);
}

[[noreturn]] void serve(int link_fd, RelayPairs& pairs) {
  std::int64_t end = INT64_MAX;
  bool waits = false;  // with accepting
  for (;;) {
    static pollfd set[1 + kMaxListeners + 2 * kMaxPairs];
    set[0] = {end == INT64_MAX ? link_fd : -1, POLLIN, 0};
    const int count = 1 + pairs.fill(set + 1, !waits);
    const std::int64_t left = waits ? kAcceptPause : end - boot_usec();
    const timespec patience{left > 0 ? left / 1'000'000 : 0,
                            left > 0 ? left % 1'000'000 * 1000 : 0};
    const bool for_ever = end == INT64_MAX && !waits;
    const long ready = sys(SYS_ppoll, set, count, for_ever ? nullptr : &patience, nullptr, 8);
    waits = false;
    if (set[0].revents != 0 && ready > 0) {
      // The shim has gone or is about to: what is under way may end, nothing begins.
      end = boot_usec() + kDrainPatience;
      pairs.end_all();
      ::close(link_fd);  // tells the shim that the ports are free
    }
    if (ready > 0) waits = !pairs.act(set + 1);
    if (end != INT64_MAX && (pairs.are_done() || boot_usec() >= end)) sys(SYS_exit_group, 0);
  }
}

}  // namespace

void run_relay(int link_fd) {
  static RelaySetup setup;
  static RelayPairs pairs;
  ::prctl(PR_SET_NAME, "ringfort-relay", 0, 0, 0);
  ::close_range(3, static_cast<unsigned>(link_fd) - 1, 0);
  ::close_range(static_cast<unsigned>(link_fd) + 1, ~0U, 0);
  int fds[1 + kMaxListeners];
  int count = 0;
  // Nothing comes when the start has failed before: no relay is wanted then.
  if (receive_fds(link_fd, &setup, sizeof setup, fds, 1 + kMaxListeners, count) != sizeof setup)
    sys(SYS_exit_group, 0);
  const int user_count = setup.has_user_namespace != 0 ? 1 : 0;
  RelayReady ready{wire::Step::Relay, 0};
  int network_fd = -1;
  long result = count == user_count + static_cast<int>(setup.listener_count)
                    ? enter(setup, user_count != 0 ? fds[0] : -1, network_fd, ready.step)
                    : -EBADMSG;
  if (result == 0) result = pairs.open(setup, fds + user_count);
  if (result == 0) result = enforce_filter();
  if (user_count != 0) ::close(fds[0]);
  ready.error = static_cast<std::int32_t>(-result);
  if (result == 0) ready.step = wire::Step::None;
  send_fds(link_fd, &ready, sizeof ready, &network_fd, network_fd >= 0 ? 1 : 0);
  close_fd(network_fd);
  if (result < 0) sys(SYS_exit_group, 0);
  serve(link_fd, pairs);
}

}  // namespace ringfort::shim
