// The container's root as an overlay over its image. overlayfs, Documentation/filesystems.
#pragma once

#include "ringfort/platform/shim/plan.hpp"

namespace ringfort::shim {

/// A detached mount, or -errno. The host's /proc must be in view; no mount namespace but a private
/// one is changed.
long make_overlay(const Plan& plan, const wire::MountStep& step);

}  // namespace ringfort::shim
