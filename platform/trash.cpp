#include "ringfort/platform/trash.hpp"

#include "ringfort/platform/rootfs.hpp"

#include <utility>

namespace ringfort::platform {

Trash::~Trash() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Trash::put(std::string name) {
  {
    const std::lock_guard lock(mutex_);
    if (waiting_.size() < kMaxWaiting) {
      waiting_.push_back(std::move(name));
      if (!thread_.joinable()) thread_ = std::thread([this] { work(); });
      changed_.notify_all();
      return;
    }
  }
  (void)remove_tree(trash_fd_, name);
}

void Trash::drain() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return waiting_.empty() && !busy_; });
}

void Trash::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return closing_ || !waiting_.empty(); });
    if (waiting_.empty()) return;
    const std::string name = std::move(waiting_.front());
    waiting_.pop_front();
    busy_ = true;
    lock.unlock();
    // What can't be deleted stays in .trash; nobody waits for the answer, the next runtime that
    // opens the directory tries again.
    (void)remove_tree(trash_fd_, name);
    lock.lock();
    busy_ = false;
    changed_.notify_all();
  }
}

}  // namespace ringfort::platform
