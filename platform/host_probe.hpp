// What this machine offers, found by trying it once. RINGFORT_TEST_LANDLOCK_ABI lowers the ABI.
#pragma once

#include "ringfort/platform/launch_plan.hpp"

#include <functional>
#include <string>

namespace ringfort::platform {

class Spawner;

/// Facts that need no child: Landlock ABI, ids, system directories. Cheap; cached for the process.
const HostFacts& host_facts();

/// Exact: what was asked for, or an error. Best: the strongest that can be had.
enum class Effort { Exact, Best };

struct ChosenLevel {
  Level level = Level::Landlock;
  /// How this is less than what was asked for, and why; empty = it is not.
  std::string lowered;
  /// `auto` came to landlock: why not to namespaces. A sentence for `missing`.
  std::string missing;
};

/// The level for what was asked. Namespaces are tried in a throw-away child of `spawner`, and the
/// network's with them for who asks for it, each once per process; that it went well is kept in
/// `data_dir` for later ones (`kept_answer`; empty = nothing is read or kept). A yes that has
/// become wrong makes no container weaker: it does not start. Errors: Unsupported naming the
/// feature and the remedy.
Result<ChosenLevel> choose_level(Isolation asked, Effort effort, Spawner& spawner,
                                 const std::string& data_dir = {});

/// A container could not be set up: whoever chooses a level next tries anew.
void doubt_levels(const std::string& data_dir);

/// The same as a pure function: `namespaces` is how their trial went. Even at best effort a level
/// that holds no file at all is refused.
Result<ChosenLevel> level_for(Isolation asked, Effort effort, const Status& namespaces,
                              std::uint32_t landlock_abi);

/// Level `network` if its own trial went well, else at best effort what there is below it;
/// `namespaces` tries that.
Result<ChosenLevel> network_level_for(Effort effort, const Status& network,
                                      const std::function<Status()>& namespaces,
                                      std::uint32_t landlock_abi);

/// Every step of a container at `level` but the exec.
LaunchPlan trial_plan(Level level, const HostFacts& facts);
/// Does such a plan in a child that is thrown away. The error is that of the step that failed.
Status run_trial(LaunchPlan plan, Spawner& spawner);

/// A container's life at `level` up to the exec, in a child that is thrown away. Not cached.
Status try_level(Level level, Spawner& spawner);

}  // namespace ringfort::platform
