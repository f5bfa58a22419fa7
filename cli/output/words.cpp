#include "ringfort/cli/output/words.hpp"

#include "ringfort/specs/names.hpp"

#include <cerrno>

#include <poll.h>
#include <unistd.h>

namespace ringfort::cli {
namespace {

std::string on_one_line(std::string_view text) { return printable(text, std::string_view::npos); }

}  // namespace

std::string error_line(const Error& error, std::string_view verb) {
  std::string what = on_one_line(error.what);
  while (what.ends_with('.')) what.pop_back();
  std::string hint = on_one_line(error.hint);
  while (hint.ends_with('.')) hint.pop_back();

  std::string line = "ringfort: ";
  if (!error.container.empty() && what.find(error.container) == std::string::npos)
    line += on_one_line(error.container) + ": ";
  line += what;
  if (!hint.empty()) line += "; " + hint;
  if (hint.find("ringfort ") == std::string::npos) {
    line += "; see: ringfort ";
    if (!verb.empty()) line += std::string{verb} + " ";
    line += "--help";
  }
  return line + "\n";
}

bool write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const auto count = ::write(fd, text.data(), text.size());
    if (count >= 0) {
      text.remove_prefix(static_cast<std::size_t>(count));
    } else if (errno == EAGAIN) {
      pollfd ready{fd, POLLOUT, 0};
      ::poll(&ready, 1, -1);
    } else if (errno != EINTR) {
      return false;
    }
  }
  return true;
}

void say(std::string_view text) {
  write_all(STDERR_FILENO, "ringfort: " + on_one_line(text) + "\n");
}

void warn(std::string_view text) { say("warning: " + std::string{text}); }

void print_error(const Error& error, std::string_view verb) {
  write_all(STDERR_FILENO, error_line(error, verb));
}

}  // namespace ringfort::cli
