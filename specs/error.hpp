// What went wrong, as a value. Not an exception type: see result.hpp.
#pragma once

#include <string>
#include <string_view>

namespace ringfort {

/// The kinds a caller may switch on. Stable: they appear in JSON by name.
enum class ErrorKind {
  NotFound,      ///< no such container, image, service or path
  CreateFailed,  ///< the container could not be made; nothing was left behind
  StartFailed,   ///< a step between clone and exec failed; `what` names step and errno
  InvalidSpec,   ///< the caller's input is wrong
  Conflict,      ///< the id is in use, or the state does not allow the call
  Timeout,       ///< the call's own patience ended
  Unsupported,   ///< this machine, level or version can't do it
  PullFailed,    ///< an image could not be had
  Io,            ///< the operating system refused; `what` carries path and errno text
  Internal,      ///< a defect of ours
};

std::string_view to_string(ErrorKind kind);

/// One failure. `what` is the fact with its value, `hint` the next line to type (may be empty).
struct Error {
  ErrorKind kind = ErrorKind::Internal;
  std::string what;
  std::string hint;
  std::string container;  ///< `<service>-<replica>`, empty when no container is concerned
  int os_errno = 0;       ///< the errno behind it, 0 if none

  bool operator==(const Error&) const = default;
};

/// "what. hint" on one line, with the container in front when there is one.
std::string to_string(const Error& error);

}  // namespace ringfort
