// One regular file's content, copied as cheaply as the two file systems allow.
#pragma once

#include "ringfort/specs/result.hpp"

#include <sys/stat.h>

namespace ringfort::platform {

/// Remembers within one clone what the file systems refused, so that it is asked only once.
struct CopyAbilities {
  bool reflink = true;
  bool copy_range = true;
};

/// Fills the empty file `target_fd` from `source_fd`: shared blocks (FICLONE), else a copy inside
/// the kernel, else through a buffer. Holes stay holes. Errors: Io with errno only, no path.
Status copy_content(int source_fd, int target_fd, const struct stat& source,
                    CopyAbilities& abilities);

}  // namespace ringfort::platform
