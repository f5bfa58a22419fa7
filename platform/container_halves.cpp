#include "ringfort/platform/container_halves.hpp"

#include "ringfort/platform/linux/dir_stack.hpp"
#include "ringfort/platform/listener.hpp"
#include "ringfort/platform/owner_lock.hpp"
#include "ringfort/platform/policy.hpp"
#include "ringfort/platform/rootfs.hpp"
#include "ringfort/platform/shim/log_names.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <span>
#include <utility>

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

namespace ringfort::platform {
namespace {

// After so many containers a directory is deleted and a new one made, which ext4 puts elsewhere:
// see spread_subdirectories().
constexpr unsigned kMaxUses = 64;

// Containers come in bursts: what ends less than this after the one before is of the same.
constexpr std::chrono::seconds kQuiet(5);

constexpr std::array<std::string_view, 5> kFullFiles{"config.json", "sandbox.sb", "stdout.log",
                                                     "stderr.log", ".pid"};
constexpr std::array<std::string_view, 4> kStateFiles{"record", "shim", "exit", "log.idx"};
// Overwritten at the next use, which leaves them their blocks; the others must be found empty.
constexpr std::array<std::string_view, 3> kOverwritten{"config.json", "sandbox.sb", "record"};

std::span<const std::string_view> files_of(HalfKind kind) {
  if (kind == HalfKind::Full) return kFullFiles;
  if (kind == HalfKind::State) return kStateFiles;
  return {};
}

template <class Range>
bool contains(const Range& range, std::string_view name) {
  return std::find(range.begin(), range.end(), name) != range.end();
}

/// A file that only this directory names and that holds nothing that the next user could see.
bool ready_file(int dir_fd, const std::string& name) {
  struct stat status {};
  if (::fstatat(dir_fd, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) return false;
  if (!S_ISREG(status.st_mode) || status.st_nlink != 1) return false;
  if (status.st_size == 0 || contains(kOverwritten, name)) return true;
  const Fd file{::openat(dir_fd, name.c_str(), O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)};
  // Who waits in another process reads the run's end there (HeldExit).
  if (file && name == "exit" && ::flock(file.get(), LOCK_EX | LOCK_NB) != 0) return false;
  return file && ::ftruncate(file.get(), 0) == 0;
}

/// What the shim makes on a rotation: as much ours as the files without a number.
bool is_rotated_log(HalfKind kind, const std::string& name) {
  using wire::LogFile;
  if (kind == HalfKind::State)
    return name == wire::kNextLogIndex ||
           wire::rotated_generation(LogFile::Index, name.c_str()) != 0;
  return kind == HalfKind::Full && (wire::rotated_generation(LogFile::Stdout, name.c_str()) != 0 ||
                                    wire::rotated_generation(LogFile::Stderr, name.c_str()) != 0);
}

}  // namespace

HalfPool::HalfPool(int staging_fd, int trash_fd, std::string nonce, mode_t directory_mode)
    : staging_fd_(staging_fd),
      trash_fd_(trash_fd),
      nonce_(std::move(nonce)),
      directory_mode_(directory_mode),
      points_(staging_fd, nonce_ + ".points"),
      late_(trash_fd, LateRemoval::bound_for(trash_fd), kQuiet) {}

HalfPool::~HalfPool() {
  work_.drain();
  for (auto& list : kept_) {
    for (auto& half : list) {
      work_.run([this, name = half.name] { (void)remove_tree(staging_fd_, name); });
    }
  }
}

std::string HalfPool::new_name() { return nonce_ + "." + std::to_string(++counter_); }

Result<Half> HalfPool::take(HalfKind kind) {
  {
    const std::lock_guard lock(mutex_);
    auto& list = kept_[static_cast<std::size_t>(kind)];
    if (!list.empty()) {
      Half half = std::move(list.back());
      list.pop_back();
      return half;
    }
  }
  Half half{kind, new_name(), 0, {}, {}};
  if (::mkdirat(staging_fd_, half.name.c_str(), 0700) != 0) {
    return fail(os_error("cannot make a directory in .staging"));
  }
  auto made = [&]() -> Status {
    auto dir = open_directory_below(staging_fd_, half.name, O_RDONLY);
    if (!dir) return fail(dir.error());
    if (auto files = make_files(half, dir->get()); !files) return files;
    if (kind != HalfKind::State) {
      if (::fchmod(dir->get(), directory_mode_) != 0) return fail(os_error("cannot chmod"));
      return {};
    }
    auto listener = listen_below(dir->get());
    if (!listener) return fail(listener.error());
    half.listener = std::move(*listener);
    return {};
  }();
  if (!made) {
    (void)remove_tree(staging_fd_, half.name);
    return fail(made.error());
  }
  return half;
}

Status HalfPool::make_files(const Half& half, int dir_fd) const {
  if (half.kind == HalfKind::Bare && ::symlinkat(nonce_.c_str(), dir_fd, ".owner") != 0) {
    return fail(os_error("cannot make .owner"));
  }
  for (const std::string_view name : files_of(half.kind)) {
    const Fd file{::openat(dir_fd, name.data(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600)};
    if (!file) return fail(os_error("cannot create " + std::string(name)));
  }
  return {};
}

void HalfPool::give_back(Half half) {
  if (half.kind == HalfKind::State) return settle(std::move(half));
  // A removed directory may cost milliseconds (a synchronous TRIM for each block that it frees).
  auto shared = std::make_shared<Half>(std::move(half));
  work_.run([this, shared] { settle(std::move(*shared)); });
}

void HalfPool::settle(Half half) {
  take_back_points(half);
  half.points.clear();
  const bool served = half.kind != HalfKind::State && ++half.uses >= kMaxUses;
  if (!served && empty_out(half) && keep(half)) return;
  (void)throw_away(staging_fd_, half.name);
}

bool HalfPool::keep(Half& half) {
  const std::lock_guard lock(mutex_);
  auto& list = kept_[static_cast<std::size_t>(half.kind)];
  if (list.size() >= kMaxKept) return false;
  list.push_back(std::move(half));
  return true;
}

void HalfPool::take_back_points(const Half& half) {
  if (half.points.empty()) return;
  const auto rootfs = open_directory_below(staging_fd_, half.name + "/rootfs", O_PATH);
  if (!rootfs) return;
  for (const auto& point : half.points) points_.take_back(rootfs->get(), point);
}

/// True when the directory is again as take() gives it.
bool HalfPool::empty_out(const Half& half) {
  auto dir = open_directory_below(staging_fd_, half.name, O_RDONLY);
  auto entries = dir ? list_directory(dir->get()) : fail(dir.error());
  if (!entries) return false;
  const int dir_fd = dir->get();
  std::size_t found = 0;
  for (auto& [name, type] : *entries) {
    const bool is_guests =
        name == "rootfs" || name == "tmp" || name == kOverlayName || is_anonymous_volume(name);
    if (half.kind != HalfKind::State && is_guests) {
      if (!remove_guest_tree(dir_fd, name)) return false;
      continue;
    }
    if (half.kind == HalfKind::State && name == "sock" && half.listener) continue;
    if (half.kind == HalfKind::Full && name == "pid") {
      if (::renameat(dir_fd, "pid", dir_fd, ".pid") != 0) return false;
      name = ".pid";
    }
    if (is_rotated_log(half.kind, name)) {
      if (::unlinkat(dir_fd, name.c_str(), 0) != 0) return false;
      continue;
    }
    const bool ours = half.kind == HalfKind::Bare
                          ? name == ".owner"
                          : contains(files_of(half.kind), name) && ready_file(dir_fd, name);
    if (!ours) return false;
    ++found;
  }
  if (half.kind == HalfKind::Bare) return found == 1;
  if (found != files_of(half.kind).size()) return false;
  if (half.kind == HalfKind::Full) return true;
  // A shim that outlived its container's removal would write into its successor's files.
  if (!half.listener || is_locked(dir_fd, "shim")) return false;
  drop_waiting(half.listener.get());
  return true;
}

Status HalfPool::remove_guest_tree(int dir_fd, const std::string& name) {
  if (late_.take(dir_fd, name, new_name())) return {};
  return remove_tree(dir_fd, name);
}

Status HalfPool::throw_away(int parent_fd, const std::string& name) {
  auto away = new_name();
  if (::renameat(parent_fd, name.c_str(), trash_fd_, away.c_str()) != 0) {
    if (errno == ENOENT) return {};
    return fail(os_error("cannot move " + name + " to .trash"));
  }
  delete_from_trash(std::move(away));
  return {};
}

void HalfPool::delete_from_trash(std::string name) {
  // What can't be deleted stays in .trash; nobody waits for the answer, and the next runtime that
  // opens the directory tries again.
  work_.run([this, name = std::move(name)] { (void)remove_tree(trash_fd_, name); });
}

Status overwrite_file(int dir_fd, const std::string& name, std::string_view text) {
  const Fd file{::openat(dir_fd, name.c_str(), O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)};
  struct stat status {};
  if (!file || ::fstat(file.get(), &status) != 0) return fail(os_error("cannot open " + name));
  if (auto written = write_all(file.get(), text, "cannot write " + name); !written) return written;
  const auto size = static_cast<off_t>(text.size());
  if (status.st_size > size && ::ftruncate(file.get(), size) != 0) {
    return fail(os_error("cannot cut " + name));
  }
  return {};
}

}  // namespace ringfort::platform
