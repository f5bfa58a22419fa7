// A machine that lacks something: runs a program under a seccomp filter in which chosen system
// calls fail, as on an old kernel (ENOSYS), where a feature is switched off (EOPNOTSUPP), or in a
// container engine's sandbox (EPERM).
//
//   deny_calls [CALL=ERRNO | --hide DIR | --read-only DIR]... -- PROGRAM [ARG]...
//
// `unshare` and `clone` fail only when they ask for a new namespace; `netns` is an unshare that
// asks for a network namespace. The last two options need root: DIR is empty, or can't be written
// below.
#define _GNU_SOURCE
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { kMost = 32 };

static const struct {
  const char* name;
  long number;
} calls[] = {{"landlock_create_ruleset", SYS_landlock_create_ruleset},
             {"landlock_add_rule", SYS_landlock_add_rule},
             {"landlock_restrict_self", SYS_landlock_restrict_self},
             {"seccomp", SYS_seccomp},
             {"unshare", SYS_unshare},
             {"netns", SYS_unshare},
             {"clone", SYS_clone},
             {"clone3", SYS_clone3},
             {"pidfd_open", SYS_pidfd_open},
             {"close_range", SYS_close_range},
             {"openat2", SYS_openat2},
             {"memfd_create", SYS_memfd_create},
             {"mount", SYS_mount}};

static const struct {
  const char* name;
  int number;
} errors[] = {{"ENOSYS", ENOSYS}, {"EPERM", EPERM}, {"EOPNOTSUPP", EOPNOTSUPP}, {"ENOSPC", ENOSPC}};

static const unsigned kNamespaces = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC |
                                    CLONE_NEWUTS | CLONE_NEWNET | CLONE_NEWCGROUP;

static void leave(const char* what, const char* about) {
  fprintf(stderr, "deny_calls: %s: %s\n", what, about);
  exit(99);
}

static struct sock_filter program[kMost * 6 + 2];
static unsigned short length;

static void add(unsigned short code, unsigned char yes, unsigned char no, unsigned k) {
  program[length++] = (struct sock_filter){code, yes, no, k};
}

static void deny(const char* text) {
  const char* equals = strchr(text, '=');
  long number = -1;
  int error = -1;
  if (equals == NULL) leave("not CALL=ERRNO", text);
  for (size_t i = 0; i < sizeof calls / sizeof *calls; ++i)
    if (strlen(calls[i].name) == (size_t)(equals - text) &&
        memcmp(calls[i].name, text, (size_t)(equals - text)) == 0)
      number = calls[i].number;
  for (size_t i = 0; i < sizeof errors / sizeof *errors; ++i)
    if (strcmp(errors[i].name, equals + 1) == 0) error = errors[i].number;
  if (number < 0 || error < 0) leave("no such call or error", text);

  const int by_flags = number == SYS_clone || number == SYS_unshare;
  add(BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(struct seccomp_data, nr));
  add(BPF_JMP | BPF_JEQ | BPF_K, 0, by_flags ? 3 : 1, (unsigned)number);
  if (by_flags) {  // the low half of the first argument
    add(BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(struct seccomp_data, args));
    const unsigned flags = strncmp(text, "netns=", 6) == 0 ? CLONE_NEWNET : kNamespaces;
    add(BPF_JMP | BPF_JSET | BPF_K, 0, 1, flags);
  }
  add(BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ERRNO | (unsigned)error);
}

static void change_mounts(void) {
  static int is_done;
  if (is_done) return;
  is_done = 1;
  if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
    leave("cannot have mounts of its own", strerror(errno));
}

static void hide(const char* directory) {
  change_mounts();
  if (mount("none", directory, "tmpfs", MS_RDONLY, NULL) != 0) leave(directory, strerror(errno));
}

static void protect(const char* directory) {
  struct mount_attr {
    unsigned long long set, clear, propagation, userns_fd;
  } attributes = {.set = 1 /* MOUNT_ATTR_RDONLY */};
  change_mounts();
  if (syscall(SYS_mount_setattr, AT_FDCWD, directory, 0x8000 /* AT_RECURSIVE */, &attributes,
              sizeof attributes) != 0)
    leave(directory, strerror(errno));
}

int main(int count, char** arguments) {
  int at = 1;
  for (; at < count && strcmp(arguments[at], "--") != 0; ++at) {
    if (at + 1 < count && strcmp(arguments[at], "--hide") == 0)
      hide(arguments[++at]);
    else if (at + 1 < count && strcmp(arguments[at], "--read-only") == 0)
      protect(arguments[++at]);
    else if (length < kMost * 6)
      deny(arguments[at]);
  }
  if (at + 1 >= count) leave("no program", "write -- PROGRAM");
  add(BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW);
  const struct sock_fprog filter = {length, program};
  // Root needs no promise, and a program that changes its user would break it.
  if (geteuid() != 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
    leave("prctl", strerror(errno));
  if (length > 1 && syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter) != 0)
    leave("seccomp", strerror(errno));
  execvp(arguments[at + 1], arguments + at + 1);
  leave(arguments[at + 1], strerror(errno));
}
