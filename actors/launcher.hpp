// The launcher: hands launch requests to the spawner, and turns what the event loop's thread hears
// into messages with the generation on them.
#pragma once

#include "ringfort/actors/context.hpp"
#include "ringfort/messages/launcher.hpp"

namespace ringfort::actors {

messages::LauncherHandle spawn_launcher(caf::actor_system& system, Seams seams);

}  // namespace ringfort::actors
