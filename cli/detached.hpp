// Containers that outlive the command that made them.
#pragma once

#include "ringfort/cli/command.hpp"
#include "ringfort/cli/job.hpp"

#include <string>

namespace ringfort::cli {

/// Creates one of this name (empty = a made one) and prints its id; starts it if `begin`.
/// Error: Conflict when the name is taken.
Result<int> make_detached(const Call& call, const JobFlags& flags, const std::string& name,
                          bool begin);

}  // namespace ringfort::cli
