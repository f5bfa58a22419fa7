// What an image's tree gets beside the copied files, and what is found out about it. Works on a
// staged tree: no guest has ever run in it, but its content may be hostile.
#pragma once

#include "ringfort/specs/result.hpp"

namespace ringfort::platform {

/// Does some program of the tree name an interpreter (PT_INTERP) that the tree does not hold?
/// Then the image is native: its programs need the host's libraries.
Result<bool> needs_host_libraries(int rootfs_fd);

/// Makes the directories that later are mounted on: proc, dev, tmp, etc, and for native images the
/// host's library directories, as directory or link, as they are on the host.
/// Errors: InvalidSpec when one of the first four is there and is no directory.
Status add_mount_points(int rootfs_fd, bool native);

}  // namespace ringfort::platform
