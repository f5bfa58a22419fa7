#include "ringfort/platform/shim/fd_message.hpp"

#include "ringfort/platform/shim/sys.hpp"

#include <cstring>

#include <sys/socket.h>

namespace ringfort::shim {
namespace {

constexpr int kMost = 80;

}  // namespace

long send_fds(int socket_fd, const void* bytes, std::size_t size, const int* fds, int count) {
  if (count > kMost) return -E2BIG;
  iovec part{const_cast<void*>(bytes), size};
  alignas(cmsghdr) char space[CMSG_SPACE(sizeof(int) * kMost)] = {};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  if (count > 0) {
    const auto length = sizeof(int) * static_cast<std::size_t>(count);
    message.msg_control = space;
    message.msg_controllen = CMSG_SPACE(length);
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(length);
    std::memcpy(CMSG_DATA(header), fds, length);
  }
  for (;;) {
    const long sent = sys(SYS_sendmsg, socket_fd, &message, MSG_NOSIGNAL);
    if (sent != -EINTR) return sent < 0 ? sent : 0;
  }
}

long receive_fds(int socket_fd, void* bytes, std::size_t size, int* fds, int most, int& count) {
  iovec part{bytes, size};
  alignas(cmsghdr) char space[CMSG_SPACE(sizeof(int) * kMost)];
  count = 0;
  for (;;) {
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = space;
    message.msg_controllen = sizeof space;
    const long received = sys(SYS_recvmsg, socket_fd, &message, MSG_CMSG_CLOEXEC);
    if (received == -EINTR) continue;
    const cmsghdr* header = received > 0 ? CMSG_FIRSTHDR(&message) : nullptr;
    if (header == nullptr) return received;
    const auto there = static_cast<int>((header->cmsg_len - CMSG_LEN(0)) / sizeof(int));
    for (int i = 0; i < there; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(header) + sizeof(int) * static_cast<std::size_t>(i), sizeof fd);
      if (count < most) {
        fds[count++] = fd;
      } else {
        ::close(fd);
      }
    }
    return received;
  }
}

}  // namespace ringfort::shim
