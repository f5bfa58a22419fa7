#include "ringfort/platform/shim/overlay.hpp"

#include "ringfort/platform/shim/idmap.hpp"
#include "ringfort/platform/shim/sys.hpp"

#include <linux/mount.h>
#include <sched.h>
#include <sys/mount.h>

#ifndef OPEN_TREE_CLONE
#define OPEN_TREE_CLONE 1
#endif

namespace ringfort::shim {
namespace {

constexpr int kLookOnly = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

/// A volatile overlay leaves this behind, and no other may then be mounted on the same `work`. What
/// it warns of, a machine that went down in between, is no promise of ours below durability full.
void clear_mark(int base_fd) {
  sys(SYS_unlinkat, base_fd, "work/work/incompat/volatile/dirty", 0);
  sys(SYS_unlinkat, base_fd, "work/work/incompat/volatile", AT_REMOVEDIR);
  sys(SYS_unlinkat, base_fd, "work/work/incompat", AT_REMOVEDIR);
}

/// Descriptors have short names; paths may hold what separates options, and be too long for one.
long set_directory(int context, const char* key, int fd, const char* below) {
  char path[64];
  const char* const self = "/proc/self/fd/";
  std::size_t size = 0;
  for (const char* c = self; *c != '\0'; ++c) path[size++] = *c;
  size += put_decimal(path + size, static_cast<std::uint64_t>(fd));
  for (const char* c = below; *c != '\0'; ++c) path[size++] = *c;
  path[size] = '\0';
  return sys(SYS_fsconfig, context, FSCONFIG_SET_STRING, key, path, 0);
}

long set_flag(int context, const char* key) {
  return sys(SYS_fsconfig, context, FSCONFIG_SET_FLAG, key, nullptr, 0);
}

long set_text(int context, const char* key, const char* value) {
  return sys(SYS_fsconfig, context, FSCONFIG_SET_STRING, key, value, 0);
}

/// Nothing that a layer's extended attributes say is believed but which directories are opaque.
long configure(const Plan& plan, int context, int lower_fd, int base_fd) {
  long result = set_directory(context, "lowerdir", lower_fd, "");
  if (result == 0) result = set_directory(context, "upperdir", base_fd, "/upper");
  if (result == 0) result = set_directory(context, "workdir", base_fd, "/work");
  if (result == 0) result = set_text(context, "redirect_dir", "nofollow");
  if (result == 0) result = set_text(context, "metacopy", "off");
  if (result == 0) result = set_text(context, "index", "off");
  if (result == 0 && plan.has(wire::kUserNamespace)) result = set_flag(context, "userxattr");
  // Else its end would write out the whole file system below: ten times the price of a container.
  if (result == 0 && !plan.has(wire::kSynced)) result = set_flag(context, "volatile");
  if (result == 0) result = sys(SYS_fsconfig, context, FSCONFIG_CMD_CREATE, nullptr, nullptr, 0);
  return result;
}

long mount_layers(const Plan& plan, int lower_fd, int base_fd) {
  const long context = sys(SYS_fsopen, "overlay", FSOPEN_CLOEXEC);
  if (context < 0) return context;
  long result = configure(plan, static_cast<int>(context), lower_fd, base_fd);
  if (result == 0)
    result = sys(SYS_fsmount, context, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
  sys(SYS_close, context);
  return result;
}

/// Until Linux 6.15 a layer must be attached in the mount namespace of who mounts the overlay: in
/// one that is thrown away.
long mount_attached(const Plan& plan, const wire::MountStep& step, int lower_fd) {
  const char* point = plan.text(plan.header().root);
  long result = sys(SYS_unshare, CLONE_NEWNS);
  if (result == 0) result = sys(SYS_mount, nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr);
  if (result == 0)
    result = sys(SYS_move_mount, lower_fd, "", AT_FDCWD, point, MOVE_MOUNT_F_EMPTY_PATH);
  if (result < 0) return result;
  // What was opened before lies in the namespace that was left.
  const long base = sys(SYS_openat, AT_FDCWD, plan.text(step.data), kLookOnly);
  result = base < 0 ? base : mount_layers(plan, lower_fd, static_cast<int>(base));
  if (base >= 0) sys(SYS_close, base);
  sys(SYS_umount2, point, MNT_DETACH);
  return result;
}

long open_lower(const Plan& plan, const wire::MountStep& step) {
  const char* path = plan.text(step.source);
  if ((step.flags & wire::kIdmapped) == 0) return sys(SYS_openat, AT_FDCWD, path, kLookOnly);
  const long tree = sys(SYS_open_tree, AT_FDCWD, path, OPEN_TREE_CLONE | O_CLOEXEC);
  if (tree < 0) return tree;
  const long mapped = apply_idmap(plan, step, static_cast<int>(tree));
  if (mapped < 0) return sys(SYS_close, tree), mapped;
  return tree;
}

}  // namespace

long make_overlay(const Plan& plan, const wire::MountStep& step) {
  const long base = sys(SYS_openat, AT_FDCWD, plan.text(step.data), kLookOnly);
  if (base < 0) return base;
  const int base_fd = static_cast<int>(base);
  clear_mark(base_fd);
  long result = open_lower(plan, step);
  if (result >= 0) {
    const int lower_fd = static_cast<int>(result);
    result = mount_layers(plan, lower_fd, base_fd);
    if (result == -EINVAL && (step.flags & wire::kIdmapped) != 0)
      result = mount_attached(plan, step, lower_fd);
    sys(SYS_close, lower_fd);
  }
  sys(SYS_close, base_fd);
  return result;
}

}  // namespace ringfort::shim
