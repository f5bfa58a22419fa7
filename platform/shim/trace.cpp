#include "ringfort/platform/shim/trace.hpp"

#include "ringfort/platform/shim/audit_arch.hpp"
#include "ringfort/platform/shim/fd_message.hpp"
#include "ringfort/platform/shim/sys.hpp"

#include <cstddef>

#include <linux/filter.h>
#include <linux/seccomp.h>

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
  const char word = 0;  // a message without data would carry no descriptor
  const int fd = static_cast<int>(listener);
  const long sent = send_fds(socket_fd, &word, sizeof word, &fd, 1);
  sys(SYS_close, listener);
  return sent;
}

}  // namespace ringfort::shim
