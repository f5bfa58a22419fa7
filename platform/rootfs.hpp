// Copying and removing directory trees without following a link. Thread-safe: no shared state.
#pragma once

#include "ringfort/platform/fd.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

namespace ringfort::platform {

struct CloneOptions {
  std::optional<uid_t> owner_uid;  ///< chown everything (root only); empty = as created
  std::optional<gid_t> owner_gid;
  bool strip_setuid = true;
  bool refuse_special =
      false;  ///< sockets, FIFOs, devices: true = error naming it, false = skipped
  std::vector<std::string> leave_out;  ///< entries at the top that are not cloned
};

struct CloneReport {
  std::uint64_t files = 0;
  std::uint64_t bytes = 0;
  std::uint64_t skipped_special = 0;
  std::vector<std::string> skipped_mounts;  ///< mount points inside the tree: cloned empty
};

/// Clones the tree `source_fd` into the existing, empty directory `target_fd`: FICLONE where the
/// file system can, else copy_file_range with holes kept; modes and mtimes kept; symlinks
/// recreated, never followed; hard links become separate files; extended attributes (file
/// capabilities, ACLs) are not kept; nothing mounted inside the tree is entered. On error the
/// caller removes the target. Errors: InvalidSpec for a special file with `refuse_special`, or a
/// target inside the source.
Result<CloneReport> clone_tree(int source_fd, int target_fd, const CloneOptions& options);

/// Removes `name` below `parent_fd`, whatever it is: iterative, descriptor-relative, bounded in
/// depth of descriptors, own 0000 directories made accessible, no link followed, no mount crossed.
/// Absent = ok.
Status remove_tree(int parent_fd, const std::string& name);

/// What the tree `name` below `parent_fd` takes on the disk, as far as it can be looked at. No link
/// is followed, no mount crossed.
std::uint64_t tree_bytes(int parent_fd, const std::string& name);

}  // namespace ringfort::platform
