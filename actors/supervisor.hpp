// The supervisor: which containers there are. Passes calls on to them and holds no call itself.
#pragma once

#include "ringfort/actors/context.hpp"
#include "ringfort/messages/supervisor.hpp"

namespace ringfort::actors {

messages::SupervisorHandle spawn_supervisor(caf::actor_system& system, ContextPtr context);

/// Answers one ListContainers by asking each of `containers`, then ends.
using CensusHandle = messages::Actor<Result<std::vector<ContainerEntry>>(messages::ListContainers)>;
struct Counted {
  ContainerId id;
  messages::ContainerInbox container;
  bool is_fresh = false;  ///< it has just been found on disk
};
/// `known` is put into the list as it is.
CensusHandle spawn_census(caf::actor_system& system, std::vector<Counted> containers,
                          std::vector<ContainerEntry> known);

/// Does this failure to look a container up mean that its record can't be read? Others come and go.
bool is_damaged(const Error& error);
ContainerEntry damaged_entry(const ContainerId& id, const Error& error);

}  // namespace ringfort::actors
