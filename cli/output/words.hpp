// What ringfort itself says: one line each, to stderr, behind "ringfort: ".
#pragma once

#include "ringfort/specs/error.hpp"

#include <string>
#include <string_view>

namespace ringfort::cli {

/// "ringfort: what; hint; see: ringfort VERB --help" with a newline. The last part is left out when
/// the hint holds a command already. `verb` empty = `ringfort --help`.
std::string error_line(const Error& error, std::string_view verb);

void say(std::string_view text);   ///< "ringfort: text"
void warn(std::string_view text);  ///< "ringfort: warning: text"
void print_error(const Error& error, std::string_view verb);

/// Writes all of it; false when the reader has gone (the caller blocks or ignores SIGPIPE).
bool write_all(int fd, std::string_view text);

}  // namespace ringfort::cli
