#include "ringfort/platform/fd.hpp"

#include "ringfort/platform/duplicate.hpp"

#include <cerrno>
#include <system_error>

#include <fcntl.h>
#include <sys/resource.h>

namespace ringfort::platform {

Fd duplicate(int fd) { return Fd{::fcntl(fd, F_DUPFD_CLOEXEC, 0)}; }

Error os_error(std::string what, std::string hint) {
  return os_error(errno, std::move(what), std::move(hint));
}

Error os_error(int number, std::string what, std::string hint) {
  const auto kind = number == ENOENT ? ErrorKind::NotFound : ErrorKind::Io;
  // strerror(3) shares a buffer among threads; the category's message does not.
  what += ": " + std::generic_category().message(number);
  return Error{kind, std::move(what), std::move(hint), {}, number};
}

void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;  // then with what there is
  limit.rlim_cur = limit.rlim_max;
  (void)::setrlimit(RLIMIT_NOFILE, &limit);
}

bool means_absent(int number) {
  return number == ENOENT || number == ENOTDIR || number == ELOOP || number == ENXIO;
}

Status write_all(int fd, std::string_view text, const std::string& what) {
  while (!text.empty()) {
    const auto put = ::write(fd, text.data(), text.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return fail(os_error(what));
    text.remove_prefix(static_cast<std::size_t>(put));
  }
  return {};
}

Result<std::string> read_all(int fd, std::size_t most, const std::string& what) {
  std::string text;
  char buffer[16384];
  for (;;) {
    const auto size = ::read(fd, buffer, sizeof buffer);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return fail(os_error(what));
    if (size == 0) return text;
    text.append(buffer, static_cast<std::size_t>(size));
    if (text.size() > most) return fail(os_error(EFBIG, what));
  }
}

}  // namespace ringfort::platform
