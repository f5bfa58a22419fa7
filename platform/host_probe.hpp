// What this machine offers, found by trying it once. RINGFORT_TEST_LANDLOCK_ABI lowers the ABI.
#pragma once

#include "ringfort/platform/launch_plan.hpp"

#include <string>

namespace ringfort::platform {

class Spawner;

/// Facts that need no child: Landlock ABI, ids, system directories. Cheap; cached for the process.
const HostFacts& host_facts();

/// The level for what was asked. Namespaces are tried in a throw-away child of `spawner`, once per
/// process and uid. Errors: Unsupported naming the feature and the remedy.
Result<Level> choose_level(Isolation asked, Spawner& spawner);

/// A container's life at `level` up to the exec, in a child that is thrown away. Not cached.
Status try_level(Level level, Spawner& spawner);

}  // namespace ringfort::platform
