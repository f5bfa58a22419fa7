// For tests of what happens between two system calls.
#pragma once

#include <functional>
#include <initializer_list>
#include <optional>
#include <thread>

#include <linux/seccomp.h>

namespace ringfort::test {

/// A thread that stops before each call of some kinds until it is told to go on.
/// seccomp_unotify(2). A thread may not start another one of these: a filter has one listener.
class SteppedThread {
 public:
  /// Runs `body` at once, up to its first such call. `calls` as SYS_openat is.
  SteppedThread(std::initializer_list<int> calls, std::function<void()> body);
  SteppedThread(const SteppedThread&) = delete;
  SteppedThread& operator=(const SteppedThread&) = delete;
  ~SteppedThread();

  /// False = this machine has no such listeners, or the thread has one; the body then just runs.
  bool is_stepped() const { return listener_ >= 0; }

  /// Lets it go on, or come, to where it stands before its next call. False = its body has ended.
  bool step();

  /// `count` steps. False = its body ended before.
  bool step(int count);

  /// Lets it go on to the end of its body.
  void finish();

 private:
  int listener_ = -1;
  std::optional<seccomp_notif> stands_at_;
  std::thread thread_;
};

}  // namespace ringfort::test
