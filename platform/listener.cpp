#include "ringfort/platform/listener.hpp"

#include <cerrno>
#include <cstdio>

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

namespace ringfort::platform {

Result<Fd> listen_below(int dir_fd) {
  Fd listener{::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  if (!listener) return fail(os_error("cannot make a unix socket"));
  // Before bind, the mode of the socket's own inode becomes the mode of its name: unix(7).
  if (::fchmod(listener.get(), 0600) != 0) return fail(os_error("cannot chmod a socket"));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  // A plain path may be longer than the 107 bytes that fit here.
  std::snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d/sock", dir_fd);
  const auto* generic = reinterpret_cast<const sockaddr*>(&address);
  if (::bind(listener.get(), generic, sizeof address) != 0) {
    if (errno != EADDRINUSE) return fail(os_error("cannot bind sock"));
    ::unlinkat(dir_fd, "sock", 0);
    if (::bind(listener.get(), generic, sizeof address) != 0) {
      return fail(os_error("cannot bind sock"));
    }
  }
  if (::listen(listener.get(), 64) != 0) return fail(os_error("cannot listen on sock"));
  return listener;
}

void drop_waiting(int listener_fd) {
  for (;;) {
    const Fd waiting{::accept4(listener_fd, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK)};
    if (!waiting && errno != ECONNABORTED && errno != EINTR) return;
  }
}

}  // namespace ringfort::platform
