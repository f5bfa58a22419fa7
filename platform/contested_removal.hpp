// Removal of a container that this runtime did not make: another one may be starting it, taking it
// over, or removing it at the same moment.
#pragma once

#include "ringfort/platform/container_halves.hpp"
#include "ringfort/specs/names.hpp"
#include "ringfort/specs/status.hpp"

#include <optional>

namespace ringfort::platform {

struct RemovalPlace {
  int containers_fd;
  int state_fd;
  int staging_fd;
};

/// Moves both directories of `id` out of sight and gives them to `pool` to delete. Of two who do it
/// at once both succeed. Absent = done. Errors: Conflict when its shim lives or is being started;
/// NotFound when the name is that of a container by now that was not created at `created_at`.
Status remove_contested(const RemovalPlace& place, HalfPool& pool, const ContainerId& id,
                        std::optional<WallTime> created_at);

}  // namespace ringfort::platform
