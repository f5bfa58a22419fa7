#include "ringfort/cli/signals.hpp"

#include <array>
#include <utility>

#include <pthread.h>

namespace ringfort::cli {
namespace {

constexpr std::array<std::pair<int, std::string_view>, 8> forwarded{{
    {SIGHUP, "HUP"},
    {SIGINT, "INT"},
    {SIGQUIT, "QUIT"},
    {SIGUSR1, "USR1"},
    {SIGUSR2, "USR2"},
    {SIGALRM, "ALRM"},
    {SIGTERM, "TERM"},
    {SIGWINCH, "WINCH"},
}};

/// Wakes the listener's thread when it is to end. Nobody sends it by itself: we have no sockets
/// with urgent data.
constexpr int wake_up = SIGURG;

sigset_t set_of_forwarded() {
  sigset_t set;
  sigemptyset(&set);
  for (const auto& [number, name] : forwarded) sigaddset(&set, number);
  sigaddset(&set, wake_up);
  return set;
}

}  // namespace

void block_signals() {
  sigset_t set = set_of_forwarded();
  sigaddset(&set, SIGPIPE);
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

std::string_view signal_name(int number) {
  for (const auto& [known, name] : forwarded)
    if (known == number) return name;
  return {};
}

SignalListener::SignalListener(std::function<void(int)> heard) : heard_(std::move(heard)) {
  thread_ = std::thread([this] {
    const sigset_t set = set_of_forwarded();
    int number = 0;
    while (::sigwait(&set, &number) == 0 && number != wake_up) heard_(number);
  });
}

SignalListener::~SignalListener() {
  ::pthread_kill(thread_.native_handle(), wake_up);
  thread_.join();
}

}  // namespace ringfort::cli
