#include "ringfort/platform/rootfs.hpp"

#include "ringfort/platform/linux/dir_stack.hpp"
#include "ringfort/platform/linux/file_copy.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <utility>
#include <vector>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

namespace ringfort::platform {
namespace {

constexpr int kNoFollow = O_NOFOLLOW | O_CLOEXEC;

std::string type_word(mode_t mode) {
  if (S_ISFIFO(mode)) return "a FIFO";
  if (S_ISSOCK(mode)) return "a socket";
  return "a device";
}

/// The walk: source and target go down and up together; `pending_` holds what is left to do at
/// each level. Iterative, as a tree may be deeper than a thread's stack.
class Cloner {
 public:
  Cloner(int source_fd, int target_fd, const CloneOptions& options)
      : source_(source_fd), target_(target_fd), options_(options) {}

  Result<CloneReport> run() {
    struct stat root {};
    struct stat target_root {};
    if (::fstat(source_.top(), &root) != 0 || ::fstat(target_.top(), &target_root) != 0) {
      return fail(os_error("cannot stat the root of the tree"));
    }
    target_root_ = {target_root.st_dev, target_root.st_ino};
    if (auto begun = begin_level(root); !begun) return fail(begun.error());
    std::erase_if(pending_.back().entries, [this](const DirEntry& entry) {
      return std::find(options_.leave_out.begin(), options_.leave_out.end(), entry.name) !=
             options_.leave_out.end();
    });
    while (!pending_.empty()) {
      auto& level = pending_.back();
      auto done = level.entries.empty() ? end_level() : clone_next(level);
      if (!done) return fail(done.error());
    }
    return report_;
  }

 private:
  struct Pending {
    std::vector<DirEntry> entries;
    struct stat status;
  };

  Status begin_level(const struct stat& status) {
    if (std::pair{status.st_dev, status.st_ino} == target_root_) {
      return fail(ErrorKind::InvalidSpec, source_.path_of("") + " lies inside the tree to copy",
                  "copy a directory that does not contain the data directory");
    }
    auto entries = list_directory(source_.top());
    if (!entries) return in_context(entries.error(), "");
    pending_.push_back({std::move(*entries), status});
    return {};
  }

  /// A directory's own mode and times come last: its children change the times, and a mode without
  /// `w` would keep them out.
  Status end_level() {
    const struct stat status = pending_.back().status;
    pending_.pop_back();
    if (auto set = set_attributes(target_.top(), status); !set) return in_context(set.error(), "");
    if (pending_.empty()) return {};
    if (auto up = source_.leave(); !up) return up;
    return target_.leave();
  }

