// For those who bring their own actor system.
#pragma once

#include "ringfort/messages/caf_scheduler.hpp"

#include <cstddef>

namespace ringfort::messages {

/// Prepares a config for ringfort's actors, before the system is made: the scheduler that wakes
/// without spinning, and a mark on each thread of the system, so that blocking calls made there can
/// be refused. An actor that sends and then blocks says so (Blocking), else what it has sent may
/// wait for it. `workers` 0 = two. Without its printer nobody may use caf::aout.
void configure(caf::actor_system_config& config, std::size_t workers = 0,
               Printer printer = Printer::Caf);

/// Does the calling thread belong to an actor system that was configured so?
bool on_actor_thread();

}  // namespace ringfort::messages
