#include "ringfort/platform/linux/dir_stack.hpp"
#include "ringfort/platform/rootfs.hpp"
#include "ringfort/specs/names.hpp"

#include <cerrno>
#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

namespace ringfort::platform {
namespace {

// A guest may have made millions of names in one directory: so many are held in memory at once.
constexpr std::size_t kBatch = 8192;
// Somebody may still write below us: so often a directory that was listed whole is emptied again.
constexpr int kRefills = 8;

/// Opens a directory so that its entries can be removed, whatever mode its owner gave it.
Result<Fd> open_for_removal(int parent_fd, const std::string& name) {
  auto opened = open_directory_below(parent_fd, name, O_RDONLY);
  if (!opened && opened.error().os_errno != EACCES) return opened;
  if (!opened) {
    // chmod(2) by name would follow a link put there meanwhile; by descriptor it cannot.
    auto handle = open_directory_below(parent_fd, name, O_PATH);
    if (!handle) return handle;
    const auto self = "/proc/self/fd/" + std::to_string(handle->get());
    if (::chmod(self.c_str(), 0700) != 0) return fail(os_error("cannot chmod " + printable(name)));
    return open_directory_below(parent_fd, name, O_RDONLY);
  }
  struct stat status {};
  if (::fstat(opened->get(), &status) == 0 && (status.st_mode & 0700) != 0700) {
    ::fchmod(opened->get(),
             0700);  // When this fails, so does the first unlink, with a better word.
  }
  return opened;
}

/// Post-order walk without recursion. What can't be removed is left and the rest goes; the first
/// error is the answer.
class Remover {
 public:
  explicit Remover(int parent_fd) : stack_(parent_fd) {}

  Status run(const std::string& name) {
    remove_entry({name, DT_UNKNOWN});
    while (!levels_.empty()) {
      auto& entries = levels_.back().entries;
      if (entries.empty()) {
        if (auto up = finish_level(); !up) return fail(up.error());
        continue;
      }
      const DirEntry entry = std::move(entries.back());
      entries.pop_back();
      remove_entry(entry);
    }
    if (first_error_) return fail(*first_error_);
    return {};
  }

 private:
  struct Level {
    std::vector<DirEntry> entries;
    bool may_hold_more = false;  ///< the listing was cut
    bool lost = false;           ///< something below could not be removed
    int refills = kRefills;
  };

  void remove_entry(const DirEntry& entry) {
    if (entry.type != DT_DIR) {
      if (::unlinkat(stack_.top(), entry.name.c_str(), 0) == 0) return;
      if (errno == ENOENT) return;
      // Linux says EISDIR for a directory, POSIX EPERM.
      if (errno != EISDIR && errno != EPERM) return keep(entry.name, os_error("cannot remove"));
    }
    remove_directory(entry.name, kRefills);
  }

  void remove_directory(const std::string& name, int refills) {
    if (::unlinkat(stack_.top(), name.c_str(), AT_REMOVEDIR) == 0) return;
    if (errno == ENOENT) return;
    if (errno != ENOTEMPTY && errno != EEXIST) return keep(name, os_error("cannot remove"));
    if (refills == 0) return keep(name, os_error("cannot remove, it is written to"));
    descend(name, refills);
  }

  void descend(const std::string& name, int refills) {
    auto opened = open_for_removal(stack_.top(), name);
    if (!opened) return keep(name, opened.error());
    auto entries = list_directory(opened->get(), kBatch);
    if (!entries) return keep(name, entries.error());
    if (auto down = stack_.enter(std::move(*opened), name); !down) return keep(name, down.error());
    const bool cut = entries->size() >= kBatch;
    levels_.push_back({std::move(*entries), cut, false, refills});
  }

  /// Fails only when the way up is lost.
  Status finish_level() {
    const Level done = std::move(levels_.back());
    const std::string name = stack_.top_name();
    levels_.pop_back();
    if (auto up = stack_.leave(); !up) return up;
    if (done.lost) {
      mark_lost();
    } else {
      remove_directory(name, done.may_hold_more ? kRefills : done.refills - 1);
    }
    return {};
  }

  void keep(const std::string& name, Error error) {
    error.what = stack_.path_of(name) + ": " + error.what;
    if (!first_error_) first_error_ = std::move(error);
    mark_lost();
  }

  void mark_lost() {
    if (!levels_.empty()) levels_.back().lost = true;
  }

  DirStack stack_;
  std::vector<Level> levels_;
  std::optional<Error> first_error_;
};

}  // namespace

Status remove_tree(int parent_fd, const std::string& name) { return Remover(parent_fd).run(name); }

}  // namespace ringfort::platform
