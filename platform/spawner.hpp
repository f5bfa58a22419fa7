// The library's side of the zygote: asks it for shims, and hears of their lives. No CAF.
#pragma once

#include "ringfort/platform/cgroup.hpp"
#include "ringfort/platform/container_files.hpp"
#include "ringfort/platform/fd.hpp"
#include "ringfort/platform/launch_plan.hpp"
#include "ringfort/specs/status.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace ringfort::platform {

/// One epoll thread per runtime; every callback runs on it and must not block.
class EventLoop {
 public:
  static Result<std::unique_ptr<EventLoop>> start();
  virtual ~EventLoop() = default;

  using Callback = std::function<void(std::uint32_t events)>;
  /// Watches `fd` (borrowed, level-triggered, EPOLLIN unless told otherwise) until forget().
  virtual std::uint64_t watch(int fd, Callback callback) = 0;
  virtual void forget(int fd, std::uint64_t token) = 0;
  /// Runs `task` on the loop's thread, `delay` from now.
  virtual void run_after(Duration delay, std::function<void()> task) = 0;
};

/// The program is running.
struct ProgramStarted {
  std::int32_t shim_pid = 0;  ///< host pid
  std::int32_t main_pid = 0;  ///< host pid
  WallTime at{};
};

/// The run is over, or never began. `start_error` is set in the second case.
struct ProgramEnded {
  ExitRecord exit;
  std::optional<Error> start_error;
};

struct RunHandlers {
  std::function<void(const ProgramStarted&)> started;  ///< at most once, on the loop's thread
  std::function<void(const ProgramEnded&)> ended;      ///< exactly once, on the loop's thread
};

struct RunRequest {
  std::string container;  ///< for messages
  LaunchPlan plan;
  RunFiles files;      ///< consumed
  int port_fd = -1;    ///< borrowed: the shim gets its own copy of the held port
  CgroupFds cgroup;    ///< consumed
  int stdin_fd = -1;   ///< borrowed; -1 = /dev/null
  int stdout_fd = -1;  ///< borrowed; -1 = the log, or /dev/null without one
  int stderr_fd = -1;
  int trace_fd = -1;      ///< borrowed: see Tracer::program_fd; -1 = no trace
  bool attached = true;   ///< false: outlives the runtime
  std::string state_dir;  ///< state/<id>, for the control socket; empty = a private connection
};

/// A run in progress: the way to its shim. Thread-safe. Dropping it does not end the run.
class Run {
 public:
  virtual ~Run() = default;
  virtual Status stop(Duration patience) = 0;
  virtual Status signal(int number, bool whole_tree) = 0;
  /// Kills the whole tree; `oom` = record it as ended by the memory limit.
  virtual Status kill_tree(bool oom) = 0;
  virtual Status freeze() = 0;
  virtual Status thaw() = 0;

  struct ExecRequest {
    LaunchPlan plan;
    std::size_t output_limit = 1 << 20;  ///< bytes kept of each stream
    std::string stdin_text;
    /// Borrowed until `done`: the command gets these instead of text and pipes. All three or none.
    int stdin_fd = -1;
    int stdout_fd = -1;
    int stderr_fd = -1;
    int cancel_fd = -1;  ///< borrowed until `done`; readable = kill the command; code 137
  };
  /// Answers on the loop's thread, once. The output is read until the command has ended and its
  /// pipes are empty, not until every holder of them has gone.
  virtual void exec(ExecRequest request, std::function<void(Result<ExecResult>)> done) = 0;
};

class Spawner {
 public:
  /// Nothing is started yet: the zygote comes with the first run, or prepare().
  static std::unique_ptr<Spawner> make(EventLoop& loop);
  virtual ~Spawner() = default;

  /// Starts the zygote, so that the first run does not have to wait for it. Thread-safe.
  virtual void prepare() = 0;

  /// Sends the request and returns; what follows comes through `handlers`. Thread-safe.
  virtual Result<std::shared_ptr<Run>> run(RunRequest request, RunHandlers handlers) = 0;

  /// Watches over a shim that another process had started, from its files in `state_dir`. Error:
  /// NotFound when none lives there.
  virtual Result<std::shared_ptr<Run>> adopt(const std::string& container,
                                             const std::string& state_dir,
                                             RunHandlers handlers) = 0;

  /// Has the shim of that state directory, if one lives, kill its tree, and waits for its end. For
  /// containers whose record can't be read. Blocks. Error: Timeout.
  virtual Status end_found(const std::string& container, const std::string& state_dir) = 0;

  /// pid of the zygote, 0 before the first run (tests kill it).
  virtual std::int32_t zygote_pid() const = 0;
};

}  // namespace ringfort::platform
