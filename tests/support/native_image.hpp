// A native image: host programs alone, without the libraries they need.
#pragma once

#include <string>
#include <string_view>

namespace ringfort::test {

/// Makes `<sources>/<image with / : @ as _>` of the host's echo, sleep, sh, cat, ls, env, true and
/// false, unless it is there, and returns its path. Whole or absent, however many do it at once.
std::string native_source(const std::string& sources, std::string_view image);

}  // namespace ringfort::test
