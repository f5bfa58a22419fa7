// Threads for what nobody waits for: deleting and emptying directories. Mostly they wait for the
// disk, so there are more of them than cores.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace ringfort::platform {

class BackgroundWork {
 public:
  BackgroundWork() = default;
  BackgroundWork(const BackgroundWork&) = delete;
  BackgroundWork& operator=(const BackgroundWork&) = delete;
  /// Does all that is left first.
  ~BackgroundWork();

  /// Does `task` soon, on some thread; at once, on the caller's, when too much is waiting. So those
  /// who throw away faster than the disk can delete are slowed down.
  void run(std::function<void()> task);

  /// Waits until nothing is left to do.
  void drain();

 private:
  void start_thread();
  void work();

  static constexpr std::size_t kMaxWaiting = 128;
  static constexpr std::size_t kMaxThreads = 12;

  std::mutex mutex_;
  std::condition_variable arrived_;
  std::condition_variable finished_;
  std::deque<std::function<void()>> waiting_;
  std::size_t busy_ = 0;
  bool closing_ = false;
  std::vector<std::thread> threads_;  ///< started when there is work and nobody is free
};

}  // namespace ringfort::platform
