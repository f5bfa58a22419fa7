// What macOS wants opened for a GPU, as lists. How they are written:
// seatbelt_profile.cpp.
#pragma once

#include <span>
#include <string_view>

namespace ringfort::platform {

struct SeatbeltGpu {
  using List = std::span<const std::string_view>;
  std::string_view title;
  List open;         ///< IOKit user client classes, for iokit-open
  List open_client;  ///< the same for iokit-open-user-client
  List properties;   ///< readable IOKit properties
  List services;     ///< global Mach names
  List xpc_prefixes;
  List preferences;  ///< preference domains
  List libraries;    ///< readable directories
};

/// Shaders are compiled at run time.
const SeatbeltGpu& seatbelt_metal_compute();

/// Only what Metal Performance Shaders bring precompiled; no compiler service.
const SeatbeltGpu& seatbelt_mps_only();

}  // namespace ringfort::platform
