// What an image's tree gets beside the copied files, and what is found out about it. Works on a
// staged tree: no guest has ever run in it, but its content may be hostile.
#pragma once

#include "ringfort/specs/result.hpp"

#include <string>
#include <vector>

namespace ringfort::platform {

/// Where the programs of a tree find their interpreter (PT_INTERP) and with it their libraries.
/// Static programs name none.
struct ImageLibraries {
  bool of_host = false;  ///< some program's interpreter is not in the tree: the image is native
  bool own = false;      ///< some program's interpreter is in the tree
};
Result<ImageLibraries> image_libraries(int rootfs_fd);

/// Makes the directories that later are mounted on: proc, dev, tmp, etc, and for native images the
/// host's library directories, as directory or link, as they are on the host.
/// Errors: InvalidSpec when one of the first four is there and is no directory.
/// Returns the top-level entries that were not there before.
Result<std::vector<std::string>> add_mount_points(int rootfs_fd, bool native);

}  // namespace ringfort::platform
