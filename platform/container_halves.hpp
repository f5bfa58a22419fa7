// The two directories of a container while they are out of sight in .staging: filled for a new
// container, emptied after an old one. What only we ever wrote is used again instead of unlinked,
// as mass unlinking slows every later create on ext4 without a journal.
#pragma once

#include "ringfort/platform/fd.hpp"
#include "ringfort/platform/trash.hpp"

#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

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
  Fd listener;  ///< State only: bound to `sock` and listening
};

class HalfPool {
 public:
  /// All borrowed; they outlive the pool. `directory_mode` is that of container directories.
  HalfPool(int staging_fd, int trash_fd, Trash& trash, std::string nonce, mode_t directory_mode);
  HalfPool(const HalfPool&) = delete;
  HalfPool& operator=(const HalfPool&) = delete;
  ~HalfPool();

  /// An emptied one, or a new one with empty files.
  Result<Half> take(HalfKind kind);

  /// Empties and keeps `half`, or throws it away: there are enough, something is in it that we did
  /// not put there, or its shim still lives.
  void give_back(Half half);

  /// A name below .staging or .trash that nobody else uses.
  std::string new_name();

  int staging_fd() const { return staging_fd_; }

 private:
  Status make_files(const Half& half, int dir_fd) const;
  bool empty_out(const Half& half);
  bool remove_guest_tree(int dir_fd, const std::string& name);
  void throw_away(const std::string& name);

  static constexpr std::size_t kMaxKept = 512;

  int staging_fd_;
  int trash_fd_;
  Trash& trash_;
  const std::string nonce_;
  const mode_t directory_mode_;
  std::atomic<std::uint64_t> counter_{0};
  std::mutex mutex_;
  std::vector<Half> kept_[3];
};

/// Replaces the content of the existing file `name`, in its own blocks where they suffice.
Status overwrite_file(int dir_fd, const std::string& name, std::string_view text);

}  // namespace ringfort::platform
