// The clock and the name of this boot.
#pragma once

#include "ringfort/specs/restart.hpp"

#include <string>

namespace ringfort::platform {

/// /proc/sys/kernel/random/boot_id; empty where it can't be read. random(4).
std::string boot_id();

/// CLOCK_BOOTTIME: goes on while the machine sleeps, and does not jump with the wall clock.
/// clock_gettime(2).
specs::BootTime boot_time();

}  // namespace ringfort::platform
