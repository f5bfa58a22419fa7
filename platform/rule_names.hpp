// How the rules of a plan are called in front of people. Pure; used by the verdicts.
#pragma once

#include "ringfort/platform/verdict.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace ringfort::platform {

/// The rule of a path, as it stands in the plan's Landlock rules or mounts.
RuleName name_of_path(const std::string& path, const VerdictContext& context);

/// The rule that a volume is.
RuleName name_of_volume(const VolumeRule& volume, const VerdictContext& context);

/// The rule that names a port: `bind` or `connect`.
RuleName name_of_port(std::uint16_t port, Operation operation, const VerdictContext& context);

/// What made the network's mode.
RuleName name_of_network(const VerdictContext& context);

/// Parts that two absolute paths begin with in common.
std::size_t common_parts(std::string_view one, std::string_view other);

}  // namespace ringfort::platform
