// Calls a function for each container that ends.
#pragma once

#include "ringfort/messages/container.hpp"

#include <functional>

namespace ringfort::actors {

/// Ends with Shutdown, after what came before it has been told.
using ListenerHandle = messages::Actor<void(messages::ContainerExited), void(messages::Shutdown)>;
using ExitHeard = std::function<void(const ContainerId&, const ExitRecord&)>;

ListenerHandle spawn_listener(caf::actor_system& system, ExitHeard heard);

}  // namespace ringfort::actors
