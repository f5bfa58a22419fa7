// File names that nobody else chooses.
#pragma once

#include <string>

namespace ringfort::platform {

/// 32 hex digits from the kernel's random source.
std::string random_name();

}  // namespace ringfort::platform
