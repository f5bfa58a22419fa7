// Removal of a container that this runtime did not make: another one may be starting it, taking it
// over, or removing it at the same moment.
#pragma once

#include "ringfort/platform/container_halves.hpp"
#include "ringfort/specs/names.hpp"

namespace ringfort::platform {

struct RemovalPlace {
  int containers_fd;
  int state_fd;
  int staging_fd;
};

/// Moves both directories of `id` out of sight and gives them to `pool` to delete. Of two who do it
/// at once both succeed. Absent = done. Error: Conflict when its shim lives or is being started.
Status remove_contested(const RemovalPlace& place, HalfPool& pool, const ContainerId& id);

}  // namespace ringfort::platform
