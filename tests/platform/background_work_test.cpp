#include "ringfort/platform/background_work.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <future>
#include <mutex>
#include <thread>

namespace ringfort::platform {
namespace {

TEST(BackgroundWork, DrainWaitsForAllThatWasGiven) {
  std::atomic<int> done = 0;
  BackgroundWork work;
  for (int i = 0; i < 1000; ++i) {
    work.run([&] {
      std::this_thread::yield();
      ++done;
    });
  }

  work.drain();

  EXPECT_EQ(done, 1000);
}

TEST(BackgroundWork, DrainWaitsForWhatIsBeingDone) {
  std::promise<void> begun;
  std::promise<void> gate;
  BackgroundWork work;
  work.run([&] {
    begun.set_value();
    gate.get_future().wait();
  });
  begun.get_future().wait();

  auto drained = std::async(std::launch::async, [&] { work.drain(); });
  EXPECT_EQ(drained.wait_for(std::chrono::milliseconds(20)), std::future_status::timeout);
  gate.set_value();
  drained.get();
}

TEST(BackgroundWork, TheDestructorDoesWhatIsLeft) {
  std::atomic<int> done = 0;
  {
    BackgroundWork work;
    for (int i = 0; i < 100; ++i) {
      work.run([&] { ++done; });
    }
  }
  EXPECT_EQ(done, 100);
}

TEST(BackgroundWork, WhenTooMuchWaitsTheCallerDoesItHimself) {
  std::mutex mutex;
  std::condition_variable opened;
  bool is_open = false;
  std::atomic<int> on_caller = 0;
  BackgroundWork work;
  const auto caller = std::this_thread::get_id();
  const auto blocked = [&] {
    if (std::this_thread::get_id() == caller) {
      ++on_caller;
      return;
    }
    std::unique_lock lock(mutex);
    opened.wait(lock, [&] { return is_open; });
  };

  // No thread gets on, so all that is beyond the bound comes back at once.
  for (int i = 0; i < 500; ++i) work.run(blocked);

  EXPECT_GE(on_caller, 300);
  {
    const std::lock_guard lock(mutex);
    is_open = true;
  }
  opened.notify_all();
  work.drain();
}

}  // namespace
}  // namespace ringfort::platform
