#include "ringfort/platform/shim/idmap.hpp"

#include "ringfort/platform/shim/sys.hpp"

#include <linux/mount.h>
#include <sched.h>
#include <sys/wait.h>

#ifndef AT_RECURSIVE
#define AT_RECURSIVE 0x8000
#endif

namespace ringfort::shim {
namespace {

long write_map(pid_t pid, const char* leaf, std::uint32_t inside, std::uint32_t outside) {
  char path[64];
  proc_path(path, pid, leaf);
  const long fd = sys(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return fd;
  char line[40];
  std::size_t size = put_decimal(line, inside);
  line[size++] = ' ';
  size += put_decimal(line + size, outside);
  line[size++] = ' ';
  line[size++] = '1';
  const long written = write_all(static_cast<int>(fd), line, size);
  sys(SYS_close, fd);
  return written;
}

/// A user namespace in which `inside` is `outside`, for an idmapped mount: a throw-away child holds
/// it while its maps are written. mount_setattr(2), "ID-mapped mounts".
long idmap_namespace(const wire::MountStep& step, std::uint32_t uid_outside,
                     std::uint32_t gid_outside) {
  int told[2];
  int held[2];
  if (::pipe2(told, O_CLOEXEC) != 0) return -errno;
  if (::pipe2(held, O_CLOEXEC) != 0)
    return sys(SYS_close, told[0]), sys(SYS_close, told[1]), -EMFILE;
  const long pid = fork_into(CLONE_NEWUSER);
  if (pid == 0) {
    // Only the child knows its name in the host's /proc when this PID namespace is not the host's.
    const pid_t self = host_pid();
    sys(SYS_write, told[1], &self, sizeof self);
    sys(SYS_close, held[1]);
    char end = 0;
    sys(SYS_read, held[0], &end, 1UL);
    sys(SYS_exit_group, 0);
  }
  sys(SYS_close, told[1]);
  sys(SYS_close, held[0]);
  pid_t named = 0;
  long result = pid;
  if (pid > 0 && sys(SYS_read, told[0], &named, sizeof named) == sizeof named) {
    char path[64];
    result = write_map(named, "uid_map", step.idmap_uid, uid_outside);
    if (result == 0) result = write_map(named, "gid_map", step.idmap_gid, gid_outside);
    proc_path(path, named, "ns/user");
    if (result == 0) result = sys(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
  }
  sys(SYS_close, told[0]);
  sys(SYS_close, held[1]);
  if (pid > 0) sys(SYS_wait4, pid, nullptr, 0, nullptr);
  return result;
}

}  // namespace

long apply_idmap(const Plan& plan, const wire::MountStep& step, int mount_fd) {
  const long map = idmap_namespace(step, plan.header().uid, plan.header().gid);
  if (map < 0) return map;
  mount_attr attr{};
  attr.attr_set = MOUNT_ATTR_IDMAP;
  attr.userns_fd = static_cast<std::uint64_t>(map);
  const long set =
      sys(SYS_mount_setattr, mount_fd, "", AT_EMPTY_PATH | AT_RECURSIVE, &attr, sizeof attr);
  sys(SYS_close, map);
  return set;
}

}  // namespace ringfort::shim
