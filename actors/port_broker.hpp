// The port broker: gives out ports of this runtime's range and keeps them claimed.
#pragma once

#include "ringfort/actors/context.hpp"
#include "ringfort/messages/port_broker.hpp"

namespace ringfort::actors {

messages::PortBrokerHandle spawn_port_broker(caf::actor_system& system, platform::PortRange range,
                                             Seams seams);

}  // namespace ringfort::actors
