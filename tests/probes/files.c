// Attempts on paths: files of the host, of ringfort, of a neighbour.
#include "probe.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/fanotify.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>

static const char* scratch(void) {
  const char* dir = getenv("TMPDIR");
  return dir ? dir : "/tmp";
}
static long read_from(int fd) {
  char byte;
  if (fd < 0) return errno;
  const ssize_t size = read(fd, &byte, 1);
  return size == 0 ? ENODATA : done(size);
}
static long write_to(int fd) { return fd < 0 ? errno : done(write(fd, "x", 1)); }
static const char* beside(const char* directory, const char* name) {
  static char path[4200];
  snprintf(path, sizeof path, "%s/%s", directory, name);
  return path;
}

/// In one's own directory, and not there.
static const char* fresh(const char* name) {
  const char* path = strdup(beside(scratch(), name));
  unlink(path);
  return path;
}

static long read_file(void) { return read_from(open(words[0], O_RDONLY | O_NONBLOCK)); }
static long write_file(void) { return write_to(open(words[0], O_WRONLY | O_NONBLOCK)); }
static long append(void) { return write_to(open(words[0], O_WRONLY | O_APPEND | O_NONBLOCK)); }
static long open_to_write(void) { return done(open(words[0], O_WRONLY | O_NONBLOCK)); }
static long create(void) {
  return done(open(beside(words[0], "new"), O_CREAT | O_EXCL | O_RDWR, 0600));
}
static long open_truncated(void) { return done(open(words[0], O_WRONLY | O_TRUNC | O_NONBLOCK)); }
static long truncated(void) { return done(truncate(words[0], 0)); }
static long temporary(void) { return write_to(open(words[0], O_TMPFILE | O_RDWR, 0600)); }
static long list(void) {
  char entries[512];
  const int fd = open(words[0], O_RDONLY | O_DIRECTORY);
  return fd < 0 ? errno : done(syscall(SYS_getdents64, fd, entries, sizeof entries));
}
static long unlinked(void) { return done(unlink(words[0])); }
static long rmdir_there(void) { return done(rmdir(words[0])); }
static long mkdir_there(void) { return done(mkdir(beside(words[0], "new"), 0755)); }
static long rename_there(void) { return done(rename(words[0], words[1])); }
static long rename_in(void) { return done(rename(words[0], beside(scratch(), "stolen"))); }
static long rename_out(void) {
  const char* own = fresh("own");
  const int fd = open(own, O_CREAT | O_RDWR, 0600);
  return fd < 0 ? errno : done(rename(own, beside(words[0], "new")));
}
static long exchange(void) {
  return done(syscall(SYS_renameat2, AT_FDCWD, words[0], AT_FDCWD, words[1], 2));
}
static long link_in(void) { return done(link(words[0], fresh("linked"))); }
static long link_there(void) { return done(link(words[0], words[1])); }
static long symlink_there(void) { return done(symlink("/", beside(words[0], "new"))); }
static long mkfifo_there(void) { return done(mkfifo(beside(words[0], "new"), 0600)); }
static long socket_node(void) { return done(mknod(beside(words[0], "new"), S_IFSOCK | 0600, 0)); }
static long device_node(void) {
  // A node that can be made but not opened is harmless.
  const char* node = words[0] ? strdup(beside(words[0], "new")) : fresh("node");
  if (mknod(node, S_IFCHR | 0600, makedev(1, 5)) != 0) return errno;
  return done(open(node, O_RDONLY));
}
static long chmod_there(void) { return done(chmod(words[0], 0700)); }
static long chmodat2(void) {
  return done(syscall(452 /* fchmodat2 */, AT_FDCWD, words[0], 0700, 0));
}
static long chown_there(void) { return done(chown(words[0], getuid(), getgid())); }
static long utimes_there(void) {
  const struct timeval times[2] = {{1, 0}, {1, 0}};
  return done(utimes(words[0], times));
}
static long set_attribute(void) { return done(setxattr(words[0], "user.probe", "x", 1, 0)); }
static long drop_attribute(void) { return done(removexattr(words[0], "user.there")); }
static long stat_there(void) {
  struct stat about;
  return done(stat(words[0], &about));
}
static long access_there(void) { return done(access(words[0], R_OK)); }
static long open_path(void) { return done(open(words[0], O_PATH)); }
static long chdir_there(void) { return done(chdir(words[0])); }
static long readlink_there(void) {
  char target[64];
  return done(readlink(words[0], target, sizeof target));
}
static long statfs_there(void) {
  struct statfs about;
  return done(statfs(words[0], &about));
}
static long execute(void) {
  const pid_t pid = fork();
  if (pid == 0) {
    char* argv[] = {words[0], words[1], 0};
    execv(words[0], argv);
    _exit(errno);
  }
  int status = 0;
  if (pid < 0 || waitpid(pid, &status, 0) != pid) return errno;
  return WIFEXITED(status) ? WEXITSTATUS(status) : EPERM;
}
static long map_code(void) {
  const int fd = open(words[0], O_RDONLY);
  if (fd < 0) return errno;
  return mmap(0, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0) == MAP_FAILED ? errno : 0;
}
static union {
  struct file_handle handle;
  char room[sizeof(struct file_handle) + MAX_HANDLE_SZ];
} its;
static long name_handle(void) {
  its.handle.handle_bytes = MAX_HANDLE_SZ;
  int mount = 0;
  return done(name_to_handle_at(AT_FDCWD, words[0], &its.handle, &mount, 0));
}
static long by_handle(void) {
  const long named = name_handle();
  if (named != 0) return named;
  const int near = open(words[1], O_RDONLY | O_DIRECTORY);
  return read_from(open_by_handle_at(near < 0 ? AT_FDCWD : near, &its.handle, O_RDONLY));
}
static long watch(void) { return done(inotify_add_watch(inotify_init(), words[0], IN_ALL_EVENTS)); }
static long watch_all(void) { return done(fanotify_init(FAN_CLASS_NOTIF, O_RDONLY)); }
static long lock(void) {
  const int fd = open(words[0], O_RDONLY);
  return fd < 0 ? errno : done(flock(fd, LOCK_EX | LOCK_NB));
}
static long bind_there(void) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  snprintf(address.sun_path, sizeof address.sun_path, "%.90s/new", words[0]);
  return done(bind(socket(AF_UNIX, SOCK_STREAM, 0), (struct sockaddr*)&address, sizeof address));
}
static long through_symlink(void) {
  const char* own = fresh("way");
  return symlink(words[0], own) == 0 ? read_from(open(own, O_RDONLY)) : errno;
}
static long write_through_symlink(void) {
  const char* own = fresh("way");
  return symlink(words[0], own) == 0 ? write_to(open(own, O_WRONLY)) : errno;
}
static long by_dots(void) {
  char path[4200];
  snprintf(path, sizeof path, "../../../../../../../../../../../..%s", words[0]);
  return read_from(open(path, O_RDONLY));
}
static long by_proc_root(void) {
  char path[4200];
  snprintf(path, sizeof path, "/proc/self/root%s", words[0]);
  return read_from(open(path, O_RDONLY));
}
static long by_openat2(void) {
  const uint64_t how[3] = {O_RDONLY, 0, 0};
  return read_from((int)syscall(437 /* openat2 */, AT_FDCWD, words[0], how, sizeof how));
}
/// Out of a chroot that is entered below a directory which stays open.
static long by_chroot(void) {
  const int here = open(".", O_RDONLY | O_DIRECTORY);
  const char* below = strdup(beside(scratch(), "below"));
  mkdir(below, 0755);
  if (chroot(below) != 0) return errno;
  if (fchdir(here) != 0) return errno;
  for (int i = 0; i < 64; ++i)
    if (chdir("..") != 0) return errno;
  return read_from(open(words[0] + 1, O_RDONLY));
}
static long keep_setuid(void) {
  const char* own = fresh("raised");
  const int from = open("/proc/self/exe", O_RDONLY);
  const int to = open(own, O_CREAT | O_WRONLY, 0755);
  if (from < 0 || to < 0) return errno;
  char block[65536];
  for (ssize_t size; (size = read(from, block, sizeof block)) > 0;)
    if (write(to, block, (size_t)size) != size) return errno;
  if (fchmod(to, 06755) != 0) return errno;
  struct stat about;
  return fstat(to, &about) == 0 && (about.st_mode & S_ISUID) ? 0 : EPERM;
}

