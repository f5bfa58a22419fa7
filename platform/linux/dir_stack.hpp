// A path of open directories from a root down to the current one, in bounded descriptors: however
// deep the tree, only the lowest few levels stay open; the others are found again through "..".
#pragma once

#include "ringfort/platform/fd.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <sys/stat.h>
#include <sys/types.h>

namespace ringfort::platform {

/// One name of a directory with the type that readdir(3) tells (DT_UNKNOWN is possible).
struct DirEntry {
  std::string name;
  unsigned char type = 0;
};

/// The names below `dir_fd` but "." and "..", from its start; stops when there are `enough`.
Result<std::vector<DirEntry>> list_directory(int dir_fd, std::size_t enough = SIZE_MAX);

/// Opens the directory `name` below `dir_fd`: no link is followed, no mount crossed (EXDEV).
Result<Fd> open_directory_below(int dir_fd, const std::string& name, int flags);

/// Does `name` below `dir_fd` still mean what `fd` has open? A link there is not followed.
bool is_still_named(int fd, int dir_fd, const std::string& name);

class DirStack {
 public:
  /// `root_fd` is borrowed and outlives the stack.
  explicit DirStack(int root_fd) : root_fd_(root_fd) {}

  int top() const;
  std::size_t depth() const { return levels_.size(); }

  /// Goes down into `fd`, which was opened below top(), and takes it. `name` is for messages.
  Status enter(Fd fd, std::string name);

  /// Goes up one level. Fails when the parent is not the directory that we came from: somebody
  /// moved it meanwhile.
  Status leave();

  /// `a/b/name` from the root, printable.
  std::string path_of(const std::string& name) const;
  const std::string& top_name() const { return levels_.back().name; }

 private:
  struct Level {
    Fd fd;  ///< invalid while the level is far above the current one
    std::string name;
    dev_t device = 0;
    ino_t inode = 0;
  };
  static constexpr std::size_t kMaxOpen = 12;

  int root_fd_;
  std::vector<Level> levels_;
  std::size_t first_open_ = 0;  ///< levels before it are closed
};

}  // namespace ringfort::platform
