// Small trees of ended containers, emptied of content and deleted when nothing has come for a
// while. ext4 without a journal looks at every inode deleted in the last minutes before it gives
// out a new one, so in a burst of containers each deletion would slow down all that follow.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace ringfort::platform {

class LateRemoval {
 public:
  /// `trash_fd` is borrowed. At most `bound` inodes wait.
  LateRemoval(int trash_fd, std::size_t bound, std::chrono::milliseconds quiet);
  LateRemoval(const LateRemoval&) = delete;
  LateRemoval& operator=(const LateRemoval&) = delete;
  /// Deletes all that is left.
  ~LateRemoval();

  /// Cuts the files of the flat tree `name` below `dir_fd` to nothing and moves it to the trash as
  /// `away`. False when it stays: it is no flat tree of a few files that only it names, or too much
  /// is waiting.
  bool take(int dir_fd, const std::string& name, std::string away);

  /// Deletes what is there now, and waits for that.
  void drain();

  /// How many inodes may wait on the file system of `fd`: none but on ext4, a small share there.
  static std::size_t bound_for(int fd);

 private:
  struct Tree {
    std::string name;
    std::size_t inodes = 0;
  };
  void keep(Tree tree);
  void work();

  const int trash_fd_;
  const std::size_t bound_;
  const std::chrono::milliseconds quiet_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Tree> waiting_;
  std::size_t inodes_ = 0;
  std::chrono::steady_clock::time_point last_;
  std::size_t in_a_hurry_ = 0;  ///< so many wait for all to be deleted
  bool busy_ = false;
  bool closing_ = false;
  std::thread thread_;  ///< started when the first tree comes
};

}  // namespace ringfort::platform
