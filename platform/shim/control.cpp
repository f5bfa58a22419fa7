#include "ringfort/platform/shim/control.hpp"

#include "ringfort/platform/shim/sys.hpp"

#include <cstring>

#include <sys/socket.h>

namespace ringfort::shim {

long receive(int connection_fd, Incoming& incoming) {
  iovec part{&incoming.request, sizeof incoming.request};
  alignas(cmsghdr) char space[CMSG_SPACE(sizeof(int) * 4)];
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = space;
  message.msg_controllen = sizeof space;
  incoming.fd_count = 0;
  const long size = sys(SYS_recvmsg, connection_fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  if (size == -EAGAIN || size == -EINTR) return -EAGAIN;
  if (size <= 0) return 0;
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr;
       header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    incoming.fd_count = static_cast<int>((header->cmsg_len - CMSG_LEN(0)) / sizeof(int));
    std::memcpy(incoming.fds, CMSG_DATA(header),
                sizeof(int) * static_cast<std::size_t>(incoming.fd_count));
  }
  if (size != sizeof incoming.request)
    incoming.request.version = 0;  // refused as an unknown version
  return 1;
}

void send_reply(int connection_fd, wire::ControlReply reply) {
  reply.version = wire::kProtocolVersion;
  // A client that does not read its answers loses them; the shim never waits for anyone.
  sys(SYS_sendto, connection_fd, &reply, sizeof reply, MSG_DONTWAIT | MSG_NOSIGNAL, nullptr, 0);
}

int accept_client(int listener_fd) {
  const long fd = sys(SYS_accept4, listener_fd, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (fd < 0) return -1;
  ucred peer{};
  socklen_t size = sizeof peer;
  const long asked = sys(SYS_getsockopt, fd, SOL_SOCKET, SO_PEERCRED, &peer, &size);
  if (asked == 0 && (peer.uid == 0 || peer.uid == ::getuid())) return static_cast<int>(fd);
  sys(SYS_close, fd);
  return -1;
}

}  // namespace ringfort::shim
