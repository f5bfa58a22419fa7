// All containers that have a record, whoever's they are. Blocks.
#pragma once

#include "ringfort/platform/container_files.hpp"
#include "ringfort/specs/container_record.hpp"

#include <functional>

namespace ringfort::actors {

/// Shows each record to `visit`, or why it can't be read; those that go meanwhile are left out. The
/// first failure of a visit ends it.
Status each_record(
    const platform::ContainerFiles& files,
    const std::function<Status(const ContainerId&, const Result<specs::ContainerRecord>&)>& visit);

}  // namespace ringfort::actors
