// One message with descriptors over a SOCK_SEQPACKET socket. unix(7), SCM_RIGHTS.
#pragma once

#include <cstddef>

namespace ringfort::shim {

/// 0 or -errno; EINTR is retried.
long send_fds(int socket_fd, const void* bytes, std::size_t size, const int* fds, int count);

/// Up to `most` descriptors, close-on-exec, and how many in `count`. The message's size, 0 at the
/// end, or -errno.
long receive_fds(int socket_fd, void* bytes, std::size_t size, int* fds, int most, int& count);

}  // namespace ringfort::shim
