#include "ringfort/platform/ports.hpp"

#include <cerrno>
#include <cstdint>
#include <string>
#include <utility>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

namespace ringfort::platform {
namespace {

/// A TCP socket that stands for every address of the machine: of both families where the machine
/// has IPv6, so that a listener on [::1] alone is seen too.
Result<Fd> socket_for_all(bool& is_v6) {
  Fd socket{::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  const int off = 0;
  is_v6 = socket && ::setsockopt(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off) == 0;
  if (is_v6) return socket;
  socket = Fd{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  if (!socket) return fail(os_error("cannot make a TCP socket"));
  return socket;
}

int bind_to_port(int socket_fd, bool is_v6, std::uint16_t port) {
  if (is_v6) {
    sockaddr_in6 address{};
    address.sin6_family = AF_INET6;
    address.sin6_addr = in6addr_any;
    address.sin6_port = htons(port);
    return ::bind(socket_fd, reinterpret_cast<const sockaddr*>(&address), sizeof address);
  }
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_ANY);
  address.sin_port = htons(port);
  return ::bind(socket_fd, reinterpret_cast<const sockaddr*>(&address), sizeof address);
}

}  // namespace

Result<HeldPort> claim_port(PortRange range, std::uint16_t& cursor) {
  const auto words = std::to_string(range.first) + "-" + std::to_string(range.last);
  if (range.first == 0 || range.last < range.first) {
    return fail(ErrorKind::InvalidSpec, "port range " + words + " is empty",
                "write --port-range FIRST-LAST");
  }
  bool is_v6 = false;
  auto socket = socket_for_all(is_v6);
  if (!socket) return fail(socket.error());
  const unsigned count = range.last - range.first + 1U;
  if (cursor < range.first || cursor > range.last) cursor = range.first;
  for (unsigned tried = 0; tried < count; ++tried) {
    const std::uint16_t port = cursor;
    cursor = port == range.last ? range.first : static_cast<std::uint16_t>(port + 1);
    if (bind_to_port(socket->get(), is_v6, port) != 0) {
      // A machine whose IPv6 is switched off makes the socket but refuses its address.
      if (is_v6 && (errno == EADDRNOTAVAIL || errno == EAFNOSUPPORT)) {
        is_v6 = false;
        socket = Fd{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
        if (!*socket) return fail(os_error("cannot make a TCP socket"));
        cursor = port;
        continue;
      }
      if (errno == EADDRINUSE || errno == EACCES) continue;
      return fail(os_error("cannot bind TCP port " + std::to_string(port)));
    }
    // After bind: two sockets that set it before would both get the port. From now on the
    // program's own bind beside us works if it sets it as well.
    const int on = 1;
    if (::setsockopt(socket->get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0) {
      return fail(os_error("cannot set SO_REUSEADDR"));
    }
    return HeldPort{port, std::move(*socket)};
  }
  return fail(ErrorKind::Conflict, "every port of " + words + " is taken",
              "end some containers, or give another range with --port-range");
}

}  // namespace ringfort::platform
