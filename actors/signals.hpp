// Names of signals.
#pragma once

#include "ringfort/specs/result.hpp"

#include <string_view>

namespace ringfort::actors {

/// "TERM", "SIGTERM", " term " or "15". Error: InvalidSpec naming what is allowed.
Result<int> parse_signal(std::string_view text);

}  // namespace ringfort::actors
