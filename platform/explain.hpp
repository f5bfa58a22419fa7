// A policy as people and programs read it. Pure; renders, decides nothing.
#pragma once

#include "ringfort/platform/policy.hpp"

#include <string>

namespace ringfort::platform {

/// Sections of aligned lines: files, volumes, network, GPU, limits. Safe for a terminal whatever
/// the paths hold. With `level`: what that makes of the network.
std::string explain_policy(const Policy& policy, std::optional<Level> level = {});

/// The same as one line of JSON (without newline); keys as in Policy, absent values null. Bytes
/// that are not UTF-8 become U+FFFD.
std::string explain_policy_json(const Policy& policy);

}  // namespace ringfort::platform
