// Can another user get at a path? Asked before a start, so that the answer is an error with a
// remedy and not a program's EACCES. May block on a slow file system: for workers.
#pragma once

#include "ringfort/platform/policy.hpp"

#include <cstdint>
#include <string>

namespace ringfort::platform {

/// Ok when `uid`:`gid` without capabilities may search every directory on the way to `path` and
/// open it as `access` says. Asked by really opening it on a thread that takes that user's file
/// system ids. credentials(7), setfsuid(2). Root runtimes only. Error: InvalidSpec naming the path.
Status check_reachable(const std::string& path, Access access, std::uint32_t uid,
                       std::uint32_t gid);

}  // namespace ringfort::platform
