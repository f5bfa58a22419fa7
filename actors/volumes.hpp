// Named volumes, and which recorded containers name them. Blocks: for workers.
#pragma once

#include "ringfort/actors/context.hpp"
#include "ringfort/messages/answers.hpp"

#include <string>
#include <vector>

namespace ringfort::actors {

/// Sorted by name. A container whose record can't be read is in nobody's `used_by`.
Result<std::vector<VolumeEntry>> list_volumes(platform::ContainerFiles& files);

/// Errors: Conflict while a recorded container names it, or while a record can't be read, which
/// might; NotFound.
Status remove_volume(const std::string& name, platform::ContainerFiles& files);

}  // namespace ringfort::actors
