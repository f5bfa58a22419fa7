// Directories that are only ever mounted over: proc, dev and tmp of a clone. No guest sees what is
// below a mount, so they are taken out of an ended container's tree and put into the next one's
// instead of being deleted and made (docs/ARCHITECTURE.md, "Recycling").
#pragma once

#include "ringfort/platform/fd.hpp"

#include <cstdint>
#include <ctime>
#include <mutex>
#include <string>
#include <vector>

#include <sys/types.h>

namespace ringfort::platform {

/// What becomes of a mount point of the image in one container; the others are cloned.
struct MountPointUse {
  std::vector<std::string> left_out;  ///< nothing is mounted there: an inode less to make
  /// Mounted over in any case before a program of the container runs, so that none can reach it.
  std::vector<std::string> covered;
};

/// One that lies in a container's tree, and how it is known again.
struct MountPoint {
  std::string name;
  ino_t inode = 0;
  timespec modified{};
};

class MountPointPool {
 public:
  /// Spare ones lie in the directory `name` below `staging_fd`, which is borrowed.
  MountPointPool(int staging_fd, std::string name);
  MountPointPool(const MountPointPool&) = delete;
  MountPointPool& operator=(const MountPointPool&) = delete;
  ~MountPointPool();

  /// Puts an empty directory `name` into the tree `rootfs_fd`. It belongs to the caller, not to the
  /// tree's owner: nobody works in it.
  Result<MountPoint> put(int rootfs_fd, const std::string& name);

  /// Takes `point` out of the tree; leaves it there unless it is as it was put.
  void take_back(int rootfs_fd, const MountPoint& point);

 private:
  struct Spare {
    std::string name;
    ino_t inode = 0;
    timespec modified{};
  };
  bool open_directory();

  static constexpr std::size_t kMaxSpare = 2048;

  int staging_fd_;
  const std::string name_;
  std::mutex mutex_;
  Fd directory_;
  std::uint64_t counter_ = 0;
  std::vector<Spare> spare_;
};

}  // namespace ringfort::platform
