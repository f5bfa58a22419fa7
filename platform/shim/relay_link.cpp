#include "ringfort/platform/shim/relay_link.hpp"

#include "ringfort/platform/shim/fd_message.hpp"
#include "ringfort/platform/shim/loopback.hpp"
#include "ringfort/platform/shim/sys.hpp"

#include <poll.h>
#include <sys/socket.h>

namespace ringfort::shim {
namespace {

constexpr int kBacklog = 4096;           // the kernel cuts it to net.core.somaxconn
constexpr int kTries = 200;              // of 5 ms, for a port that is the container's own
constexpr long kLastWord = 200'000'000;  // nsec for the relay to let go
constexpr long kPause = 5'000'000;       // nsec

long bind_to_loopback(int fd, bool is_v6, std::uint16_t port) {
  const Loopback address{is_v6, port};
  return sys(SYS_bind, fd, &address.v4, address.size);
}

/// A listening socket on the machine's loopback, or -errno. Beside the held one, as a program's own
/// would be below level `network`.
long listening(bool is_v6, std::uint16_t port) {
  const long made =
      sys(SYS_socket, is_v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (made < 0) return made;
  const int fd = static_cast<int>(made);
  const int on = 1;
  long result = sys(SYS_setsockopt, fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (result == 0 && is_v6)
    result = sys(SYS_setsockopt, fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  if (result == 0) result = bind_to_loopback(fd, is_v6, port);
  if (result == 0) result = sys(SYS_listen, fd, kBacklog);
  if (result == 0) return fd;
  ::close(fd);
  return result;
}

}  // namespace

long RelayLink::open(const Plan& plan, int link_fd, wire::Step& step, std::uint32_t& detail) {
  link_fd_ = link_fd;
  step = wire::Step::Relay;
  const auto& header = plan.header();
  static RelaySetup setup;
  setup = {};
  setup.uid = header.uid;
  setup.gid = header.gid;
  setup.changes_ids = plan.has(wire::kChangeIds) ? 1 : 0;
  setup.has_user_namespace = plan.has(wire::kUserNamespace) ? 1 : 0;
  const auto* ports = plan.items<wire::RelayPort>(header.relay_ports);
  for (detail = 0; detail < header.relay_ports.count; ++detail) {
    const long result = listen_on(ports[detail], setup);
    const bool is_taken = result == -EADDRINUSE || result == -EACCES;
    if (is_taken && (ports[detail].flags & wire::kIfFree) != 0) continue;
    if (result < 0) return result;
  }
  detail = wire::kMaxRelayPorts;
  return hand_over(setup, setup.has_user_namespace != 0, step);
}

/// Both families or none. The relay of a life whose shim was killed may not have ended yet.
long RelayLink::listen_on(const wire::RelayPort& port, RelaySetup& setup) {
  const int tries = (port.flags & wire::kHeldPort) != 0 ? kTries : 1;
  long v4 = -EADDRINUSE;
  for (int i = 0; i < tries && v4 == -EADDRINUSE; ++i) {
    if (i > 0) {
      const timespec pause{0, kPause};
      sys(SYS_nanosleep, &pause, nullptr);
    }
    v4 = listening(false, port.host);
    if (v4 < 0) continue;
    const long v6 = listening(true, port.host);
    if (v6 == -EADDRINUSE) {
      ::close(static_cast<int>(v4));
      v4 = v6;
      continue;
    }
    const long both[] = {v4, v6};
    for (const long fd : both) {
      if (fd < 0) continue;  // a machine without IPv6
      setup.inside[count_][0] = port.inside[0];
      setup.inside[count_][1] = port.inside[1];
      listeners_[count_++] = static_cast<int>(fd);
    }
  }
  return v4 < 0 ? v4 : 0;
}

long RelayLink::hand_over(const RelaySetup& setup, bool has_user_namespace, wire::Step& step) {
  int fds[1 + kMaxListeners];
  int count = 0;
  if (has_user_namespace) {
    const long user = sys(SYS_openat, AT_FDCWD, "/proc/self/ns/user", O_RDONLY | O_CLOEXEC);
    if (user < 0) return user;
    fds[count++] = static_cast<int>(user);
  }
  for (int i = 0; i < count_; ++i) fds[count++] = listeners_[i];
  RelaySetup sent = setup;
  sent.listener_count = static_cast<std::uint32_t>(count_);
  long result = send_fds(link_fd_, &sent, sizeof sent, fds, count);
  if (has_user_namespace) ::close(fds[0]);
  RelayReady ready{};
  int received = 0;
  if (result == 0) result = receive_fds(link_fd_, &ready, sizeof ready, &network_fd_, 1, received);
  if (result < 0) return result;
  if (result != sizeof ready) return -EPIPE;  // it was killed
  step = ready.step;
  return -ready.error;
}

int RelayLink::take_network() {
  const int fd = network_fd_;
  network_fd_ = -1;
  return fd;
}

void RelayLink::close() {
  // The relay has copies: closing ours alone would leave the ports taken.
  for (int i = 0; i < count_; ++i) {
    sys(SYS_shutdown, listeners_[i], SHUT_RD);
    close_fd(listeners_[i]);
  }
  count_ = 0;
  close_fd(network_fd_);
  if (link_fd_ < 0) return;
  // Until it has closed its copies, too, nobody else can claim them for the next life.
  sys(SYS_shutdown, link_fd_, SHUT_WR);
  pollfd end{link_fd_, POLLIN, 0};
  const timespec patience{0, kLastWord};
  sys(SYS_ppoll, &end, 1, &patience, nullptr, 8);
  close_fd(link_fd_);
}

}  // namespace ringfort::shim
