// Hears of a program's accesses while they are made, through seccomp's user notification, and lets
// all of them go on: what is allowed stays the kernel's to say. seccomp_unotify(2).
// No security boundary: between the look and the kernel's own reading the program can change what
// it has asked for, so what is heard is what it said, and nothing is decided by it.
#pragma once

#include "ringfort/platform/fd.hpp"
#include "ringfort/platform/verdict.hpp"

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <thread>

namespace ringfort::platform {

struct TracedCall {
  Question question;     ///< with an absolute path, as the program sees it
  bool creates = false;  ///< of a write: something may be new
};

class Tracer {
 public:
  /// `heard` is called on the tracer's thread, before the call goes on. Errors: Io.
  using Heard = std::function<void(const TracedCall&)>;
  static Result<std::unique_ptr<Tracer>> start(Heard heard);
  ~Tracer();  ///< as finish()
  Tracer(const Tracer&) = delete;
  Tracer& operator=(const Tracer&) = delete;

  /// For RunRequest::trace_fd; open until finish().
  int program_fd() const { return program_end_.get(); }
  /// Hears what is waiting, and ends. Calls that the program makes later fail with ENOSYS.
  void finish();
  /// Calls whose words could not be read: of programs that nobody may look into.
  std::uint64_t unread() const { return unread_; }

 private:
  Tracer(Heard heard, Fd own_end, Fd program_end, Fd stop);
  void run();
  bool take_listener();
  bool answer_one();

  Heard heard_;
  Fd own_end_;
  Fd program_end_;
  Fd stop_;
  Fd listener_;
  std::atomic<std::uint64_t> unread_{0};
  bool has_read_ = false;  ///< before its exec a program's memory is ringfort's own, and closed
  std::thread thread_;
};

}  // namespace ringfort::platform
