#include "ringfort/specs/error.hpp"

#include "ringfort/specs/names.hpp"

#include <cstddef>

namespace ringfort {
namespace {

/// Whole text, made fit for one line of a terminal or a log.
std::string on_one_line(std::string_view text) { return printable(text, std::string_view::npos); }

bool ends_a_sentence(std::string_view text) {
  return text.ends_with('.') || text.ends_with('?') || text.ends_with('!');
}

}  // namespace

std::string_view to_string(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::NotFound:
      return "NotFound";
    case ErrorKind::CreateFailed:
      return "CreateFailed";
    case ErrorKind::StartFailed:
      return "StartFailed";
    case ErrorKind::InvalidSpec:
      return "InvalidSpec";
    case ErrorKind::Conflict:
      return "Conflict";
    case ErrorKind::Timeout:
      return "Timeout";
    case ErrorKind::Unsupported:
      return "Unsupported";
    case ErrorKind::PullFailed:
      return "PullFailed";
    case ErrorKind::Io:
      return "Io";
    case ErrorKind::Internal:
      return "Internal";
  }
  return "Internal";
}

std::string to_string(const Error& error) {
  std::string text;
  if (!error.container.empty()) text = on_one_line(error.container) + ": ";
  text += on_one_line(error.what);
  if (!error.hint.empty()) text += (ends_a_sentence(text) ? " " : ". ") + on_one_line(error.hint);
  return text;
}

}  // namespace ringfort
