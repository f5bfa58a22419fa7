// One datagram with descriptors over a unix socket. unix(7), SCM_RIGHTS.
#pragma once

#include <cstddef>
#include <span>

#include "ringfort/platform/fd.hpp"

namespace ringfort::platform {

/// Sends `size` bytes and copies of `fds` in one message. 0 or errno; EINTR is retried.
int send_message(int socket_fd, const void* bytes, std::size_t size, std::span<const int> fds,
                 int flags);

/// A sealed memfd with these bytes, at offset 0. memfd_create(2).
Result<Fd> sealed_memory(const char* name, std::span<const std::byte> bytes);

}  // namespace ringfort::platform
