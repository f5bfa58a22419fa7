#include "ringfort/platform/shim/network.hpp"

#include "ringfort/platform/shim/sys.hpp"

#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

namespace ringfort::shim {
namespace {

/// Its addresses, 127.0.0.1 and ::1, come with it. netdevice(7).
long raise_loopback() {
  const long socket = sys(SYS_socket, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (socket < 0) return socket;
  ifreq request{};
  request.ifr_name[0] = 'l';
  request.ifr_name[1] = 'o';
  request.ifr_flags = IFF_UP | IFF_LOOPBACK | IFF_RUNNING;
  const long raised = sys(SYS_ioctl, socket, SIOCSIFFLAGS, &request);
  sys(SYS_close, socket);
  return raised;
}

/// All ports here are the container's, the low ones too: a server that insists on 80 gets it.
void open_low_ports() {
  const long file = sys(SYS_openat, AT_FDCWD, "/proc/sys/net/ipv4/ip_unprivileged_port_start",
                        O_WRONLY | O_CLOEXEC);
  if (file < 0) return;  // shown read-only, as in most container engines: low ports stay root's
  (void)write_all(static_cast<int>(file), "0", 1);
  sys(SYS_close, file);
}

}  // namespace

long make_network() {
  long result = sys(SYS_unshare, CLONE_NEWNET);
  if (result == 0) result = raise_loopback();
  if (result == 0) open_low_ports();
  return result;
}

}  // namespace ringfort::shim
