#include "ringfort/cli/tty/terminal_session.hpp"

#include "ringfort/cli/output/terminal.hpp"
#include "ringfort/cli/output/words.hpp"

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdlib>

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

namespace ringfort::cli {
namespace {

constexpr std::size_t kMostKeys = 65536;  // a paste waits in the caller's terminal beyond that

}  // namespace

Status check_terminal() {
  if (is_terminal(STDIN_FILENO)) return {};
  return fail(ErrorKind::InvalidSpec, "--tty needs a terminal at stdin, and there is none",
              "leave out --tty, or run it from a terminal");
}

std::string terminal_type() {
  const char* type = std::getenv("TERM");
  return type == nullptr ? std::string{} : type;
}

Result<std::unique_ptr<TerminalSession>> TerminalSession::open(bool passes_input) {
  auto pty = open_pty(STDIN_FILENO);
  if (!pty) return fail(pty.error());
  platform::Fd end{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  if (!end) return fail(platform::os_error("cannot make an eventfd"));
  return std::unique_ptr<TerminalSession>(
      new TerminalSession(std::move(*pty), std::move(end), passes_input));
}

TerminalSession::TerminalSession(Pty pty, platform::Fd end, bool passes_input)
    : pty_(std::move(pty)), end_(std::move(end)), passes_input_(passes_input) {}

void TerminalSession::start() {
  if (passes_input_) raw_.emplace(STDIN_FILENO);
  thread_ = std::thread([this] { copy(); });
}

void TerminalSession::resize() { copy_size(STDIN_FILENO, pty_); }

void TerminalSession::finish() {
  if (!thread_.joinable()) return;
  const std::uint64_t one = 1;
  (void)!::write(end_.get(), &one, sizeof one);  // an eventfd at 0 takes it
  thread_.join();
  raw_.reset();
}

void TerminalSession::copy() {
  enum { kEnd, kKeys, kMaster };
  bool has_keys = passes_input_;
  for (;;) {
    const bool takes_keys = has_keys && keys_.size() < kMostKeys;
    std::array<pollfd, 3> set{
        pollfd{end_.get(), POLLIN, 0}, pollfd{takes_keys ? STDIN_FILENO : -1, POLLIN, 0},
        pollfd{pty_.master.get(), static_cast<short>(keys_.empty() ? POLLIN : POLLIN | POLLOUT),
               0}};
    if (::poll(set.data(), set.size(), -1) < 0) continue;  // EINTR
    if (set[kEnd].revents != 0) return show_rest();
    if (set[kKeys].revents != 0) has_keys = read_keys((set[kKeys].revents & POLLIN) == 0);
    if (!keys_.empty()) {
      const auto count = ::write(pty_.master.get(), keys_.data(), keys_.size());
      if (count > 0) keys_.erase(0, static_cast<std::size_t>(count));
    }
    if ((set[kMaster].revents & POLLIN) != 0) show_output();
  }
}

/// False when the caller's terminal has gone: then this process is as if HUP had been sent to it,
/// whether it leads the terminal's session or not.
bool TerminalSession::read_keys(bool has_hung_up) {
  std::array<char, 4096> buffer{};
  const auto count = has_hung_up ? -1 : ::read(STDIN_FILENO, buffer.data(), buffer.size());
  if (count > 0) keys_.append(buffer.data(), static_cast<std::size_t>(count));
  // Zero: somebody else took the bytes that poll saw.
  if (count >= 0 || (!has_hung_up && (errno == EINTR || errno == EAGAIN))) return true;
  ::kill(::getpid(), SIGHUP);
  return false;
}

/// False when nothing is there now.
bool TerminalSession::show_output() {
  std::array<char, 16384> buffer{};
  const auto count = ::read(pty_.master.get(), buffer.data(), buffer.size());
  if (count <= 0) return count < 0 && errno == EINTR;
  // A stdout that has gone must not hold the program: it is read all the same.
  write_all(STDOUT_FILENO, {buffer.data(), static_cast<std::size_t>(count)});
  return true;
}

void TerminalSession::show_rest() {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds{1};
  while (show_output() && std::chrono::steady_clock::now() < end) {
  }
}

}  // namespace ringfort::cli
