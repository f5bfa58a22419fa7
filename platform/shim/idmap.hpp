// Mounts on which the container's ids stand for others. mount_setattr(2), "ID-mapped mounts".
#pragma once

#include "ringfort/platform/shim/plan.hpp"

namespace ringfort::shim {

/// Makes the container's ids stand for the step's on this detached mount.
long apply_idmap(const Plan& plan, const wire::MountStep& step, int mount_fd);

}  // namespace ringfort::shim
