// A copy of somebody else's descriptor.
#pragma once

#include "ringfort/platform/fd.hpp"

namespace ringfort::platform {

/// Close-on-exec; invalid when there is none to be had.
Fd duplicate(int fd);

}  // namespace ringfort::platform
