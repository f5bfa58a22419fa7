// Where the system allows no more threads, an actor that blocks works on those that are there.
#include "ringfort/messages/ask.hpp"
#include "ringfort/messages/configure.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>

#include <sys/resource.h>
#include <unistd.h>

namespace ringfort::messages {
namespace {

struct WhichThread {};

}  // namespace
}  // namespace ringfort::messages

RINGFORT_MESSAGE(ringfort::messages::WhichThread)

namespace ringfort::messages {
namespace {

using Answerer = Actor<Result<bool>(WhichThread)>;

/// Whether it has been asked before; what it is does not matter.
class Counting {
 public:
  using Handle = Answerer;
  static constexpr const char* name = "counting";
  explicit Counting(Self<Handle>) {}

  Handle::behavior_type make_behavior() {
    return {[this](const WhichThread&) { return Result<bool>{std::exchange(asked_, true)}; }};
  }

 private:
  bool asked_ = false;
};

bool system_refuses_threads() {
  try {
    std::thread([] {}).join();
    return false;
  } catch (const std::system_error&) {
    return true;
  }
}

/// In a process of its own: 0 when all went well.
[[noreturn]] void answer_without_threads() {
  int code = 0;
  {
    caf::actor_system_config config;
    configure(config, 1);
    caf::actor_system system{config};
    if (::getuid() == 0 && ::setresuid(65533, 65533, 65533) != 0) std::_Exit(2);
    const rlimit none{0, 0};
    if (::setrlimit(RLIMIT_NPROC, &none) != 0 || !system_refuses_threads()) std::_Exit(3);

    auto answerer = spawn_blocking_state<Counting>(system);
    for (const bool before : {false, true}) {
      const auto answer =
          ask<Result<bool>>(system, answerer, std::chrono::seconds(30), WhichThread{});
      if (!answer || *answer != before) code = 4;
    }
    caf::anon_send_exit(answerer, caf::exit_reason::user_shutdown);
  }
  // The system's end waits for all that it has counted: a wrong count hangs here.
  std::_Exit(code);
}

TEST(BlockingStateDeathTest, WorksWhereNoThreadIsToBeHad) {
  testing::GTEST_FLAG(death_test_style) = "threadsafe";
  EXPECT_EXIT(answer_without_threads(), testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace ringfort::messages
