// This machine, and what a peer says of itself.
#pragma once

#include "ringfort/cli/bench/results.hpp"

namespace ringfort::cli {

/// `path` is where containers will live.
Machine this_machine(const std::string& path);

/// The first line that `program --version` prints, or nothing.
std::string version_of(const std::string& program);

}  // namespace ringfort::cli