  Status clone_next(Pending& level) {
    const DirEntry entry = std::move(level.entries.back());
    level.entries.pop_back();
    auto type = entry.type;
    if (type != DT_REG && type != DT_DIR && type != DT_LNK) {
      // FIFOs and devices are looked at, never opened: an open blocks, or does something.
      struct stat status {};
      if (::fstatat(source_.top(), entry.name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
        return in_context(os_error("cannot stat"), entry.name);
      }
      type = static_cast<unsigned char>(IFTODT(status.st_mode));
      if (type != DT_REG && type != DT_DIR && type != DT_LNK) return special(entry, status.st_mode);
    }
    if (type == DT_DIR) return clone_directory(entry);
    return type == DT_LNK ? clone_link(entry) : clone_file(entry);
  }

  Status special(const DirEntry& entry, mode_t mode) {
    if (options_.refuse_special) {
      return fail(ErrorKind::InvalidSpec, source_.path_of(entry.name) + " is " + type_word(mode),
                  "an image holds files, directories and symbolic links; remove it");
    }
    ++report_.skipped_special;
    return {};
  }

  Status clone_directory(const DirEntry& entry) {
    if (::mkdirat(target_.top(), entry.name.c_str(), 0700) != 0) {
      return in_context(os_error("cannot make the directory"), entry.name);
    }
    auto source = open_directory_below(source_.top(), entry.name, O_RDONLY);
    if (!source && source.error().os_errno == EXDEV) return skip_mount(entry);
    if (!source) return in_context(source.error(), entry.name);
    auto target = open_directory_below(target_.top(), entry.name, O_RDONLY);
    if (!target) return in_context(target.error(), entry.name);
    struct stat status {};
    if (::fstat(source->get(), &status) != 0) return in_context(os_error("fstat"), entry.name);
    if (auto down = source_.enter(std::move(*source), entry.name); !down) return down;
    if (auto down = target_.enter(std::move(*target), entry.name); !down) return down;
    return begin_level(status);
  }

  /// What is mounted inside the tree is not part of it: the mount point is, empty.
  Status skip_mount(const DirEntry& entry) {
    report_.skipped_mounts.push_back(source_.path_of(entry.name));
    return {};
  }

  Status clone_link(const DirEntry& entry) {
    std::array<char, PATH_MAX> text;
    struct stat status {};
    const auto length =
        ::readlinkat(source_.top(), entry.name.c_str(), text.data(), text.size() - 1);
    if (length < 0 ||
        ::fstatat(source_.top(), entry.name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
      return in_context(os_error("cannot read the link"), entry.name);
    }
    text[static_cast<std::size_t>(length)] = 0;
    const char* name = entry.name.c_str();
    if (::symlinkat(text.data(), target_.top(), name) != 0) {
      return in_context(os_error("cannot make the link"), entry.name);
    }
    if (owned() && ::fchownat(target_.top(), name, uid(), gid(), AT_SYMLINK_NOFOLLOW) != 0) {
      return in_context(os_error("cannot give away the link"), entry.name);
    }
    const timespec times[2] = {{0, UTIME_OMIT}, status.st_mtim};
    if (::utimensat(target_.top(), name, times, AT_SYMLINK_NOFOLLOW) != 0) {
      return in_context(os_error("cannot set the time of the link"), entry.name);
    }
    ++report_.files;
    return {};
  }

  Status clone_file(const DirEntry& entry) {
    // O_NONBLOCK: what was a file a moment ago could be a FIFO now.
    const Fd source{
        ::openat(source_.top(), entry.name.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | kNoFollow)};
    struct stat status {};
    if (!source || ::fstat(source.get(), &status) != 0) {
      return in_context(os_error("cannot open"), entry.name);
    }
    if (!S_ISREG(status.st_mode)) return special(entry, status.st_mode);
    const Fd target{
        ::openat(target_.top(), entry.name.c_str(), O_WRONLY | O_CREAT | O_EXCL | kNoFollow, 0600)};
    if (!target) return in_context(os_error("cannot create"), entry.name);
    auto copied = copy_content(source.get(), target.get(), status, abilities_);
    if (copied) copied = set_attributes(target.get(), status);
    if (!copied) return in_context(copied.error(), entry.name);
    ++report_.files;
    report_.bytes += static_cast<std::uint64_t>(status.st_size);
    return {};
  }

  /// chown before chmod, as it clears the setuid bits; times last.
  Status set_attributes(int fd, const struct stat& status) const {
    if (owned() && ::fchown(fd, uid(), gid()) != 0) return fail(os_error("cannot give away"));
    const mode_t dropped = options_.strip_setuid ? S_ISUID | S_ISGID : 0;
    if (::fchmod(fd, status.st_mode & 07777 & ~dropped) != 0) return fail(os_error("cannot chmod"));
    const timespec times[2] = {{0, UTIME_OMIT}, status.st_mtim};
    if (::futimens(fd, times) != 0) return fail(os_error("cannot set the time"));
    return {};
  }

  Status in_context(Error error, const std::string& name) const {
    error.what = source_.path_of(name) + ": " + error.what;
    return fail(std::move(error));
  }

  bool owned() const { return options_.owner_uid || options_.owner_gid; }
  uid_t uid() const { return options_.owner_uid.value_or(static_cast<uid_t>(-1)); }
  gid_t gid() const { return options_.owner_gid.value_or(static_cast<gid_t>(-1)); }

  DirStack source_;
  DirStack target_;
  CloneOptions options_;
  CopyAbilities abilities_;
  CloneReport report_;
  std::vector<Pending> pending_;
  std::pair<dev_t, ino_t> target_root_;
};

}  // namespace

Result<CloneReport> clone_tree(int source_fd, int target_fd, const CloneOptions& options) {
  return Cloner(source_fd, target_fd, options).run();
}

}  // namespace ringfort::platform
