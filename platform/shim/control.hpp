// The shim's control socket: requests in, replies out, descriptors along with an exec.
#pragma once

#include "ringfort/platform/shim/wire.hpp"

#include <sys/types.h>

namespace ringfort::shim {

inline constexpr int kMaxConnections = 24;

/// One client, with the command it may have started.
struct Connection {
  int fd = -1;
  pid_t exec_pid = 0;              ///< as this PID namespace names it; 0 = none
  std::int64_t exec_deadline = 0;  ///< boot clock; 0 = none
  bool exec_timed_out = false;
};

/// A received request with its descriptors (plan, stdin, stdout, stderr of an exec).
struct Incoming {
  wire::ControlRequest request;
  int fds[4];
  int fd_count;
};

/// 1 = a request is there, 0 = the client is gone, -EAGAIN = nothing yet.
long receive(int connection_fd, Incoming& incoming);
void send_reply(int connection_fd, wire::ControlReply reply);

/// Accepts a client of the runtime's own uid or root; anyone else is turned away. -1 = none.
int accept_client(int listener_fd);

}  // namespace ringfort::shim
