// A failed step between clone and exec, in words. Pure.
#pragma once

#include "ringfort/platform/launch_plan.hpp"
#include "ringfort/specs/status.hpp"

#include <cstdint>
#include <string>

namespace ringfort::platform {

/// "mount", "landlock rule", …
const char* name_of(wire::Step step);

/// The Error for `step` with `number` (an errno), naming program, path or mount, and a remedy.
Error start_failure(wire::Step step, int number, std::uint32_t detail, const LaunchPlan& plan,
                    const std::string& container);

/// The exit record of a start that failed: 127 not found, 126 not executable, 125 anything else.
ExitRecord start_failure_record(wire::Step step, int number);

}  // namespace ringfort::platform
