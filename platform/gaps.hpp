// What a policy asks for and an isolation can't hold: for `missing` in reports and records, and
// `explain --gaps`. One list, pure.
#pragma once

#include "ringfort/platform/launch_plan.hpp"
#include "ringfort/specs/service.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace ringfort::platform {

/// What a policy may be given to. Seatbelt is macOS's: here only its text is made.
enum class Confinement { Seatbelt, Landlock, Namespaces, Network };
std::string_view to_string(Confinement confinement);  ///< seatbelt, landlock, ...
Confinement confinement_of(Level level);

/// What decides beside the policy.
struct GapFacts {
  HostFacts host;
  bool own_uid = false;        ///< one that owns nothing on the host
  bool memory_cgroup = false;  ///< the kernel holds the memory limit
};

/// One sentence each; empty = nothing is left open but what the kernel itself leaves open.
std::vector<std::string> gaps(const Policy& policy, Confinement confinement, const GapFacts& facts);

/// Fields that the plan can't hold here, though others could: beside specs::not_enforced.
std::vector<std::string> fields_not_held(const specs::Service& service, const LaunchPlan& plan,
                                         bool has_gpu);

}  // namespace ringfort::platform
