// The two directories of a container while they are out of sight in .staging: filled for a new
// container, emptied after an old one. What only we ever wrote is used again instead of unlinked,
// as deletions are dear on some file systems (docs/ARCHITECTURE.md, "Recycling").
#pragma once

#include "ringfort/platform/background_work.hpp"
#include "ringfort/platform/fd.hpp"
#include "ringfort/platform/late_removal.hpp"
#include "ringfort/platform/mount_points.hpp"

#include <array>
#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

namespace ringfort::platform {

/// Which files a container directory has beside rootfs/ and tmp/.
enum class HalfKind {
  Full,   ///< config.json, sandbox.sb, both logs, and .pid (`pid` while it runs)
  Bare,   ///< only the link .owner -> <nonce> (Durability::None)
  State,  ///< a state directory: record, shim, exit, log.idx, sock
};

/// A directory below .staging.
struct Half {
  HalfKind kind = HalfKind::Full;
  std::string name;
  unsigned uses = 0;               ///< how often it has been a container's
  Fd listener;                     ///< State only: bound to `sock` and listening
  std::vector<MountPoint> points;  ///< in rootfs/, to be taken back
};

class HalfPool {
 public:
  /// The descriptors are borrowed and outlive the pool. `directory_mode` is that of container
  /// directories.
  HalfPool(int staging_fd, int trash_fd, std::string nonce, mode_t directory_mode);
  HalfPool(const HalfPool&) = delete;
  HalfPool& operator=(const HalfPool&) = delete;
  ~HalfPool();

  /// An emptied one, or a new one with empty files.
  Result<Half> take(HalfKind kind);

  /// Empties and keeps `half`, or deletes it: there are enough, it has served its time, something
  /// is in it that we did not put there, or its shim still lives. Goes on in the background.
  void give_back(Half half);

  /// Moves `name` below `parent_fd` to the trash and deletes it in the background. Absent = done.
  Status throw_away(int parent_fd, const std::string& name);

  /// Deletes what is in the trash under `name` already.
  void delete_from_trash(std::string name);

  /// For a clone's mount points; name them in Half::points.
  MountPointPool& mount_points() { return points_; }

  /// A name below .staging or .trash that nobody else uses.
  std::string new_name();

  /// Waits until nothing is left to delete.
  void drain() {
    work_.drain();
    late_.drain();
  }

 private:
  Status make_files(const Half& half, int dir_fd) const;
  void settle(Half half);
  void take_back_points(const Half& half);
  bool empty_out(const Half& half);
  Status remove_guest_tree(int dir_fd, const std::string& name);
  bool keep(Half& half);

  static constexpr std::size_t kMaxKept = 512;

  int staging_fd_;
  int trash_fd_;
  const std::string nonce_;
  const mode_t directory_mode_;
  std::atomic<std::uint64_t> counter_{0};
  std::mutex mutex_;
  std::array<std::vector<Half>, 3> kept_;
  MountPointPool points_;
  LateRemoval late_;
  BackgroundWork work_;
};

/// Replaces the content of the existing file `name`, in its own blocks where they suffice.
Status overwrite_file(int dir_fd, const std::string& name, std::string_view text);

}  // namespace ringfort::platform
