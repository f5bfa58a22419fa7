// Waiting for something that becomes true in another process or thread, with a bound.
#pragma once

#include <chrono>
#include <thread>

namespace ringfort::test {

/// Asks again and again until `is_true()` or until `patience` is over. For what no descriptor and
/// no call can be waited for; a test never sleeps for a fixed time.
template <class Question>
bool eventually(std::chrono::milliseconds patience, Question is_true,
                std::chrono::milliseconds pause = std::chrono::milliseconds(2)) {
  const auto end = std::chrono::steady_clock::now() + patience;
  while (!is_true()) {
    if (std::chrono::steady_clock::now() >= end) return is_true();
    std::this_thread::sleep_for(pause);
  }
  return true;
}

}  // namespace ringfort::test
