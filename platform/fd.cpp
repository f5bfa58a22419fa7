#include "ringfort/platform/fd.hpp"

#include <cerrno>
#include <system_error>

namespace ringfort::platform {

Error os_error(std::string what, std::string hint) {
  return os_error(errno, std::move(what), std::move(hint));
}

Error os_error(int number, std::string what, std::string hint) {
  const auto kind = number == ENOENT ? ErrorKind::NotFound : ErrorKind::Io;
  // strerror(3) shares a buffer among threads; the category's message does not.
  what += ": " + std::generic_category().message(number);
  return Error{kind, std::move(what), std::move(hint), {}, number};
}

}  // namespace ringfort::platform
