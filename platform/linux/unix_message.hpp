// One datagram with descriptors over a unix socket. unix(7), SCM_RIGHTS.
#pragma once

#include "ringfort/platform/fd.hpp"

#include <cstddef>
#include <span>
#include <vector>

namespace ringfort::platform {

/// Sends `size` bytes and copies of `fds` in one message. 0 or errno; EINTR is retried.
int send_message(int socket_fd, const void* bytes, std::size_t size, std::span<const int> fds,
                 int flags);

/// Receives one message of exactly `size` bytes if one is there, with its descriptors
/// (close-on-exec). False when there is none.
bool receive_message(int socket_fd, void* bytes, std::size_t size, std::vector<Fd>& fds);

/// A sealed memfd with these bytes, at offset 0. memfd_create(2).
Result<Fd> sealed_memory(const char* name, std::span<const std::byte> bytes);

}  // namespace ringfort::platform
