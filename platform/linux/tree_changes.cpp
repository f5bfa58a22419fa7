#include "ringfort/platform/tree_changes.hpp"

#include "ringfort/platform/fd.hpp"
#include "ringfort/platform/linux/dir_stack.hpp"

#include <algorithm>
#include <array>
#include <climits>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

namespace ringfort::platform {
namespace {

constexpr std::size_t kMostChanges = 100'000;
constexpr std::size_t kMostEntries = 2'000'000;     ///< looked at
constexpr std::size_t kMostPathBytes = 64UL << 20;  ///< of an answer

bool is_whiteout(const struct stat& status) {
  return S_ISCHR(status.st_mode) && status.st_rdev == 0;
}

bool is_same_time(const struct stat& a, const struct stat& b) {
  return a.st_mtim.tv_sec == b.st_mtim.tv_sec && a.st_mtim.tv_nsec == b.st_mtim.tv_nsec;
}

/// O_NONBLOCK: what was a file a moment ago could be a FIFO now.
Fd open_file(int dir_fd, const std::string& name) {
  Fd fd{::openat(dir_fd, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)};
  struct stat status {};
  if (fd && (::fstat(fd.get(), &status) != 0 || !S_ISREG(status.st_mode))) fd.reset();
  return fd;
}

/// What can't be read is not known to be the same.
bool is_same_content(const Fd& a, const Fd& b, off_t size) {
  if (!a || !b) return false;
  std::array<char, 64 << 10> left;
  std::array<char, 64 << 10> right;
  for (off_t at = 0; at < size;) {
    const auto got = ::pread(a.get(), left.data(), left.size(), at);
    if (got <= 0 || ::pread(b.get(), right.data(), static_cast<std::size_t>(got), at) != got ||
        std::memcmp(left.data(), right.data(), static_cast<std::size_t>(got)) != 0)
      return false;
    at += got;
  }
  return true;
}

std::string link_text(int dir_fd, const std::string& name) {
  std::array<char, PATH_MAX> text;
  const auto size = ::readlinkat(dir_fd, name.c_str(), text.data(), text.size());
  return size < 0 ? std::string{} : std::string(text.data(), static_cast<std::size_t>(size));
}

/// The walk: both trees go down and up together, as far as the image has what the container has.
class Comparer {
 public:
  Comparer(int image_fd, const ChangedTree& tree)
      : tree_(tree), image_(image_fd), now_(tree.fd), opaque_key_(tree.xattr_prefix) {
    opaque_key_ += "overlay.opaque";
  }

  Result<TreeChanges> run() {
    if (auto begun = begin_level({.in_image = true}); !begun) return fail(begun.error());
    while (!levels_.empty()) {
      const bool is_full = changes_.all.size() >= kMostChanges || entries_ >= kMostEntries ||
                           path_bytes_ >= kMostPathBytes;
      if (is_full && !levels_.back().names.empty()) {
        changes_.is_cut = true;
        break;
      }
      auto done = levels_.back().names.empty() ? end_level() : look_at_next();
      if (!done) return fail(done.error());
    }
    std::ranges::sort(changes_.all, {}, &TreeChange::path);
    return std::move(changes_);
  }

 private:
  struct Level {
    std::vector<std::string> names{};
    bool in_image = false;
    bool hides_image = false;  ///< an upper directory that shows nothing of the image's
    bool is_told = false;      ///< its own line is there already
    bool is_changed = false;
    std::size_t path_size = 0;  ///< of the directory around it
  };

  Status begin_level(Level level) {
    if (level.in_image && tree_.is_upper) {
      std::array<char, 2> mark{};
      if (::fgetxattr(now_.top(), opaque_key_.c_str(), mark.data(), mark.size()) == 1 &&
          mark[0] == 'y')
        level.hides_image = true;
    }
    auto entries = list_directory(now_.top(), kMostEntries);
    if (!entries) return fail(entries.error());
    for (auto& entry : *entries) level.names.push_back(std::move(entry.name));
    if (level.in_image && (!tree_.is_upper || level.hides_image)) {
      auto before = list_directory(image_.top());
      if (!before) return fail(before.error());
      for (auto& entry : *before) level.names.push_back(std::move(entry.name));
      std::ranges::sort(level.names);
      // Not std::ranges::unique: clang 14, which builds the fuzzers, can't read it.
      level.names.erase(std::unique(level.names.begin(), level.names.end()), level.names.end());
    }
    entries_ += level.names.size();
    levels_.push_back(std::move(level));
    return {};
  }

