// Signals as events: blocked before the first thread, then taken one by one on a thread of our own.
#pragma once

#include <csignal>
#include <functional>
#include <string_view>
#include <thread>

namespace ringfort::cli {

/// Blocks what the verbs forward, and SIGPIPE, for this thread and all that it will make. Must come
/// before any of them; programs start with a mask of their own.
void block_signals();

/// "TERM" for SIGTERM; only for those that block_signals blocks.
std::string_view signal_name(int number);

/// Calls `heard` with the number of each signal that arrives, those since block_signals included.
class SignalListener {
 public:
  explicit SignalListener(std::function<void(int)> heard);
  ~SignalListener();
  SignalListener(const SignalListener&) = delete;
  SignalListener& operator=(const SignalListener&) = delete;

 private:
  std::function<void(int)> heard_;
  std::thread thread_;
};

}  // namespace ringfort::cli
