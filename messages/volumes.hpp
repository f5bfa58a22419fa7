// What one says about named volumes, to the supervisor or to the rootfs actor.
#pragma once

#include "ringfort/messages/answers.hpp"
#include "ringfort/messages/caf_version.hpp"

#include <string>

namespace ringfort::messages {

struct ListVolumes {};
struct RemoveVolume {
  std::string name;
};

}  // namespace ringfort::messages

RINGFORT_MESSAGE(ringfort::messages::ListVolumes)
RINGFORT_MESSAGE(ringfort::messages::RemoveVolume)
