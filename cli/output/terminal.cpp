#include "ringfort/cli/output/terminal.hpp"

#include <cstdlib>

#include <sys/ioctl.h>
#include <unistd.h>

namespace ringfort::cli {
namespace {

std::string_view variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string_view{} : value;
}

}  // namespace

bool is_terminal(int fd) { return ::isatty(fd) != 0; }

bool may_colour(int fd) {
  return is_terminal(fd) && variable("NO_COLOR").empty() && variable("TERM") != "dumb";
}

TerminalSize terminal_size(int fd) {
  winsize size{};
  if (::ioctl(fd, TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row == 0) return {};
  return {size.ws_col, size.ws_row};
}

std::string Paint::operator()(Colour colour, std::string_view text) const {
  if (!is_on_) return std::string{text};
  return "\x1b[" + std::to_string(static_cast<int>(colour)) + "m" + std::string{text} + "\x1b[0m";
}

}  // namespace ringfort::cli
