#include "ringfort/platform/mount_points.hpp"

#include "ringfort/platform/linux/dir_stack.hpp"
#include "ringfort/platform/rootfs.hpp"

#include <optional>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace ringfort::platform {
namespace {

bool is_same_time(const timespec& a, const timespec& b) {
  return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

/// Nothing is made or removed in a directory without a new time of modification.
bool is_untouched(int rootfs_fd, const MountPoint& point) {
  struct stat status {};
  return ::fstatat(rootfs_fd, point.name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0 &&
         S_ISDIR(status.st_mode) && status.st_ino == point.inode && status.st_uid == ::geteuid() &&
         is_same_time(status.st_mtim, point.modified);
}

}  // namespace

MountPointPool::MountPointPool(int staging_fd, std::string name)
    : staging_fd_(staging_fd), name_(std::move(name)) {}

MountPointPool::~MountPointPool() {
  if (directory_) (void)remove_tree(staging_fd_, name_);
}

Result<MountPoint> MountPointPool::put(int rootfs_fd, const std::string& name) {
  std::optional<Spare> spare;
  {
    const std::lock_guard lock(mutex_);
    if (!spare_.empty()) {
      spare = std::move(spare_.back());
      spare_.pop_back();
    }
  }
  if (spare && ::renameat(directory_.get(), spare->name.c_str(), rootfs_fd, name.c_str()) == 0) {
    return MountPoint{name, spare->inode, spare->modified};
  }
  struct stat status {};
  if (::mkdirat(rootfs_fd, name.c_str(), 0755) != 0 ||
      ::fstatat(rootfs_fd, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
    return fail(os_error("cannot make the mount point " + name));
  }
  return MountPoint{name, status.st_ino, status.st_mtim};
}

void MountPointPool::take_back(int rootfs_fd, const MountPoint& point) {
  if (!is_untouched(rootfs_fd, point)) return;
  std::string name;
  {
    const std::lock_guard lock(mutex_);
    if (spare_.size() >= kMaxSpare || !open_directory()) return;
    name = std::to_string(++counter_);
  }
  if (::renameat(rootfs_fd, point.name.c_str(), directory_.get(), name.c_str()) != 0) return;
  const std::lock_guard lock(mutex_);
  spare_.push_back({std::move(name), point.inode, point.modified});
}

/// At the first need, under the lock; afterwards the descriptor never changes.
bool MountPointPool::open_directory() {
  if (directory_) return true;
  if (::mkdirat(staging_fd_, name_.c_str(), 0700) != 0) return false;
  auto opened = open_directory_below(staging_fd_, name_, O_RDONLY);
  if (opened) directory_ = std::move(*opened);
  return static_cast<bool>(directory_);
}

}  // namespace ringfort::platform
