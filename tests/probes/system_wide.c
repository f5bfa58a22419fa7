// Attempts on the kernel and on the machine as a whole, on rights, and on what a program was given.
#include "probe.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <mqueue.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/io.h>
#include <sys/ioctl.h>
#include <sys/klog.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timex.h>
#include <time.h>

#define NAMESPACE(name, flag) \
  static long name(void) { return done(unshare(flag)); }
NAMESPACE(unshare_mounts, CLONE_NEWNS)
NAMESPACE(unshare_pids, CLONE_NEWPID)
NAMESPACE(unshare_network, CLONE_NEWNET)
NAMESPACE(unshare_ipc, CLONE_NEWIPC)
NAMESPACE(unshare_names, CLONE_NEWUTS)
NAMESPACE(unshare_cgroups, CLONE_NEWCGROUP)
NAMESPACE(unshare_time, 0x80)
NAMESPACE(unshare_user_and_mounts, CLONE_NEWUSER | CLONE_NEWNS)

static long clone_mounts(void) {
  const long pid = syscall(SYS_clone, CLONE_NEWNS | SIGCHLD, 0, 0, 0, 0);
  if (pid == 0) _exit(0);
  return done(pid);
}
static long setns_path(void) {
  const int fd = open(words[0], O_RDONLY);
  return fd < 0 ? errno : done(setns(fd, 0));
}
static long mount_tmpfs(void) { return done(mount("none", words[0], "tmpfs", 0, 0)); }
static long mount_proc(void) { return done(mount("none", words[0], "proc", 0, 0)); }
static long bind_mount(void) { return done(mount(words[0], words[1], 0, MS_BIND, 0)); }
static long remount(void) { return done(mount(0, "/", 0, MS_REMOUNT | MS_BIND, 0)); }
static long unmount(void) { return done(umount2(words[0], MNT_DETACH)); }
static long move_mounts(void) {
  return done(syscall(429 /* move_mount */, AT_FDCWD, words[0], AT_FDCWD, words[1], 0));
}
static long fs_pick(void) { return done(syscall(433 /* fspick */, AT_FDCWD, "/", 0)); }
static long change_root(void) { return done(chroot(words[0])); }

static long shared_memory(void) { return done(shmget((key_t)number(0), 0, 0)); }
static long semaphores(void) { return done(semget((key_t)number(0), 0, 0)); }
static long messages(void) { return done(msgget((key_t)number(0), 0)); }
static long message_queue(void) { return done(mq_open(words[0], O_RDONLY)); }
static long posix_memory(void) { return done(shm_open(words[0], O_RDONLY, 0)); }

static long join_session(void) { return done(syscall(SYS_keyctl, 1 /* JOIN_SESSION */, 0)); }
static long session_to_parent(void) { return done(syscall(SYS_keyctl, 18)); }
static long request_key(void) {
  return done(syscall(SYS_request_key, "user", "x", 0, 0)) == ENOKEY ? 0 : errno;
}

static long set_clock(void) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return done(clock_settime(CLOCK_REALTIME, &now));
}
static long adjust_clock(void) {
  struct timex change = {.modes = ADJ_TICK, .tick = 10000};
  return done(adjtimex(&change));
}
static long host_name(void) {
  char name[256];
  if (gethostname(name, sizeof name) != 0) return errno;
  return done(sethostname(name, strlen(name)));
}
static long kernel_log(void) {
  char text[64];
  return done(klogctl(3, text, sizeof text));
}
static long ports_of_machine(void) { return done(iopl(3)); }
static long port_of_machine(void) { return done(ioperm(0x80, 1, 1)); }
// With arguments that fail after the check of rights: EFAULT, EINVAL or ENOENT tell that it passed.
static long past_rights(long result, int passed) {
  return result < 0 && errno == passed ? 0 : done(result);
}
static long pivot(void) {
  const long result = syscall(SYS_pivot_root, words[0], words[0]);
  return result < 0 && errno == EBUSY ? 0 : past_rights(result, EINVAL);
}
static long init_module(void) { return past_rights(syscall(SYS_init_module, 0, 1L, ""), EFAULT); }
static long finit_module(void) { return past_rights(syscall(SYS_finit_module, -1, "", 0), EBADF); }
static long delete_module(void) {
  return past_rights(syscall(SYS_delete_module, "no-such-module", 04000), ENOENT);
}
static long kexec(void) { return past_rights(syscall(SYS_kexec_load, 0L, 1000L, 0, 0L), EINVAL); }
static long reboot_it(void) { return past_rights(syscall(SYS_reboot, 0, 0, 0, 0), EINVAL); }
static long swap_on(void) { return past_rights(syscall(SYS_swapon, "/no-such-file", 0), ENOENT); }
static long account(void) { return past_rights(syscall(SYS_acct, "/no-such-file"), ENOENT); }
static long quota(void) {
  return past_rights(syscall(SYS_quotactl, 0x800002 << 8, "/no-such-file", 0, 0), ENOENT);
}
static long hang_up(void) { return done(syscall(SYS_vhangup)); }
static long real_time(void) {
  const struct sched_param one = {.sched_priority = 1};
  return done(sched_setscheduler(0, SCHED_FIFO, &one));
}
static long less_nice(void) { return done(setpriority(PRIO_PROCESS, 0, -5)); }
static long raise_limit(void) {
  struct rlimit now;
  if (getrlimit(RLIMIT_RTPRIO, &now) != 0) return errno;
  now.rlim_max += 1;
  return done(setrlimit(RLIMIT_RTPRIO, &now));
}
static long lock_memory(void) {
  const size_t size = 256UL << 20;
  void* room = mmap(0, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return done(mlock2(room, size, 1 /* ONFAULT */));
}

static long become_root(void) { return getuid() == 0 ? 0 : done(setuid(0)); }
static long become_group(void) { return getgid() == 0 ? 0 : done(setgid(0)); }
static long drop_groups(void) { return done(setgroups(0, 0)); }
static long any_capability(void) {
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct sets[2] = {{0, 0, 0}, {0, 0, 0}};
  if (syscall(SYS_capget, &header, sets) != 0) return errno;
  for (int i = 0; i < 2; ++i)
    if (sets[i].effective | sets[i].permitted | sets[i].inheritable) return 0;
  for (int one = 0; one < 41; ++one)
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, one, 0, 0) == 1) return 0;
  return EPERM;
}
static long bounding_capability(void) {
  for (int one = 0; one < 41; ++one)
    if (prctl(PR_CAPBSET_READ, one, 0, 0, 0) == 1) return 0;
  return EPERM;
}
static long new_privileges(void) { return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 0 ? 0 : EPERM; }
static long no_filter(void) { return prctl(PR_GET_SECCOMP, 0, 0, 0, 0) == 0 ? 0 : EPERM; }

