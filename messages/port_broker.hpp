// Who gives out ports. A claim is held until it is released, across restarts of a container.
#pragma once

#include "ringfort/messages/caf_version.hpp"
#include "ringfort/specs/result.hpp"

#include <cstdint>
#include <memory>

namespace ringfort::platform {
struct HeldPort;
}

namespace ringfort::messages {

struct ClaimPort {
  bool recorded = false;  ///< it stays the container's when this process has gone
};
struct ReleasePort {
  std::uint16_t port = 0;
  bool removed = false;  ///< the container is no more, or has another one
};

using PortBrokerHandle =
    Actor<Result<std::shared_ptr<const platform::HeldPort>>(ClaimPort), void(ReleasePort)>;

}  // namespace ringfort::messages

RINGFORT_MESSAGE(ringfort::messages::ClaimPort)
RINGFORT_MESSAGE(ringfort::messages::ReleasePort)
