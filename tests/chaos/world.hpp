// The data directory of a round with the processes around it, and what the kernel knows of them.
#pragma once

#include "schedule.hpp"

#include <chrono>
#include <functional>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include <sys/types.h>

namespace ringfort::chaos {

/// How a command ended. `code` is 128+n after a signal, -1 if it had to be killed at the deadline.
struct Outcome {
  int code = -1;
  bool was_killed = false;  ///< SIGKILL
  std::string out;
  std::string err;
};

struct Process {
  pid_t pid = 0;
  pid_t parent = 0;
  char state = '?';
  std::string name;
  std::vector<std::string> argv;
};

class World {
 public:
  /// Makes a directory; as root it is a small file system of its own, so that it can be filled.
  World();
  World(const World&) = delete;
  World& operator=(const World&) = delete;
  ~World();

  const std::string& directory() const { return directory_; }
  std::string data_dir() const { return directory_ + "/data"; }
  bool can_be_filled() const { return is_mounted_; }
  void fill() const;
  void free() const;

  /// Starts a program whose stdout and stderr go to these descriptors; `keep` stays open in it.
  pid_t spawn(const std::vector<std::string>& argv, int out, int err, int keep = -1);
  /// False at the deadline.
  bool await_end(pid_t pid, std::chrono::milliseconds patience) const;
  int reap(pid_t pid);

  /// `ringfort WORDS`. `begun` is told its pid, and 0 before it is reaped.
  Outcome ringfort(
      const std::vector<std::string>& words,
      std::chrono::milliseconds patience = std::chrono::seconds(20),
      const std::function<void(pid_t)>& begun = [](pid_t) {});

  /// All below this process. What orphans end as is reaped first, as PID 1 would.
  std::vector<Process> processes();
  /// What is left in the data directory, of mounts and sockets.
  std::vector<std::string> leftovers() const;

 private:
  std::string directory_;
  bool is_mounted_ = false;
  std::mutex mutex_;
  std::set<pid_t> own_;  ///< started here: not to be reaped in passing
};

/// Path of a program that lies where this one does.
std::string beside(const std::string& name);

/// The talker's word for a container, and back: "chaos:<name>:<life>".
std::string token(const std::string& name, int life);
/// 0 if it is none of this name.
int life_of(const std::string& token, const std::string& name);

/// Main programs of a name among these; their children call themselves otherwise.
std::vector<Process> mains_of(const std::vector<Process>& all, const std::string& name);

}  // namespace ringfort::chaos
