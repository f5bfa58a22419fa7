// Trees that are out of sight already and still have to be deleted, by one thread at its own pace.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <string>
#include <thread>

namespace ringfort::platform {

class Trash {
 public:
  /// `trash_fd` is borrowed and outlives this.
  explicit Trash(int trash_fd) : trash_fd_(trash_fd) {}
  Trash(const Trash&) = delete;
  Trash& operator=(const Trash&) = delete;
  /// Deletes all that is left first.
  ~Trash();

  /// Deletes `name` below the trash directory: in the background, or at once when the thread is
  /// far behind, which slows down those who throw away faster than the disk can delete.
  void put(std::string name);

  /// Waits until nothing is left to delete.
  void drain();

 private:
  void work();

  static constexpr std::size_t kMaxWaiting = 64;

  int trash_fd_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::string> waiting_;
  bool busy_ = false;
  bool closing_ = false;
  std::thread thread_;  ///< started with the first entry
};

}  // namespace ringfort::platform
