// What a container has changed of its image's tree. Reads only; believes nothing that was written
// there: no link is followed, nothing but regular files is opened, and all is bounded.
#pragma once

#include "ringfort/specs/result.hpp"

#include <string>
#include <vector>

namespace ringfort::platform {

enum class ChangeKind { Added, Changed, Deleted };

struct TreeChange {
  ChangeKind kind = ChangeKind::Added;
  std::string path;  ///< absolute inside the container; any bytes but NUL
  bool operator==(const TreeChange&) const = default;
};

struct TreeChanges {
  std::vector<TreeChange> all;  ///< sorted by path
  bool is_cut = false;          ///< there are more: too many for one answer
};

/// The writable side of a comparison.
struct ChangedTree {
  int fd = -1;
  bool is_upper = false;  ///< of an overlay: what it does not have is as in the image
  /// Where overlayfs keeps its marks: `trusted.` of root, `user.` of a plain user.
  std::string xattr_prefix = "trusted.";
  /// Entries at the top that only mounts need: a clone may be without them.
  std::vector<std::string> mount_points{};
  /// Absolute inside the container: directories that were made to mount on are no change.
  std::vector<std::string> mounted{};
};

/// A directory counts as changed when its mode is another or something below it is; a file when
/// type, mode, size, time or content differ. Owners are not looked at. Error: Io, also for a tree
/// that is turned over meanwhile.
Result<TreeChanges> compare_trees(int image_fd, const ChangedTree& tree);

}  // namespace ringfort::platform
