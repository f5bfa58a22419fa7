// Which version of the protocol with zygote and shims this build speaks, and which it understands.
#pragma once

#include <cstdint>

namespace ringfort::platform {

/// Shims of this version and later can be taken over. What is in wire.hpp only ever grows at its
/// end: records keep their layout, a plan's header gets new fields, requests get new operations. So
/// an older shim is spoken to in its own version and is not asked for what it does not know.
inline constexpr std::uint8_t kOldestProtocol = 1;

/// Of the helper that is built into this program.
std::uint8_t helper_protocol();

/// May a shim of that version be asked for something?
inline bool understands(std::uint32_t version) {
  return version >= kOldestProtocol && version <= helper_protocol();
}

}  // namespace ringfort::platform
