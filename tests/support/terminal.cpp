#include "ringfort/support/terminal.hpp"

#include <array>
#include <chrono>
#include <csignal>
#include <cstdlib>

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace ringfort::test {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::seconds kPatience{20};

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> result;
  for (auto& text : texts) result.push_back(text.data());
  result.push_back(nullptr);
  return result;
}

}  // namespace

Terminal::Terminal(const std::vector<std::string>& argv, const ProgramOptions& options, Size size) {
  master_ = ::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (master_ < 0 || ::unlockpt(master_) != 0) return;
  slave_ = ::ioctl(master_, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
  resize(size);
  std::vector<std::string> words = argv;
  const char* path = std::getenv("PATH");
  std::vector<std::string> variables{
      std::string("PATH=") + (path == nullptr ? "/usr/bin:/bin" : path), "TERM=xterm"};
  for (const auto& [name, value] : options.env) variables.push_back(name + "=" + value);
  auto word_pointers = pointers(words);
  auto variable_pointers = pointers(variables);
  pid_ = ::fork();
  if (pid_ != 0) return;
  ::setsid();
  ::ioctl(slave_, TIOCSCTTY, 0);
  for (int fd = 0; fd < 3; ++fd) ::dup2(slave_, fd);
  if (!options.directory.empty() && ::chdir(options.directory.c_str()) != 0) ::_exit(99);
  ::execvpe(word_pointers[0], word_pointers.data(), variable_pointers.data());
  ::_exit(98);
}

Terminal::~Terminal() {
  if (pid_ > 0) {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  for (const int fd : {master_, slave_})
    if (fd >= 0) ::close(fd);
}

void Terminal::signal(int number) const {
  if (pid_ > 0) ::kill(pid_, number);
}

void Terminal::type(std::string_view keys) const {
  (void)!::write(master_, keys.data(), keys.size());
}

void Terminal::resize(Size size) const {
  const winsize wanted{size.rows, size.columns, 0, 0};
  ::ioctl(master_, TIOCSWINSZ, &wanted);
}

/// Reads what is there, or waits a little for more.
bool Terminal::pump() {
  pollfd set{master_, POLLIN, 0};
  if (::poll(&set, 1, 20) <= 0) return false;
  std::array<char, 4096> buffer{};
  const auto count = ::read(master_, buffer.data(), buffer.size());
  if (count > 0) shown_.append(buffer.data(), static_cast<std::size_t>(count));
  return count > 0;
}

bool Terminal::has_shown(std::string_view text) {
  const auto end = Clock::now() + kPatience;
  while (shown_.find(text) == std::string::npos) {
    siginfo_t info{};
    const bool has_ended = pid_ < 0 || (::waitid(P_PID, static_cast<id_t>(pid_), &info,
                                                 WEXITED | WNOHANG | WNOWAIT) == 0 &&
                                        info.si_pid == pid_);
    if (!pump() && (has_ended || Clock::now() > end)) break;
  }
  return shown_.find(text) != std::string::npos;
}

termios Terminal::modes() const {
  termios modes{};
  ::tcgetattr(master_, &modes);
  return modes;
}

int Terminal::finish() {
  const auto end = Clock::now() + kPatience;
  int status = 0;
  while (pid_ > 0 && ::waitpid(pid_, &status, WNOHANG) == 0) {
    pump();
    if (Clock::now() > end) ::kill(pid_, SIGKILL);
  }
  pid_ = -1;
  while (pump()) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

bool same_modes(const termios& one, const termios& other) {
  return one.c_iflag == other.c_iflag && one.c_oflag == other.c_oflag &&
         one.c_lflag == other.c_lflag && one.c_cflag == other.c_cflag;
}

}  // namespace ringfort::test
