// What a run's end means, from what was heard of it. Pure but for the clock.
#pragma once

#include "ringfort/platform/shim/wire.hpp"
#include "ringfort/platform/spawner.hpp"

#include <cstdint>
#include <string>

namespace ringfort::platform {

WallTime wall_time(std::int64_t usec);

/// The shim told how its program ended.
ProgramEnded ended_from(const wire::Event& event);

/// A step between clone and exec failed.
ProgramEnded ended_from_failure(const wire::Event& event, const LaunchPlan& plan,
                                const std::string& container);

/// Nobody can tell any more: the shim has gone without a word. `started_at` is empty when the
/// program is not known to have begun.
ProgramEnded lost(const std::string& container, std::optional<WallTime> started_at);

}  // namespace ringfort::platform
