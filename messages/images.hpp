// What one says about images, to the supervisor or to the rootfs actor.
#pragma once

#include "ringfort/messages/answers.hpp"
#include "ringfort/messages/caf_version.hpp"
#include "ringfort/specs/resources.hpp"

#include <memory>
#include <set>
#include <string>
#include <vector>

namespace ringfort::messages {

/// Names of images that containers of this runtime stand on.
using ImagesInUse = std::shared_ptr<const std::set<std::string, std::less<>>>;

struct RegisterImage {
  std::string image;
  std::string directory;
};
struct PullImage {
  std::string image;
  specs::PullPolicy policy = specs::PullPolicy::IfNotPresent;
};
struct ListImages {};
/// `in_use` is filled in by the supervisor.
struct RemoveImage {
  std::string image;
  bool force = false;
  ImagesInUse in_use;
};
struct PruneImages {
  ImagesInUse in_use;
};

}  // namespace ringfort::messages

RINGFORT_MESSAGE(ringfort::messages::RegisterImage)
RINGFORT_MESSAGE(ringfort::messages::PullImage)
RINGFORT_MESSAGE(ringfort::messages::ListImages)
RINGFORT_MESSAGE(ringfort::messages::RemoveImage)
RINGFORT_MESSAGE(ringfort::messages::PruneImages)
