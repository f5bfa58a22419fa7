#include "ringfort/cli/tty/raw_mode.hpp"

#include <array>
#include <csignal>

#include <pthread.h>
#include <termios.h>

namespace ringfort::cli {
namespace {

// A signal handler reaches nothing but statics.
termios saved_modes;
volatile std::sig_atomic_t raw_fd = -1;

constexpr std::array<int, 5> kCrashes{SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL};

/// Safe in a signal handler: tcsetattr is. signal-safety(7).
void restore() {
  if (raw_fd < 0) return;
  // Not after what is being written: a reader that has gone would hold us for ever.
  ::tcsetattr(raw_fd, TCSANOW, &saved_modes);
  raw_fd = -1;
}

void on_crash(int number) {
  restore();
  ::raise(number);  // its disposition is the default one again: SA_RESETHAND
}

void set_crash_handlers(void (*handler)(int)) {
  struct sigaction action {};
  action.sa_handler = handler;
  action.sa_flags = static_cast<int>(SA_RESETHAND);
  for (const int number : kCrashes) ::sigaction(number, &action, nullptr);
}

}  // namespace

RawMode::RawMode(int fd) {
  if (::tcgetattr(fd, &saved_modes) != 0) return;
  // In the background, changing the modes would stop us, restoring them too. tcsetattr(3p).
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTTOU);
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  termios raw = saved_modes;
  ::cfmakeraw(&raw);
  raw.c_cc[VMIN] = 0;
  raw.c_cc[VTIME] = 0;
  raw_fd = fd;
  set_crash_handlers(on_crash);
  ::tcsetattr(fd, TCSANOW, &raw);
}

RawMode::~RawMode() {
  if (raw_fd < 0) return;
  restore();
  set_crash_handlers(SIG_DFL);
}

}  // namespace ringfort::cli
