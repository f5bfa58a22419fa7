#include "ringfort/platform/fd.hpp"
#include "ringfort/platform/spawner.hpp"
#include "ringfort/support/eventually.hpp"

#include <gtest/gtest.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <future>
#include <string>

#include <sys/eventfd.h>
#include <unistd.h>

namespace ringfort::platform {
namespace {

/// Has any eventfd of this process been written to twice and not been read? proc_pid_fdinfo(5).
bool two_wake_ups_wait() {
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fdinfo")) {
    std::ifstream info(entry.path());
    for (std::string word; info >> word;)
      if (word == "eventfd-count:" && info >> word && word == "2") return true;
  }
  return false;
}

TEST(EventLoop, EndsThoughOneReadTakesTheWakeUpOfItsEnd) {
  ::alarm(60);  // one that does not end would hang the test
  auto loop = EventLoop::start();
  ASSERT_TRUE(loop);
  // A watch that is busy when it becomes ready again, and the wake-up, come with the same look: the
  // watch first, as it was ready before.
  const Fd busy{::eventfd(1, EFD_CLOEXEC)};
  std::array<std::promise<void>, 2> has_begun;
  std::promise<void> is_ready_again;
  std::size_t round = 0;
  bool both = false;
  (*loop)->watch(busy.get(), [&](std::uint32_t) {
    eventfd_t count = 0;
    EXPECT_EQ(::eventfd_read(busy.get(), &count), 0);
    has_begun.at(round).set_value();
    if (round++ == 0) return is_ready_again.get_future().wait();
    both = test::eventually(std::chrono::seconds(10), two_wake_ups_wait);
  });
  has_begun[0].get_future().wait();
  EXPECT_EQ(::eventfd_write(busy.get(), 1), 0);
  (*loop)->run_after(Duration{0}, [] {});
  is_ready_again.set_value();
  has_begun[1].get_future().wait();
  loop->reset();
  EXPECT_TRUE(both);
  ::alarm(0);
}

}  // namespace
}  // namespace ringfort::platform
