// A run that another process asked for: its shim is watched from here on.
#pragma once

#include "ringfort/platform/spawner.hpp"

#include <memory>
#include <string>

namespace ringfort::platform {

/// By a pidfd where the shim is of this PID namespace, else by its lock, ten times a second.
/// `handlers.ended` comes exactly once, `started` at once when the program runs already.
/// Error: NotFound when no shim lives there.
Result<std::shared_ptr<Run>> adopt_run(EventLoop& loop, const std::string& container,
                                       const std::string& state_dir, RunHandlers handlers);

/// As Spawner::end_found.
Status end_found_run(EventLoop& loop, const std::string& container, const std::string& state_dir);

}  // namespace ringfort::platform
