// Holding a tree to its memory limit where no cgroup does and no supervisor may be left.
#pragma once

#include <cstdint>

namespace ringfort::shim {

/// As the supervisor's watchdog judges: the cheap figure (each shared page counted once for each
/// process) clears a tree, only the proportional shares of a stopped tree convict it. File pages do
/// not count. Times are microseconds of the boot clock.
class MemoryWatch {
 public:
  /// `limit` bytes; 0 = nothing is watched.
  void begin(std::uint64_t limit);
  std::int64_t due() const { return due_; }
  /// Looks, and sets the next time. True = over the limit: the tree stands still, to be killed.
  bool is_over(bool reaches_tree_only);
  /// While somebody else has stopped the tree, it does not grow, and must not be thawed by a look.
  void suspend() { due_ = INT64_MAX; }
  void go_on();

 private:
  std::uint64_t exact(bool reaches_tree_only);

  std::uint64_t limit_ = 0;
  std::int64_t due_ = INT64_MAX;
  bool shares_ = false;  ///< was suspect once and cleared: many processes on the same pages
};

}  // namespace ringfort::shim
