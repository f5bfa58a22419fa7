// Result<T>: what every fallible function of ours returns.
#pragma once

#include "ringfort/specs/error.hpp"

#include <tl/expected.hpp>

#include <string>
#include <utility>

namespace ringfort {

template <class T>
using Result = tl::expected<T, Error>;

/// Nothing to return but success.
using Status = Result<void>;

inline tl::unexpected<Error> fail(Error error) { return tl::unexpected<Error>(std::move(error)); }

inline tl::unexpected<Error> fail(ErrorKind kind, std::string what, std::string hint = {}) {
  return tl::unexpected<Error>(Error{kind, std::move(what), std::move(hint), {}, 0});
}

}  // namespace ringfort
