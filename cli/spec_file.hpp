// Reading a deployment for the verbs that take a SPEC.
#pragma once

#include "ringfort/specs/deployment.hpp"
#include "ringfort/specs/problem.hpp"

#include <optional>
#include <string>

namespace ringfort::cli {

/// One line to stderr for each problem: "ringfort: file:line:column: path: what. What instead."
void print_problems(const specs::Problems& problems, const std::string& path);

/// The deployment, or nothing after the problems were printed.
std::optional<specs::Deployment> load_spec(const std::string& path);

}  // namespace ringfort::cli
