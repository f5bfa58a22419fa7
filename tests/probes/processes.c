// Attempts on other processes: a victim of the same user outside, the shim, a neighbour.
#include "probe.h"

#include <fcntl.h>
#include <linux/perf_event.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>

static char mark = 'm';  // at the same address in a victim that runs this program

static pid_t victim(void) { return (pid_t)number(0); }
static long pidfd(void) { return syscall(SYS_pidfd_open, victim(), 0); }

// SIGWINCH harms nobody.
static long kill_it(void) { return done(kill(victim(), SIGWINCH)); }
static long kill_group(void) { return done(killpg(getpgid(victim()), SIGWINCH)); }
static long kill_thread(void) { return done(syscall(SYS_tgkill, victim(), victim(), SIGWINCH)); }
static long queue_signal(void) {
  const union sigval none = {0};
  return done(sigqueue(victim(), SIGWINCH, none));
}
static long pidfd_signal(void) {
  const long fd = pidfd();
  return fd < 0 ? errno : done(syscall(SYS_pidfd_send_signal, fd, SIGWINCH, 0, 0));
}
/// A descriptor whose owner is to get a signal.
static long owner_signal(void) {
  int ends[2];
  if (pipe(ends) != 0 || fcntl(ends[0], F_SETOWN, victim()) != 0) return errno;
  return done(fcntl(ends[0], F_GETOWN)) || fcntl(ends[0], F_GETOWN) != victim() ? ESRCH : 0;
}
static long attach(void) {
  if (ptrace(PTRACE_ATTACH, victim(), 0, 0) != 0) return errno;
  waitpid(victim(), 0, __WALL);
  return done(ptrace(PTRACE_DETACH, victim(), 0, 0));
}
static long seize(void) { return done(ptrace(PTRACE_SEIZE, victim(), 0, 0)); }
static long read_memory(void) {
  char byte;
  struct iovec here = {&byte, 1}, there = {&mark, 1};
  return done(process_vm_readv(victim(), &here, 1, &there, 1, 0));
}
static long write_memory(void) {
  char byte = 'm';
  struct iovec here = {&byte, 1}, there = {&mark, 1};
  return done(process_vm_writev(victim(), &here, 1, &there, 1, 0));
}
static long take_descriptor(void) {
  const long fd = pidfd();
  return fd < 0 ? errno : done(syscall(SYS_pidfd_getfd, fd, 1, 0));
}
static long open_pidfd(void) { return done(pidfd()); }
static long compare(void) { return done(syscall(SYS_kcmp, getpid(), victim(), 1 /* VM */, 0, 0)); }
static long limit(void) {
  struct rlimit now;
  if (prlimit(victim(), RLIMIT_CORE, 0, &now) != 0) return errno;
  return done(prlimit(victim(), RLIMIT_CORE, &now, 0));
}
static long limit_read(void) {
  struct rlimit now;
  return done(prlimit(victim(), RLIMIT_CORE, 0, &now));
}
static long renice(void) { return done(setpriority(PRIO_PROCESS, (id_t)victim(), 19)); }
static long affinity(void) {
  cpu_set_t mask;
  if (sched_getaffinity(0, sizeof mask, &mask) != 0) return errno;
  return done(sched_setaffinity(victim(), sizeof mask, &mask));
}
static long scheduler(void) {
  const struct sched_param none = {0};
  return done(sched_setscheduler(victim(), SCHED_BATCH, &none));
}
static long io_priority(void) { return done(syscall(SYS_ioprio_set, 1, victim(), (2 << 13) | 7)); }
static long measure(void) {
  struct perf_event_attr about = {.type = PERF_TYPE_SOFTWARE, .size = sizeof about};
  about.exclude_kernel = about.exclude_hv = 1;
  return done(syscall(SYS_perf_event_open, &about, victim(), -1, -1, 0));
}
static long move_pages_of(void) {
  void* page = (void*)((unsigned long)&mark & ~4095UL);
  int status = 0;
  return done(syscall(SYS_move_pages, victim(), 1UL, &page, 0, &status, 0));
}
static long advise(void) {
  const long fd = pidfd();
  if (fd < 0) return errno;
  struct iovec there = {(void*)((unsigned long)&mark & ~4095UL), 4096};
  return done(syscall(SYS_process_madvise, fd, &there, 1UL, MADV_COLD, 0));
}
static long robust_list(void) {
  void* head = 0;
  size_t size = 0;
  return done(syscall(SYS_get_robust_list, victim(), &head, &size));
}
static long session_of(void) { return done(getsid(victim())); }

static int open_of(int flags) {
  char path[128];
  snprintf(path, sizeof path, "/proc/%ld/%s", (long)victim(), words[1]);
  return open(path, flags);
}
static long read_entry(void) {
  const int fd = open_of(O_RDONLY);
  char byte;
  if (fd < 0) return errno;
  const off_t from = strcmp(words[1], "mem") == 0 ? (off_t)&mark : 0;
  const ssize_t size = pread(fd, &byte, 1, from);
  return size == 0 ? ENODATA : done(size);
}
static long list_entry(void) {
  const int fd = open_of(O_RDONLY | O_DIRECTORY);
  char entries[512];
  return fd < 0 ? errno : done(syscall(SYS_getdents64, fd, entries, sizeof entries));
}
static long write_entry(void) {
  const int fd = open_of(O_WRONLY);
  return fd < 0 ? errno : done(write(fd, words[2], strlen(words[2])));
}
static long open_entry(void) { return done(open_of(O_WRONLY)); }
static long read_link(void) {
  char path[128], target[256];
  snprintf(path, sizeof path, "/proc/%ld/%s", (long)victim(), words[1]);
  return done(readlink(path, target, sizeof target));
}
/// Is there any process in /proc but those of this program and the word, its parent?
static long see_any(void) {
  for (long pid = 1; pid < 100000; ++pid) {
    if (pid == number(0)) continue;
    char path[64], text[512] = {0};
    snprintf(path, sizeof path, "/proc/%ld/cmdline", pid);
    const int fd = open(path, O_RDONLY);
    if (fd < 0) continue;
    const ssize_t size = read(fd, text, sizeof text - 1);
    close(fd);
    if (size > 0 && !strstr(text, "probe")) return 0;
  }
  return ESRCH;
}

const struct attempt processes[] = {
    {"kill", kill_it},
    {"killpg", kill_group},
    {"tgkill", kill_thread},
    {"sigqueue", queue_signal},
    {"pidfd-signal", pidfd_signal},
    {"owner-signal", owner_signal},
    {"attach", attach},
    {"seize", seize},
    {"read-memory", read_memory},
    {"write-memory", write_memory},
    {"take-descriptor", take_descriptor},
    {"pidfd-open", open_pidfd},
    {"kcmp-of", compare},
    {"prlimit", limit},
    {"prlimit-get", limit_read},
    {"setpriority", renice},
    {"affinity", affinity},
    {"scheduler", scheduler},
    {"ioprio", io_priority},
    {"perf-of", measure},
    {"move-pages", move_pages_of},
    {"madvise", advise},
    {"robust-list", robust_list},
    {"getsid", session_of},
    {"proc-read", read_entry},
    {"proc-list", list_entry},
    {"proc-write", write_entry},
    {"proc-open", open_entry},
    {"proc-link", read_link},
    {"see-any", see_any},
    {0, 0},
};
