#include "ringfort/platform/late_removal.hpp"

#include "ringfort/platform/fd.hpp"
#include "ringfort/platform/linux/dir_stack.hpp"
#include "ringfort/platform/rootfs.hpp"

#include <algorithm>
#include <optional>
#include <system_error>
#include <utility>

#include <dirent.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

namespace ringfort::platform {
namespace {

constexpr std::size_t kMostFiles = 16;
constexpr std::size_t kMostInodes = 32768;

/// Only a file that nobody else names: the guest may have linked it to where its data must stay.
bool cut_file(int dir_fd, const std::string& name) {
  const Fd file{::openat(dir_fd, name.c_str(), O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)};
  struct stat status {};
  if (!file || ::fstat(file.get(), &status) != 0) return false;
  if (!S_ISREG(status.st_mode) || status.st_nlink != 1) return false;
  return status.st_size == 0 || ::ftruncate(file.get(), 0) == 0;
}

/// How many inodes the tree has, if it is a directory of a few files; those are cut on the way.
std::optional<std::size_t> cut_flat_tree(int dir_fd, const std::string& name) {
  const auto tree = open_directory_below(dir_fd, name, O_RDONLY);
  if (!tree) return std::nullopt;
  const auto entries = list_directory(tree->get(), kMostFiles + 1);
  if (!entries || entries->size() > kMostFiles) return std::nullopt;
  for (const auto& entry : *entries) {
    if (entry.type != DT_REG || !cut_file(tree->get(), entry.name)) return std::nullopt;
  }
  return entries->size() + 1;
}

}  // namespace

LateRemoval::LateRemoval(int trash_fd, std::size_t bound, std::chrono::milliseconds quiet)
    : trash_fd_(trash_fd), bound_(bound), quiet_(quiet) {}

LateRemoval::~LateRemoval() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

std::size_t LateRemoval::bound_for(int fd) {
  struct statfs status {};
  if (::fstatfs(fd, &status) != 0 || status.f_type != EXT4_SUPER_MAGIC) return 0;
  return std::min<std::size_t>(kMostInodes, status.f_ffree / 64);
}

bool LateRemoval::take(int dir_fd, const std::string& name, std::string away) {
  {
    const std::lock_guard lock(mutex_);
    if (inodes_ + kMostFiles + 1 > bound_) return false;
  }
  const auto inodes = cut_flat_tree(dir_fd, name);
  if (!inodes || ::renameat(dir_fd, name.c_str(), trash_fd_, away.c_str()) != 0) return false;
  keep({std::move(away), *inodes});
  return true;
}

void LateRemoval::keep(Tree tree) {
  std::unique_lock lock(mutex_);
  const bool first = waiting_.empty();
  inodes_ += tree.inodes;
  last_ = std::chrono::steady_clock::now();
  waiting_.push_back(std::move(tree));
  if (!thread_.joinable()) {
    try {
      thread_ = std::thread([this] { work(); });
    } catch (const std::system_error&) {
      // No more threads for this user: done here and now.
      (void)remove_tree(trash_fd_, waiting_.back().name);
      inodes_ -= waiting_.back().inodes;
      waiting_.pop_back();
      return;
    }
  }
  lock.unlock();
  if (first) changed_.notify_all();
}

void LateRemoval::drain() {
  std::unique_lock lock(mutex_);
  ++in_a_hurry_;
  changed_.notify_all();
  changed_.wait(lock, [this] { return waiting_.empty() && !busy_; });
  --in_a_hurry_;
}

void LateRemoval::work() {
  std::unique_lock lock(mutex_);
  const auto at_once = [this] { return closing_ || in_a_hurry_ > 0; };
  for (;;) {
    changed_.wait(lock, [&] { return closing_ || !waiting_.empty(); });
    if (waiting_.empty()) return;
    // Each one that comes meanwhile only moves `last_`, so that nobody has to wake this thread.
    while (!at_once() && std::chrono::steady_clock::now() < last_ + quiet_) {
      changed_.wait_until(lock, last_ + quiet_, at_once);
    }
    auto trees = std::exchange(waiting_, {});
    busy_ = true;
    lock.unlock();
    // What can't be deleted stays in the trash for the next runtime to try.
    for (const auto& tree : trees) (void)remove_tree(trash_fd_, tree.name);
    lock.lock();
    for (const auto& tree : trees) inodes_ -= tree.inodes;
    busy_ = false;
    changed_.notify_all();
  }
}

}  // namespace ringfort::platform
