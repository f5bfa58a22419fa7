// File names that nobody else chooses.
#pragma once

#include <cstdint>
#include <string>

namespace ringfort::platform {

/// 32 hex digits from the kernel's random source.
std::string random_name();

/// For numbers that no other process may be using. Never 0.
std::uint64_t random_number();

}  // namespace ringfort::platform
