// Listening unix sockets named inside a directory that is known by descriptor only.
#pragma once

#include "ringfort/platform/fd.hpp"

namespace ringfort::platform {

/// Binds and listens on `sock` below `dir_fd` (SOCK_SEQPACKET, mode 0600), replacing what has that
/// name. The directory may be renamed afterwards: the kernel finds the socket by its inode.
Result<Fd> listen_below(int dir_fd);

/// Closes all connections that wait to be accepted.
void drop_waiting(int listener_fd);

}  // namespace ringfort::platform
