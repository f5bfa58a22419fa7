// The container actor: owns the life of one container, as container_machine says.
#pragma once

#include "ringfort/actors/context.hpp"
#include "ringfort/messages/container.hpp"

namespace ringfort::actors {

/// Begins with a CreateCall. Ends by itself when the container is removed or could not be created,
/// after telling `supervisor` that the name is free.
messages::ContainerInbox spawn_container(caf::actor_system& system, ContextPtr context,
                                         messages::SupervisorInbox supervisor, ContainerId id);

}  // namespace ringfort::actors