static long open_descriptor(void) {
  for (int fd = 3; fd < 4096; ++fd)
    if (fcntl(fd, F_GETFD) >= 0) return 0;
  return EBADF;
}
static long variable(void) { return getenv(words[0]) ? 0 : ENOENT; }
/// Is there anything above the working directory that is not below "/"?
static long directory_outside(void) {
  char path[4096];
  return syscall(SYS_getcwd, path, sizeof path) > 0 && path[0] != '/' ? 0 : ENOENT;
}

/// Types into one's own terminal what the next to read from it gets.
static long type_into(unsigned long request) {
  const int master = posix_openpt(O_RDWR | O_NOCTTY);
  if (master < 0 || grantpt(master) != 0 || unlockpt(master) != 0) return errno;
  setsid();
  const int slave = open(ptsname(master), O_RDWR);
  if (slave < 0) return errno;
  ioctl(slave, TIOCSCTTY, 0);
  return done(syscall(SYS_ioctl, slave, request, "x"));
}
static long type_there(void) { return type_into(0x5412); }
static long type_high(void) { return type_into(0xdeadbeef00005412UL); }
static long own_terminal(void) { return done(open("/dev/tty", O_RDWR)); }

const struct attempt system_wide[] = {
    {"unshare-mounts", unshare_mounts},
    {"unshare-pids", unshare_pids},
    {"unshare-network", unshare_network},
    {"unshare-ipc", unshare_ipc},
    {"unshare-names", unshare_names},
    {"unshare-cgroups", unshare_cgroups},
    {"unshare-time", unshare_time},
    {"unshare-user-and-mounts", unshare_user_and_mounts},
    {"clone-mounts", clone_mounts},
    {"setns-path", setns_path},
    {"mount-tmpfs", mount_tmpfs},
    {"mount-proc", mount_proc},
    {"bind-mount", bind_mount},
    {"remount", remount},
    {"unmount", unmount},
    {"move-mount", move_mounts},
    {"fspick", fs_pick},
    {"pivot-root", pivot},
    {"chroot", change_root},
    {"shm-of", shared_memory},
    {"sem-of", semaphores},
    {"msg-of", messages},
    {"mq-of", message_queue},
    {"posix-shm-of", posix_memory},
    {"join-session", join_session},
    {"session-to-parent", session_to_parent},
    {"request-key", request_key},
    {"set-clock", set_clock},
    {"adjust-clock", adjust_clock},
    {"sethostname", host_name},
    {"syslog", kernel_log},
    {"iopl", ports_of_machine},
    {"ioperm", port_of_machine},
    {"init-module", init_module},
    {"finit-module", finit_module},
    {"delete-module", delete_module},
    {"kexec", kexec},
    {"reboot", reboot_it},
    {"swapon", swap_on},
    {"acct", account},
    {"quotactl", quota},
    {"vhangup", hang_up},
    {"real-time", real_time},
    {"less-nice", less_nice},
    {"raise-limit", raise_limit},
    {"lock-memory", lock_memory},
    {"become-root", become_root},
    {"become-group", become_group},
    {"drop-groups", drop_groups},
    {"any-capability", any_capability},
    {"bounding-capability", bounding_capability},
    {"new-privileges", new_privileges},
    {"no-filter", no_filter},
    {"open-descriptor", open_descriptor},
    {"variable", variable},
    {"directory-outside", directory_outside},
    {"tiocsti-own", type_there},
    {"tiocsti-own-high", type_high},
    {"terminal", own_terminal},
    {0, 0},
};
