// The rootfs actor: images one writer at a time each, clones side by side on a few workers.
#pragma once

#include "ringfort/actors/context.hpp"
#include "ringfort/messages/rootfs.hpp"

namespace ringfort::actors {

/// Workers are made as they are needed, up to `most`. On an exit message it lets the jobs under
/// way finish, then ends.
messages::RootfsHandle spawn_rootfs(caf::actor_system& system, Settings settings, Seams seams,
                                    std::size_t most);

/// One worker: does what it is told, blocking, and tells `owner` when it is free.
messages::RootfsHandle spawn_rootfs_worker(caf::actor_system& system, const Settings& settings,
                                           const Seams& seams, const messages::RootfsInbox& owner,
                                           std::size_t number);

}  // namespace ringfort::actors