const struct attempt files[] = {
    {"read", read_file},
    {"write", write_file},
    {"append", append},
    {"open-to-write", open_to_write},
    {"create", create},
    {"open-truncated", open_truncated},
    {"truncate", truncated},
    {"tmpfile", temporary},
    {"list", list},
    {"unlink", unlinked},
    {"rmdir", rmdir_there},
    {"mkdir", mkdir_there},
    {"rename", rename_there},
    {"rename-in", rename_in},
    {"rename-out", rename_out},
    {"exchange", exchange},
    {"link-in", link_in},
    {"link", link_there},
    {"symlink", symlink_there},
    {"mkfifo", mkfifo_there},
    {"socket-node", socket_node},
    {"device-node", device_node},
    {"chmod", chmod_there},
    {"fchmodat2", chmodat2},
    {"chown", chown_there},
    {"utimes", utimes_there},
    {"setxattr", set_attribute},
    {"removexattr", drop_attribute},
    {"stat", stat_there},
    {"access", access_there},
    {"open-path", open_path},
    {"chdir", chdir_there},
    {"readlink", readlink_there},
    {"statfs", statfs_there},
    {"execute", execute},
    {"map-code", map_code},
    {"open-by-handle", by_handle},
    {"name-to-handle", name_handle},
    {"inotify", watch},
    {"fanotify", watch_all},
    {"flock", lock},
    {"bind-path", bind_there},
    {"read-through-symlink", through_symlink},
    {"write-through-symlink", write_through_symlink},
    {"read-by-dots", by_dots},
    {"read-by-proc-root", by_proc_root},
    {"read-by-openat2", by_openat2},
    {"read-by-chroot", by_chroot},
    {"keep-setuid", keep_setuid},
    {0, 0},
};
