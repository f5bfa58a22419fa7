#include "ringfort/platform/port_table.hpp"

#include <array>
#include <cerrno>

#include <fcntl.h>

namespace ringfort::platform {

int PortTable::file(int flags) {
  const std::lock_guard lock(mutex_);
  if (!file_)
    file_ = Fd{again_after_signal([&] {
      return ::openat(root_fd_, ".ports", O_RDWR | O_NOFOLLOW | O_CLOEXEC | flags, 0600);
    })};
  return file_.get();
}

bool PortTable::has(std::uint16_t port) {
  char taken = 0;
  const int fd = file(0);
  return fd >= 0 && ::pread(fd, &taken, 1, port) == 1 && taken != 0;
}

Status PortTable::set(std::uint16_t port, bool taken) {
  const char byte = taken ? 1 : 0;
  const int fd = file(taken ? O_CREAT : 0);
  if (fd < 0 && !taken && errno == ENOENT) return {};  // nothing was ever taken
  if (fd < 0 || ::pwrite(fd, &byte, 1, port) != 1)
    return fail(os_error("cannot note the port in .ports", "make the data directory writable"));
  return {};
}

std::set<std::uint16_t> PortTable::strays(const std::set<std::uint16_t>& known) {
  std::array<char, 65536> bytes{};
  std::set<std::uint16_t> found;
  const int fd = file(0);
  const auto size = fd >= 0 ? ::pread(fd, bytes.data(), bytes.size(), 0) : 0;
  for (ssize_t port = 0; port < size; ++port) {
    const auto number = static_cast<std::uint16_t>(port);
    if (bytes[static_cast<std::size_t>(port)] != 0 && !known.contains(number)) found.insert(number);
  }
  return found;
}

}  // namespace ringfort::platform
