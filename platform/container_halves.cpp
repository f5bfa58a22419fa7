#include "ringfort/platform/container_halves.hpp"

#include "ringfort/platform/linux/dir_stack.hpp"
#include "ringfort/platform/listener.hpp"
#include "ringfort/platform/owner_lock.hpp"
#include "ringfort/platform/rootfs.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <span>
#include <utility>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

namespace ringfort::platform {
namespace {

// Entries of rootfs/ and tmp/ that are deleted at once; more is the trash thread's work.
constexpr std::uint64_t kDeleteAtOnce = 256;

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
  const Fd emptied{
      ::openat(dir_fd, name.c_str(), O_WRONLY | O_TRUNC | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)};
  return static_cast<bool>(emptied);
}

}  // namespace

HalfPool::HalfPool(int staging_fd, int trash_fd, Trash& trash, std::string nonce,
                   mode_t directory_mode)
    : staging_fd_(staging_fd),
      trash_fd_(trash_fd),
      trash_(trash),
      nonce_(std::move(nonce)),
      directory_mode_(directory_mode) {}

HalfPool::~HalfPool() {
  for (auto& list : kept_) {
    for (const auto& half : list) (void)remove_tree(staging_fd_, half.name);
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
  Half half{kind, new_name(), {}};
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
  if (empty_out(half)) {
    const std::lock_guard lock(mutex_);
    auto& list = kept_[static_cast<std::size_t>(half.kind)];
    if (list.size() < kMaxKept) {
      list.push_back(std::move(half));
      return;
    }
  }
  throw_away(half.name);
}

/// True when the directory is again as take() gives it.
bool HalfPool::empty_out(const Half& half) {
  auto dir = open_directory_below(staging_fd_, half.name, O_RDONLY);
  if (!dir) return false;
  const int dir_fd = dir->get();
  auto entries = list_directory(dir_fd);
  if (!entries) return false;
  std::size_t found = 0;
  for (auto& [name, type] : *entries) {
    if (half.kind != HalfKind::State && (name == "rootfs" || name == "tmp")) {
      if (!remove_guest_tree(dir_fd, name)) return false;
      continue;
    }
    if (half.kind == HalfKind::Full && name == "pid") {
      if (::renameat(dir_fd, "pid", dir_fd, ".pid") != 0) return false;
      name = ".pid";
    }
    if (half.kind == HalfKind::State && name == "sock" && half.listener) continue;
    if (half.kind == HalfKind::Bare && name == ".owner") {
      ++found;
      continue;
    }
    if (!contains(files_of(half.kind), name) || !ready_file(dir_fd, name)) return false;
    ++found;
  }
  if (half.kind != HalfKind::State) {
    return found == std::max<std::size_t>(1, files_of(half.kind).size());
  }
  // A shim that outlived its container's removal would write into its successor's files.
  if (found != kStateFiles.size() || !half.listener || is_locked(dir_fd, "shim")) return false;
  drop_waiting(half.listener.get());
  return true;
}

bool HalfPool::remove_guest_tree(int dir_fd, const std::string& name) {
  if (auto removed = remove_tree_within(dir_fd, name, kDeleteAtOnce); removed && *removed) {
    return true;
  }
  const auto away = new_name();
  if (::renameat(dir_fd, name.c_str(), trash_fd_, away.c_str()) != 0) return false;
  trash_.put(away);
  return true;
}

void HalfPool::throw_away(const std::string& name) {
  if (::renameat(staging_fd_, name.c_str(), trash_fd_, name.c_str()) == 0) trash_.put(name);
}

Status overwrite_file(int dir_fd, const std::string& name, std::string_view text) {
  const Fd file{::openat(dir_fd, name.c_str(), O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)};
  struct stat status {};
  if (!file || ::fstat(file.get(), &status) != 0) return fail(os_error("cannot open " + name));
  for (std::size_t done = 0; done < text.size();) {
    const auto put =
        ::pwrite(file.get(), text.data() + done, text.size() - done, static_cast<off_t>(done));
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return fail(os_error("cannot write " + name));
    done += static_cast<std::size_t>(put);
  }
  const auto size = static_cast<off_t>(text.size());
  if (status.st_size > size && ::ftruncate(file.get(), size) != 0) {
    return fail(os_error("cannot cut " + name));
  }
  return {};
}

}  // namespace ringfort::platform
