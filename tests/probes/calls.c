// System calls that a sandbox should refuse, on nothing but the probe itself and its children.
// Outside of a sandbox most are "ok".
#include "probe.h"

#include <fcntl.h>
#include <linux/perf_event.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>

static long unshare_user(void) { return done(syscall(SYS_unshare, CLONE_NEWUSER)); }
static long unshare_files(void) { return done(syscall(SYS_unshare, CLONE_FILES | CLONE_FS)); }
static long clone_user(void) {
  const long pid = syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0);
  if (pid == 0) _exit(0);
  return done(pid);
}
static long clone3_user(void) {
  const unsigned long long arguments[8] = {CLONE_NEWUSER, 0, 0, 0, SIGCHLD, 0, 0, 0};
  const long pid = syscall(SYS_clone3, arguments, sizeof arguments);
  if (pid == 0) _exit(0);
  return done(pid);
}
static long setns_own(void) {  // even the own one: a pidfd of oneself names it
  const long fd = syscall(SYS_pidfd_open, getpid(), 0);
  return fd < 0 ? errno : done(syscall(SYS_setns, fd, CLONE_NEWUTS));
}
static long keyring(void) { return done(syscall(SYS_keyctl, 0 /* GET_KEYRING_ID */, -2, 1)); }
static long add_key(void) {
  return done(syscall(SYS_add_key, "user", "ringfort-test", "x", 1UL, -2 /* process keyring */));
}
static long shm(void) {
  const int id = shmget(IPC_PRIVATE, 4096, 0600);
  if (id >= 0) shmctl(id, IPC_RMID, 0);
  return done(id);
}
static long sti(void) { return done(syscall(SYS_ioctl, 0, 0x5412, "x")); }
static long sti_high(void) { return done(syscall(SYS_ioctl, 0, 0xdeadbeef00005412UL, "x")); }
static long tioclinux(void) { return done(syscall(SYS_ioctl, 0, 0x541c, "\2")); }
static long window(void) {
  struct winsize size;
  return done(syscall(SYS_ioctl, 0, TIOCGWINSZ, &size));
}
static long uring(void) {
  char parameters[120] = {0};
  return done(syscall(SYS_io_uring_setup, 1, parameters));
}
static long fs_open(void) { return done(syscall(SYS_fsopen, "tmpfs", 0)); }
static long open_tree(void) { return done(syscall(SYS_open_tree, AT_FDCWD, "/", 0)); }
static long mount_attributes(void) {
  const unsigned long long none[4] = {0, 0, 0, 0};
  return done(syscall(SYS_mount_setattr, AT_FDCWD, "/", 0, none, sizeof none));
}
static long trace(void) { return done(syscall(SYS_ptrace, PTRACE_SEIZE, other, 0, 0)); }
static long peek(void) {
  char byte;
  struct iovec here = {&byte, 1}, there = {(void*)&other, 1};
  return done(syscall(SYS_process_vm_readv, other, &here, 1, &there, 1, 0));
}
static long take_fd(void) {
  const long fd = syscall(SYS_pidfd_open, other, 0);
  return fd < 0 ? errno : done(syscall(SYS_pidfd_getfd, fd, 0, 0));
}
static long compare(void) { return done(syscall(SYS_kcmp, getpid(), other, 1 /* VM */, 0, 0)); }
static long perf(void) {
  struct perf_event_attr about = {.type = PERF_TYPE_SOFTWARE, .size = sizeof about};
  about.exclude_kernel = about.exclude_hv = 1;
  return done(syscall(SYS_perf_event_open, &about, 0, -1, -1, 0));
}
static long faults(void) { return done(syscall(SYS_userfaultfd, 1 /* USER_MODE_ONLY */)); }
static long bpf(void) { return done(syscall(SYS_bpf, 0 /* MAP_CREATE */, "", 0)); }
static long limit_other(void) {
  const struct rlimit limit = {64, 64};
  return done(syscall(SYS_prlimit64, other, RLIMIT_NOFILE, &limit, 0));
}
static long limit_read(void) {
  struct rlimit limit;
  return done(syscall(SYS_prlimit64, other, RLIMIT_NOFILE, 0, &limit));
}
static long limit_self(void) {
  const struct rlimit limit = {64, 64};
  return done(syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, &limit, 0));
}
static long nice_other(void) { return done(syscall(SYS_setpriority, PRIO_PROCESS, other, 10)); }
static long nice_user(void) {  // nobody has this uid: with 0 it would be all of one's own
  return done(syscall(SYS_setpriority, PRIO_USER, 999999999, 0));
}
static long io_user(void) {  // no such class: the kernel looks at that first
  return done(syscall(SYS_ioprio_set, 3 /* USER */, 0, 7 << 13));
}
static long nice_self(void) { return done(syscall(SYS_setpriority, PRIO_PROCESS, 0, 10)); }
static long pin(pid_t pid) {
  unsigned long mask[16];
  const long size = syscall(SYS_sched_getaffinity, 0, sizeof mask, mask);
  return size < 0 ? errno : done(syscall(SYS_sched_setaffinity, pid, size, mask));
}
static long pin_other(void) { return pin(other); }
static long pin_self(void) { return pin(0); }
static long persona(void) { return done(syscall(SYS_personality, ADDR_NO_RANDOMIZE)); }
static long unix_socket(void) { return done(socket(AF_UNIX, SOCK_STREAM, 0)); }
static long pair(void) {
  int ends[2];
  return done(socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
}
static long memory_file(void) { return done(memfd_create("x", 0)); }
static long future(void) { return done(syscall(1000)); }
static long negative(void) { return done(syscall(-1)); }
#if defined(__x86_64__)
static long x32(void) { return done(syscall(0x40000000 | SYS_getpid)); }
static long i386(void) {
  long result;
  __asm__ volatile("int $0x80" : "=a"(result) : "a"(20L /* getpid */) : "memory");
  return result < 0 ? -result : 0;
}
#endif

const struct attempt calls[] = {
    {"unshare-user", unshare_user},
    {"unshare-files", unshare_files},
    {"clone-user", clone_user},
    {"clone3-user", clone3_user},
    {"setns", setns_own},
    {"keyctl", keyring},
    {"add_key", add_key},
    {"shmget", shm},
    {"tiocsti", sti},
    {"tiocsti-high", sti_high},
    {"tioclinux", tioclinux},
    {"window", window},
    {"io_uring", uring},
    {"fsopen", fs_open},
    {"open_tree", open_tree},
    {"mount_setattr", mount_attributes},
    {"ptrace", trace},
    {"process_vm_readv", peek},
    {"pidfd_getfd", take_fd},
    {"kcmp", compare},
    {"perf_event_open", perf},
    {"userfaultfd", faults},
    {"bpf", bpf},
    {"prlimit-other", limit_other},
    {"prlimit-read", limit_read},
    {"prlimit-self", limit_self},
    {"setpriority-other", nice_other},
    {"setpriority-user", nice_user},
    {"ioprio-user", io_user},
    {"setpriority-self", nice_self},
    {"affinity-other", pin_other},
    {"affinity-self", pin_self},
    {"personality", persona},
    {"socket", unix_socket},
    {"socketpair", pair},
    {"memfd_create", memory_file},
    {"future", future},
    {"negative", negative},
#if defined(__x86_64__)
    {"x32", x32},
    {"i386", i386},
#endif
    {0, 0},
};
