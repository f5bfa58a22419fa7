#include "ringfort/platform/background_work.hpp"

#include <system_error>
#include <utility>

namespace ringfort::platform {

BackgroundWork::~BackgroundWork() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
  }
  arrived_.notify_all();
  for (auto& thread : threads_) thread.join();
}

void BackgroundWork::run(std::function<void()> task) {
  {
    const std::lock_guard lock(mutex_);
    if (waiting_.size() < kMaxWaiting) {
      const bool all_busy = busy_ + waiting_.size() >= threads_.size();
      if (all_busy && threads_.size() < kMaxThreads) start_thread();
      if (!threads_.empty()) {
        waiting_.push_back(std::move(task));
        arrived_.notify_one();
        return;
      }
    }
  }
  task();
}

void BackgroundWork::start_thread() {
  try {
    threads_.emplace_back([this] { work(); });
  } catch (const std::system_error&) {
    // No more threads for this user: those that are there, or the callers, do the work.
  }
}

void BackgroundWork::drain() {
  std::unique_lock lock(mutex_);
  finished_.wait(lock, [this] { return waiting_.empty() && busy_ == 0; });
}

void BackgroundWork::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    arrived_.wait(lock, [this] { return closing_ || !waiting_.empty(); });
    if (waiting_.empty()) return;
    auto task = std::move(waiting_.front());
    waiting_.pop_front();
    ++busy_;
    lock.unlock();
    task();
    lock.lock();
    --busy_;
    if (waiting_.empty() && busy_ == 0) finished_.notify_all();
  }
}

}  // namespace ringfort::platform
