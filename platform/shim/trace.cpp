#include "ringfort/platform/shim/trace.hpp"

#include "ringfort/platform/shim/audit_arch.hpp"
#include "ringfort/platform/shim/sys.hpp"

#include <cstring>

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/socket.h>

namespace ringfort::shim {
namespace {

/// platform/linux/tracer.cpp knows what each of them names.
constexpr std::uint32_t kTold[] = {
#ifdef SYS_open
    SYS_open,     SYS_creat,         SYS_unlink,    SYS_rmdir,    SYS_mkdir,     SYS_rename,
    SYS_truncate, SYS_link,          SYS_symlink,
#endif
    SYS_openat,   437 /* openat2 */, SYS_execve,    SYS_execveat, SYS_unlinkat,  SYS_mkdirat,
    SYS_connect,  SYS_bind,          SYS_renameat2, SYS_linkat,   SYS_symlinkat,
};
constexpr std::size_t kCount = sizeof kTold / sizeof kTold[0];

/// Sends `fd` with one byte, as a datagram without data would carry none.
long send_descriptor(int socket_fd, int fd) {
  char byte = 0;
  iovec part{&byte, 1};
  alignas(cmsghdr) char space[CMSG_SPACE(sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = space;
  message.msg_controllen = sizeof space;
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int));
  std::memcpy(CMSG_DATA(header), &fd, sizeof fd);
  const long sent = sys(SYS_sendmsg, socket_fd, &message, MSG_NOSIGNAL);
  return sent < 0 ? sent : 0;
}

}  // namespace

long hand_out_trace(int socket_fd) {
  sock_filter code[kCount + 6];  // what stands around the list
  std::size_t size = 0;
  code[size++] = BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, arch));
  code[size++] = BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, kArch, 1, 0);
  code[size++] = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);  // the other filter kills it
  code[size++] = BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr));
  for (std::size_t i = 0; i < kCount; ++i)
    code[size++] =
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, kTold[i], static_cast<std::uint8_t>(kCount - i), 0);
  code[size++] = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
  code[size++] = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF);
  const sock_fprog program{static_cast<unsigned short>(size), code};
  const long listener =
      sys(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
  if (listener < 0) return listener;
  const long sent = send_descriptor(socket_fd, static_cast<int>(listener));
  sys(SYS_close, listener);
  return sent;
}

}  // namespace ringfort::shim
