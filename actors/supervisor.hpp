// The supervisor: which containers there are. Passes calls on to them and holds no call itself.
#pragma once

#include "ringfort/actors/context.hpp"
#include "ringfort/messages/supervisor.hpp"

namespace ringfort::actors {

messages::SupervisorHandle spawn_supervisor(caf::actor_system& system, ContextPtr context);

/// Answers one ListContainers by asking each of `containers`, then ends.
using CensusHandle = messages::Actor<Result<std::vector<ContainerEntry>>(messages::ListContainers)>;
/// `known` is put into the list as it is.
CensusHandle spawn_census(caf::actor_system& system,
                          std::vector<messages::ContainerInbox> containers,
                          std::vector<ContainerEntry> known);

}  // namespace ringfort::actors