  Status end_level() {
    const Level level = std::move(levels_.back());
    levels_.pop_back();
    if (levels_.empty()) return {};
    if (level.is_changed && !level.is_told) tell(ChangeKind::Changed, path_);
    path_.resize(level.path_size);
    if (auto up = now_.leave(); !up) return up;
    return level.in_image ? image_.leave() : Status{};
  }

  void tell(ChangeKind kind, std::string path) {
    path_bytes_ += path.size();
    changes_.all.push_back({kind, std::move(path)});
    levels_.back().is_changed = true;
  }

  Status look_at_next() {
    const std::string name = std::move(levels_.back().names.back());
    levels_.back().names.pop_back();
    const auto& level = levels_.back();
    const auto path = path_ + "/" + name;
    struct stat now {};
    struct stat before {};
    const bool is_there = ::fstatat(now_.top(), name.c_str(), &now, AT_SYMLINK_NOFOLLOW) == 0 &&
                          !(tree_.is_upper && is_whiteout(now));
    const bool was_there =
        level.in_image && ::fstatat(image_.top(), name.c_str(), &before, AT_SYMLINK_NOFOLLOW) == 0;
    if (!is_there) {
      if (was_there && !may_be_absent(name)) tell(ChangeKind::Deleted, path);
      return {};
    }
    if (!was_there && S_ISDIR(now.st_mode) && is_mounted(path)) return {};
    if (!was_there || (now.st_mode & S_IFMT) != (before.st_mode & S_IFMT)) {
      tell(was_there ? ChangeKind::Changed : ChangeKind::Added, path);
      return S_ISDIR(now.st_mode) ? enter(name, {.is_told = true}) : Status{};
    }
    const bool has_other_mode = ((now.st_mode ^ before.st_mode) & 07777) != 0;
    if (S_ISDIR(now.st_mode))
      return enter(name, {.in_image = true,
                          .hides_image = level.hides_image,
                          .is_changed = has_other_mode && !is_mount_point(name)});
    if (has_other_mode || differs(name, now, before)) tell(ChangeKind::Changed, path);
    return {};
  }

  bool differs(const std::string& name, const struct stat& now, const struct stat& before) const {
    if (S_ISLNK(now.st_mode)) return link_text(now_.top(), name) != link_text(image_.top(), name);
    if (!S_ISREG(now.st_mode)) return false;
    return now.st_size != before.st_size || !is_same_time(now, before) ||
           !is_same_content(open_file(now_.top(), name), open_file(image_.top(), name),
                            now.st_size);
  }

  Status enter(const std::string& name, Level level) {
    auto now = open_directory_below(now_.top(), name, O_RDONLY);
    if (!now) {
      // Its mode keeps a plain user out, or it has gone by now: no more can be said of it.
      if (level.is_changed) tell(ChangeKind::Changed, path_ + "/" + name);
      return {};
    }
    if (level.in_image) {
      auto before = open_directory_below(image_.top(), name, O_RDONLY);
      if (!before) return fail(before.error());
      if (auto down = image_.enter(std::move(*before), name); !down) return down;
    }
    if (auto down = now_.enter(std::move(*now), name); !down) return down;
    level.path_size = path_.size();
    path_ += "/" + name;
    return begin_level(std::move(level));
  }

  bool is_mount_point(const std::string& name) const {
    return levels_.size() == 1 &&
           std::ranges::find(tree_.mount_points, name) != tree_.mount_points.end();
  }
  bool is_mounted(const std::string& path) const {
    return std::ranges::find(tree_.mounted, path) != tree_.mounted.end();
  }
  bool may_be_absent(const std::string& name) const {
    return !tree_.is_upper && is_mount_point(name);
  }

  const ChangedTree& tree_;
  DirStack image_;
  DirStack now_;
  std::string opaque_key_;
  std::vector<Level> levels_;
  std::string path_;
  TreeChanges changes_;
  std::size_t entries_ = 0;
  std::size_t path_bytes_ = 0;
};

}  // namespace

Result<TreeChanges> compare_trees(int image_fd, const ChangedTree& tree) {
  return Comparer(image_fd, tree).run();
}

}  // namespace ringfort::platform
