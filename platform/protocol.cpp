#include "ringfort/platform/protocol.hpp"

extern "C" const std::uint8_t ringfort_shim_protocol;  // beside the helper's image

namespace ringfort::platform {

std::uint8_t helper_protocol() { return ringfort_shim_protocol; }

}  // namespace ringfort::platform
