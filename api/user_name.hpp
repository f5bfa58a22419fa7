// Names of users, as the caller writes them.
#pragma once

#include "ringfort/specs/result.hpp"

#include <string>
#include <string_view>

namespace ringfort {

/// "web", "web:www", "1000" or "1000:1000" as "UID:GID". A user's name alone brings its own group.
Result<std::string> user_in_numbers(std::string_view text);

}  // namespace ringfort
