// Policy -> SBPL text for macOS; generated on every system and written to sandbox.sb. Pure.
#pragma once

#include "ringfort/platform/policy.hpp"

#include <string>
#include <string_view>

namespace ringfort::platform {

/// The whole profile, in the order of sections that the seed has. Errors: InvalidSpec for a path
/// with NUL or control bytes (nothing is ever pasted unescaped).
Result<std::string> seatbelt_profile(const Policy& policy);

/// `text` as an SBPL string literal, quotes included. The only way a path enters the profile.
Result<std::string> sbpl_string(std::string_view text);

}  // namespace ringfort::platform
