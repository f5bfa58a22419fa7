// What a container has changed of its image: for `diff`. No CAF, no runtime: reads the disk alone.
#pragma once

#include "ringfort/specs/names.hpp"
#include "ringfort/specs/result.hpp"

#include <string>
#include <vector>

namespace ringfort {

struct FileChange {
  char kind = 'A';   ///< A(dded), C(hanged), D(eleted)
  std::string path;  ///< absolute inside the container; any bytes but NUL
};

struct ContainerChanges {
  bool overlay = false;  ///< its root is an overlay, and not a copy
  std::vector<FileChange> changes;
  bool is_cut = false;  ///< there are more
};

/// Blocks; the container may run meanwhile. Errors: NotFound for an unknown container, InvalidSpec
/// for one without an image, NotFound when its image has been removed.
Result<ContainerChanges> container_changes(const std::string& data_dir, const ContainerId& id);

}  // namespace ringfort
