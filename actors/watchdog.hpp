// The watchdog: one actor and one timer for all trees in its care.
#pragma once

#include "ringfort/actors/context.hpp"
#include "ringfort/messages/watchdog.hpp"

namespace ringfort::actors {

/// Reads /proc, so it has a thread of its own unless `seams` says otherwise.
messages::WatchdogHandle spawn_watchdog(caf::actor_system& system, const Seams& seams);

}  // namespace ringfort::actors
