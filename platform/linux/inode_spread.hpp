// Where ext4 puts the inodes of new directories.
#pragma once

namespace ringfort::platform {

/// Asks the file system to put each new subdirectory of `dir_fd`, and what is made below it, into
/// a block group of its own choice instead of the parent's. ext4 without a journal does not reuse
/// an inode for minutes after its deletion and looks at every one that it passes over: where all
/// deletions happen in one group, each create ends up looking at thousands. Elsewhere it does
/// nothing.
void spread_subdirectories(int dir_fd);

}  // namespace ringfort::platform
