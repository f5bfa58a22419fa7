// An owned file descriptor, and errno as an Error.
#pragma once

#include "ringfort/specs/result.hpp"

#include <cerrno>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include <unistd.h>

namespace ringfort::platform {

/// Owns one descriptor; closes it in its destructor. A raw `int x_fd` elsewhere is borrowed.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) noexcept : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    if (this != &other) {
      reset();
      fd_ = std::exchange(other.fd_, -1);
    }
    return *this;
  }
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  ~Fd() { reset(); }

  int get() const noexcept { return fd_; }
  explicit operator bool() const noexcept { return fd_ >= 0; }
  int release() noexcept { return std::exchange(fd_, -1); }
  void reset() noexcept {
    // close(2) frees the number even when it reports an error, so there is nothing to retry.
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }

 private:
  int fd_ = -1;
};

/// errno as an Error of kind Io (NotFound for ENOENT): "<what>: <errno text>".
Error os_error(std::string what, std::string hint = {});
Error os_error(int number, std::string what, std::string hint = {});

/// Does this errno of an open say that there is no such file, or none of ours (a link, a socket)?
/// Any other leaves it open whether there is one.
bool means_absent(int number);

/// What `call` returns once no signal interrupts it. signal(7).
template <class SystemCall>
auto again_after_signal(SystemCall&& call) {
  auto result = call();
  while (result < 0 && errno == EINTR) result = call();
  return result;
}

/// Lets this process have as many descriptors as its hard limit allows: each container takes two or
/// more, and the usual soft limit is 1024. For commands; a library leaves it to its host program,
/// which may use select(2). Programs inside get a limit of their own. getrlimit(2).
void raise_descriptor_limit();

/// All of `text` at the descriptor's position.
Status write_all(int fd, std::string_view text, const std::string& what);

/// From the descriptor's position to the end; EFBIG when there is more than `most`.
Result<std::string> read_all(int fd, std::size_t most, const std::string& what);

}  // namespace ringfort::platform
