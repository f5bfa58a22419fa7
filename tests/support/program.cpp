#include "ringfort/support/program.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

namespace ringfort::test {
namespace {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> result;
  for (auto& text : texts) result.push_back(text.data());
  result.push_back(nullptr);
  return result;
}

[[noreturn]] void become(std::vector<char*>& argv, std::vector<char*>& env,
                         const std::string& directory, const std::array<int, 3>& streams) {
  for (int fd = 0; fd < 3; ++fd) ::dup2(streams[static_cast<std::size_t>(fd)], fd);
  if (!directory.empty() && ::chdir(directory.c_str()) != 0) ::_exit(99);
  ::signal(SIGPIPE, SIG_DFL);
  ::execvpe(argv[0], argv.data(), env.data());
  ::_exit(98);
}

void read_some(int& fd, std::string& text) {
  std::array<char, 65536> buffer{};
  const auto count = ::read(fd, buffer.data(), buffer.size());
  if (count > 0) {
    text.append(buffer.data(), static_cast<std::size_t>(count));
  } else if (count == 0 || errno != EINTR) {
    ::close(fd);
    fd = -1;
  }
}

}  // namespace

Program::Program(const std::vector<std::string>& argv, const ProgramOptions& options)
    : stdin_text_(options.stdin_text), keeps_stdin_open_(options.keeps_stdin_open) {
  std::array<int, 2> in{-1, -1};
  std::array<int, 2> out{-1, -1};
  std::array<int, 2> err{-1, -1};
  for (auto* pipe : {&in, &out, &err})
    if (::pipe2(pipe->data(), O_CLOEXEC) != 0) return;

  std::vector<std::string> words = argv;
  const char* path = std::getenv("PATH");
  std::vector<std::string> variables{std::string("PATH=") +
                                     (path == nullptr ? "/usr/bin:/bin" : path)};
  for (const auto& [name, value] : options.env) variables.push_back(name + "=" + value);
  auto word_pointers = pointers(words);
  auto variable_pointers = pointers(variables);

  pid_ = ::fork();
  if (pid_ == 0)
    become(word_pointers, variable_pointers, options.directory, {in[0], out[1], err[1]});
  for (const int fd : {in[0], out[1], err[1]}) ::close(fd);
  ::fcntl(in[1], F_SETFL, O_NONBLOCK);
  in_ = in[1];
  out_ = out[0];
  err_ = err[0];
}

Program::~Program() {
  if (pid_ > 0) {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  for (const int fd : {in_, out_, err_})
    if (fd >= 0) ::close(fd);
}

void Program::signal(int number) const {
  if (pid_ > 0) ::kill(pid_, number);
}

bool Program::pump(int patience_ms) {
  if (out_ < 0 && err_ < 0) return false;
  const bool is_fed = fed_ == stdin_text_.size();
  if (in_ >= 0 && is_fed && !keeps_stdin_open_) {
    ::close(in_);
    in_ = -1;
  }
  std::array<pollfd, 3> ready{pollfd{is_fed ? -1 : in_, POLLOUT, 0}, pollfd{out_, POLLIN, 0},
                              pollfd{err_, POLLIN, 0}};
  if (::poll(ready.data(), ready.size(), patience_ms) <= 0) return true;
  if (ready[0].revents != 0) {
    const auto count = ::write(in_, stdin_text_.data() + fed_, stdin_text_.size() - fed_);
    fed_ = count < 0 && errno != EAGAIN
               ? stdin_text_.size()
               : fed_ + static_cast<std::size_t>(std::max<ssize_t>(count, 0));
  }
  if (ready[1].revents != 0) read_some(out_, outcome_.out);
  if (ready[2].revents != 0) read_some(err_, outcome_.err);
  return true;
}

bool Program::has_said(std::string_view text) {
  const auto end = Clock::now() + 20s;
  while (outcome_.out.find(text) == std::string::npos)
    if (Clock::now() > end || !pump(100)) return outcome_.out.find(text) != std::string::npos;
  return true;
}

Outcome Program::finish() {
  const auto end = Clock::now() + 60s;
  while (pump(100))
    if (Clock::now() > end) {
      outcome_.err += "[killed by the test after a minute]";
      ::kill(pid_, SIGKILL);
      break;
    }
  int status = 0;
  if (pid_ > 0 && ::waitpid(pid_, &status, 0) == pid_)
    outcome_.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  pid_ = -1;
  return outcome_;
}

Outcome run_program(const std::vector<std::string>& argv, const ProgramOptions& options) {
  return Program(argv, options).finish();
}

}  // namespace ringfort::test
