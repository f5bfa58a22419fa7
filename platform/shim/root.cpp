// The container's own root: sources taken first, then a tree of mounts, then the pivot.
// mount_setattr(2), open_tree, move_mount, pivot_root(2).
#include "ringfort/platform/shim/child.hpp"
#include "ringfort/platform/shim/idmap.hpp"
#include "ringfort/platform/shim/overlay.hpp"
#include "ringfort/platform/shim/sys.hpp"

#include <linux/mount.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

// linux/mount.h and sys/mount.h of Debian 12 clash over some names; these few are spelt here.
#ifndef OPEN_TREE_CLONE
#define OPEN_TREE_CLONE 1
#endif
#ifndef OPEN_TREE_CLOEXEC
#define OPEN_TREE_CLOEXEC O_CLOEXEC
#endif
#ifndef AT_RECURSIVE
#define AT_RECURSIVE 0x8000
#endif

namespace ringfort::shim {
namespace {

constexpr std::uint32_t kMaxSteps = 192;
constexpr const char* kEmptyPoint = "/root";  ///< the one directory of the empty mount namespace

long fail_at(Launch& what, wire::Step step, long error, std::uint32_t detail = 0) {
  what.step = step;
  what.error = static_cast<int>(-error);
  what.detail = detail;
  return error;
}

/// Below the new root only, and through no symbolic link: the guest owned this tree once.
long open_beneath(int root_fd, const char* path, std::uint64_t flags) {
  while (*path == '/') ++path;
  open_how how{};
  how.flags = flags | O_CLOEXEC;
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  return sys(SYS_openat2, root_fd, *path == '\0' ? "." : path, &how, sizeof how);
}

/// Opens the directory above `path`'s last component and finds that component.
long open_parent(int root_fd, const char* path, const char** leaf) {
  char parent[4096];
  const char* last = path;
  std::size_t size = 0;
  for (const char* c = path; *c != '\0'; ++c, ++size) {
    if (size + 1 >= sizeof parent) return -ENAMETOOLONG;
    parent[size] = *c;
    if (*c == '/') last = c + 1;
  }
  parent[last - path] = '\0';
  *leaf = last;
  return open_beneath(root_fd, parent, O_PATH | O_DIRECTORY);
}

/// As the container's user where the parent knows nobody else: below an idmapped mount.
long make_directory(const Plan& plan, long parent, const char* leaf) {
  const long made = sys(SYS_mkdirat, parent, leaf, 0755);
  if (made != -EOVERFLOW || !plan.has(wire::kChangeIds)) return made;
  const long group = sys(SYS_setfsgid, plan.header().gid);
  const long user = sys(SYS_setfsuid, plan.header().uid);
  const long again = sys(SYS_mkdirat, parent, leaf, 0755);
  sys(SYS_setfsuid, user);
  sys(SYS_setfsgid, group);
  return again;
}

long make_directories(const Plan& plan, int root_fd, const char* path) {
  char prefix[4096];
  std::size_t size = 0;
  for (const char* c = path;; ++c) {
    if (size + 1 >= sizeof prefix) return -ENAMETOOLONG;
    if ((*c == '/' || *c == '\0') && size > 0 && prefix[size - 1] != '/') {
      prefix[size] = '\0';
      const char* leaf = nullptr;
      long parent = open_parent(root_fd, prefix, &leaf);
      if (parent < 0) return parent;
      const long made = make_directory(plan, parent, leaf);
      sys(SYS_close, parent);
      if (made < 0 && made != -EEXIST) return made;
    }
    if (*c == '\0') return 0;
    prefix[size++] = *c;
  }
}

long make_file(int root_fd, const char* path, const char* content) {
  const char* leaf = nullptr;
  const long parent = open_parent(root_fd, path, &leaf);
  if (parent < 0) return parent;
  const long fd = sys(SYS_openat, parent, leaf, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0644);
  sys(SYS_close, parent);
  if (fd < 0) return fd;
  std::size_t size = 0;
  while (content != nullptr && content[size] != '\0') ++size;
  const long written = size == 0 ? 0 : write_all(static_cast<int>(fd), content, size);
  sys(SYS_close, fd);
  return written;
}

long make_symlink(int root_fd, const char* path, const char* text) {
  const char* leaf = nullptr;
  const long parent = open_parent(root_fd, path, &leaf);
  if (parent < 0) return parent;
  const long made = sys(SYS_symlinkat, text, parent, leaf);
  sys(SYS_close, parent);
  return made == -EEXIST ? 0 : made;
}

long set_attributes(int mount_fd, std::uint32_t flags) {
  mount_attr attr{};
  attr.attr_set = MOUNT_ATTR_NOSUID;
  if ((flags & wire::kWithDevices) == 0) attr.attr_set |= MOUNT_ATTR_NODEV;
  if ((flags & wire::kReadOnly) != 0) attr.attr_set |= MOUNT_ATTR_RDONLY;
  if ((flags & wire::kNoExec) != 0) attr.attr_set |= MOUNT_ATTR_NOEXEC;
  attr.propagation = MS_PRIVATE;
  return sys(SYS_mount_setattr, mount_fd, "", AT_EMPTY_PATH | AT_RECURSIVE, &attr, sizeof attr);
}

long clone_source(const char* path) {
  return sys(SYS_open_tree, AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
}

/// The mount point for a source: made as a directory or an empty file, as the source is.
long make_point(const Plan& plan, int root_fd, const char* target, int source_fd) {
  struct stat status {};
  if (::fstat(source_fd, &status) != 0) return -errno;
  if (S_ISDIR(status.st_mode)) return make_directories(plan, root_fd, target);
  const char* leaf = nullptr;
  char parent[4096];
  std::size_t size = 0;
  for (const char* c = target; *c != '\0'; ++c, ++size) {
    if (size + 1 >= sizeof parent) return -ENAMETOOLONG;
    parent[size] = *c;
    if (*c == '/') leaf = c;
  }
  if (leaf == nullptr) return -EINVAL;
  parent[leaf - target] = '\0';
  const long made = make_directories(plan, root_fd, parent);
  if (made < 0) return made;
  // A file that is there already, perhaps on a read-only mount, serves as it is.
  const long there = open_beneath(root_fd, target, O_PATH);
  if (there >= 0) return sys(SYS_close, there);
  return make_file(root_fd, target, nullptr);
}

/// A fresh one, detached; `options` is "key=value,key=value".
long make_file_system(const char* type, const char* options, std::uint32_t flags) {
  const long context = sys(SYS_fsopen, type, FSOPEN_CLOEXEC);
  if (context < 0) return context;
  char key[32];
  char value[64];
  for (const char* c = options; c != nullptr && *c != '\0';) {
    std::size_t key_size = 0;
    std::size_t value_size = 0;
    while (*c != '\0' && *c != '=' && key_size + 1 < sizeof key) key[key_size++] = *c++;
    if (*c == '=') ++c;
    while (*c != '\0' && *c != ',' && value_size + 1 < sizeof value) value[value_size++] = *c++;
    if (*c == ',') ++c;
    key[key_size] = '\0';
    value[value_size] = '\0';
    const long set = sys(SYS_fsconfig, context, FSCONFIG_SET_STRING, key, value, 0);
    if (set < 0) return sys(SYS_close, context), set;
  }
  const long created = sys(SYS_fsconfig, context, FSCONFIG_CMD_CREATE, nullptr, nullptr, 0);
  if (created < 0) return sys(SYS_close, context), created;
  std::uint64_t attributes = MOUNT_ATTR_NOSUID;
  if ((flags & wire::kWithDevices) == 0) attributes |= MOUNT_ATTR_NODEV;
  if ((flags & wire::kNoExec) != 0) attributes |= MOUNT_ATTR_NOEXEC;
  const long mounted = sys(SYS_fsmount, context, FSMOUNT_CLOEXEC, attributes);
  sys(SYS_close, context);
  return mounted;
}

/// Puts a detached mount onto `target` below the root and closes it.
long attach(long mount_fd, int root_fd, const char* target) {
  if (mount_fd < 0) return mount_fd;
  const long point = open_beneath(root_fd, target, O_PATH);
  if (point < 0) return sys(SYS_close, mount_fd), point;
  const long moved = sys(SYS_move_mount, mount_fd, "", point, "",
                         MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);
  sys(SYS_close, point);
  sys(SYS_close, mount_fd);
  return moved;
}

/// A mount namespace of its own, from which nothing flows back to the host.
long leave_mounts(Launch& what) {
  long result = sys(SYS_unshare, CLONE_NEWNS);
  if (result == 0) result = sys(SYS_mount, nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr);
  return result < 0 ? fail_at(what, wire::Step::MountPrivate, result) : 0;
}

/// As leave_mounts, by way of the zygote's nearly empty namespace: copying the host's costs with
/// the number of its mounts, 0.4 ms for twenty.
long enter_empty_mounts(Launch& what) {
  long result = sys(SYS_setns, what.empty_mounts_fd, CLONE_NEWNS);
  if (result == 0) result = sys(SYS_unshare, CLONE_NEWNS);
  return result < 0 ? fail_at(what, wire::Step::MountPrivate, result) : 0;
}

/// What was taken of the host for one step, before the host goes out of view.
struct Source {
  int mount_fd = -1;
  dev_t device = 0;
};

/// Device nodes are made as root; a user namespace may only bind the host's. mknod(2).
bool makes_device(const Plan& plan, const wire::MountStep& step) {
  return step.kind == wire::MountKind::Device && !plan.has(wire::kUserNamespace);
}

long take_sources(const Plan& plan, Source* sources, Launch& what) {
  const auto& header = plan.header();
  const auto* steps = plan.items<wire::MountStep>(header.mounts);
  for (std::uint32_t i = 0; i < header.mounts.count; ++i) {
    sources[i] = Source{};
    if (makes_device(plan, steps[i])) {
      struct stat status {};
      if (::stat(plan.text(steps[i].source), &status) == 0) sources[i].device = status.st_rdev;
      continue;
    }
    if (steps[i].kind != wire::MountKind::Bind && steps[i].kind != wire::MountKind::Device)
      continue;
    long fd = clone_source(plan.text(steps[i].source));
    if (fd == -ENOENT && (steps[i].flags & wire::kOptional) != 0) continue;
    if (fd >= 0) {
      long set = set_attributes(static_cast<int>(fd), steps[i].flags);
      if (set == 0 && (steps[i].flags & wire::kIdmapped) != 0)
        set = apply_idmap(plan, steps[i], static_cast<int>(fd));
      if (set < 0) fd = set;
    }
    if (fd < 0) return fail_at(what, wire::Step::MountSource, fd, i);
    sources[i].mount_fd = static_cast<int>(fd);
  }
  return 0;
}

/// The container's root as a detached mount.
long take_root(const Plan& plan, Launch& what) {
  const char* path = plan.text(plan.header().root);
  const auto* steps = plan.items<wire::MountStep>(plan.header().mounts);
  if (plan.header().mounts.count > 0 && steps[0].kind == wire::MountKind::Overlay) {
    const long overlay = make_overlay(plan, steps[0]);
    return overlay < 0 ? fail_at(what, wire::Step::MountRoot, overlay) : overlay;
  }
  long mount_fd = plan.has(wire::kRootIsTmpfs) ? make_file_system("tmpfs", "mode=755,size=4m", 0)
                                               : clone_source(path);
  if (mount_fd >= 0 && !plan.has(wire::kRootIsTmpfs)) {
    const long set = set_attributes(static_cast<int>(mount_fd), 0);
    if (set < 0) mount_fd = set;
  }
  return mount_fd < 0 ? fail_at(what, wire::Step::MountRoot, mount_fd) : mount_fd;
}

long make_device(int root_fd, const char* path, dev_t device) {
  if (device == 0) return 0;  // the host has none
  const char* leaf = nullptr;
  const long parent = open_parent(root_fd, path, &leaf);
  if (parent < 0) return parent;
  const mode_t old_mask = ::umask(0);
  const long made = sys(SYS_mknodat, parent, leaf, S_IFCHR | 0666, device);
  ::umask(old_mask);
  sys(SYS_close, parent);
  return made;
}

long make_open_directory(int root_fd, const char* path) {
  const mode_t old_mask = ::umask(0);
  const char* leaf = nullptr;
  long result = open_parent(root_fd, path, &leaf);
  if (result >= 0) {
    const long parent = result;
    result = sys(SYS_mkdirat, parent, leaf, 01777);
    sys(SYS_close, parent);
  }
  ::umask(old_mask);
  return result;
}

long do_step(const Plan& plan, const wire::MountStep& step, int root_fd, const Source& source) {
  const char* target = plan.text(step.target);
  if (makes_device(plan, step)) return make_device(root_fd, target, source.device);
  switch (step.kind) {
    case wire::MountKind::Device:
    case wire::MountKind::Bind:
      if (source.mount_fd < 0) return 0;
      if ((step.flags & wire::kMakePoint) != 0) {
        const long made = make_point(plan, root_fd, target, source.mount_fd);
        if (made < 0) return made;
      }
      return attach(source.mount_fd, root_fd, target);
    case wire::MountKind::Proc:
      return attach(make_file_system("proc", nullptr, wire::kNoExec), root_fd, target);
    case wire::MountKind::Tmpfs:
      if ((step.flags & wire::kMakePoint) != 0) {
        const long made = make_directories(plan, root_fd, target);
        if (made < 0) return made;
      }
      return attach(make_file_system("tmpfs", plan.text(step.data), step.flags), root_fd, target);
    case wire::MountKind::Terminals:
      return attach(make_file_system("devpts", plan.text(step.data), step.flags), root_fd, target);
    case wire::MountKind::Dir:
      return (step.flags & wire::kForAll) != 0 ? make_open_directory(root_fd, target)
                                               : make_directories(plan, root_fd, target);
    case wire::MountKind::File:
      return make_file(root_fd, target, plan.text(step.data));
    case wire::MountKind::Symlink:
      return make_symlink(root_fd, target, plan.text(step.source));
    case wire::MountKind::Overlay:
      return 0;  // the root itself
  }
  return -EINVAL;
}

/// In the zygote's memory and descriptor table, but in a mount namespace of its own: leaves that
/// namespace, emptied, as a descriptor.
int make_empty_mounts(void* argument) {
  auto& result = *static_cast<long*>(argument);
  result = sys(SYS_mount, nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr);
  const long tmpfs = result == 0 ? make_file_system("tmpfs", "mode=755,size=4k", 0) : result;
  if (tmpfs >= 0) {
    const long self = sys(SYS_openat, AT_FDCWD, "/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
    result = sys(SYS_move_mount, tmpfs, "", AT_FDCWD, "/tmp", MOVE_MOUNT_F_EMPTY_PATH);
    if (result == 0) result = sys(SYS_fchdir, tmpfs);
    if (result == 0) result = sys(SYS_mkdirat, tmpfs, kEmptyPoint + 1, 0700);
    if (result == 0) result = sys(SYS_pivot_root, ".", ".");
    if (result == 0) result = sys(SYS_umount2, ".", MNT_DETACH);
    if (result == 0) result = self;
    sys(SYS_close, tmpfs);
  } else {
    result = tmpfs;
  }
  sys(SYS_exit_group, 0);
  return 0;
}

}  // namespace

long empty_mounts() {
  static char stack[32 * 1024] __attribute__((aligned(16)));
  long result = -EPERM;
  const pid_t pid = ::clone(make_empty_mounts, stack + sizeof stack,
                            CLONE_VM | CLONE_VFORK | CLONE_FILES | CLONE_NEWNS | SIGCHLD, &result);
  if (pid < 0) return -errno;
  sys(SYS_wait4, pid, nullptr, 0, nullptr);
  return result;
}

long build_root(const Plan& plan, Launch& what) {
  const auto& header = plan.header();
  if (header.mounts.count > kMaxSteps) return fail_at(what, wire::Step::Plan, -E2BIG);
  Source sources[kMaxSteps];
  // In a user namespace the right to take a mount comes with a mount namespace of its own; as root
  // the host's own is in view, and the copy is made from a nearly empty one afterwards.
  const bool pruned = !plan.has(wire::kUserNamespace) && what.empty_mounts_fd >= 0;
  long result = pruned ? 0 : leave_mounts(what);
  if (result == 0) result = take_sources(plan, sources, what);
  const long root = result == 0 ? take_root(plan, what) : result;
  if (root < 0) return root;
  const int root_fd = static_cast<int>(root);
  if (pruned) {
    result = enter_empty_mounts(what);
    if (result < 0) return result;
  }
  // The descriptor of a detached mount stays a way into it once it is attached.
  result = sys(SYS_move_mount, root_fd, "", AT_FDCWD, pruned ? kEmptyPoint : plan.text(header.root),
               MOVE_MOUNT_F_EMPTY_PATH);
  if (result < 0) return fail_at(what, wire::Step::MountRoot, result);

  const mode_t old_mask = ::umask(0022);
  const auto* steps = plan.items<wire::MountStep>(header.mounts);
  for (std::uint32_t i = 0; i < header.mounts.count; ++i) {
    result = do_step(plan, steps[i], root_fd, sources[i]);
    const bool proc = steps[i].kind == wire::MountKind::Proc;
    if (result < 0)
      return fail_at(what, proc ? wire::Step::MountProc : wire::Step::Mount, result, i);
  }
  ::umask(old_mask);

  if (plan.has(wire::kRootReadOnly)) {
    mount_attr attr{};
    attr.attr_set = MOUNT_ATTR_RDONLY;
    result = sys(SYS_mount_setattr, root_fd, "", AT_EMPTY_PATH, &attr, sizeof attr);
    if (result < 0) return fail_at(what, wire::Step::MountRoot, result);
  }
  // pivot_root(".", ".") stacks the old root on the new one; detaching it leaves the new one.
  if ((result = sys(SYS_fchdir, root_fd)) < 0 || (result = sys(SYS_pivot_root, ".", ".")) < 0 ||
      (result = sys(SYS_umount2, ".", MNT_DETACH)) < 0 || (result = sys(SYS_chdir, "/")) < 0)
    return fail_at(what, wire::Step::Pivot, result);
  return 0;
}

}  // namespace ringfort::shim
