// A child process of a test: runs a lambda, ends with its answer, is killed at the latest when it
// goes out of scope.
#pragma once

#include <array>
#include <csignal>
#include <functional>
#include <utility>

#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

namespace ringfort::test {

class Child {
 public:
  /// `body` runs in the child with a function that tells the parent "I am ready"; what it returns
  /// is the exit code.
  explicit Child(const std::function<int(const std::function<void()>& ready)>& body) {
    std::array<int, 2> pipe{-1, -1};
    if (::pipe(pipe.data()) != 0) return;
    pid_ = ::fork();
    if (pid_ == 0) {
      ::close(pipe[0]);
      const int writer = pipe[1];
      ::_exit(body([writer] { (void)!::write(writer, "r", 1); }));
    }
    ::close(pipe[1]);
    ready_ = pipe[0];
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() {
    kill();
    if (ready_ >= 0) ::close(ready_);
  }

  pid_t pid() const { return pid_; }

  /// Has the child said that it is ready? Waits up to ten seconds for the word.
  bool is_ready() const {
    pollfd waiting{ready_, POLLIN, 0};
    char word = 0;
    return ::poll(&waiting, 1, 10000) == 1 && ::read(ready_, &word, 1) == 1;
  }

  /// Its wait status.
  int wait() {
    int status = -1;
    if (pid_ > 0) ::waitpid(pid_, &status, 0);
    pid_ = -1;
    return status;
  }

  void kill() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    wait();
  }

 private:
  pid_t pid_ = -1;
  int ready_ = -1;
};

}  // namespace ringfort::test
