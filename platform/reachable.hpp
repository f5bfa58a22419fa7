// Can another user get at a path? Asked before a start, so that the answer is an error with a
// remedy and not a program's EACCES. May block on a slow file system: for workers.
#pragma once

#include "ringfort/platform/policy.hpp"

#include <cstdint>
#include <string>

namespace ringfort::platform {

/// At level landlock a container of root's runtime sees host paths as `uid`:`gid` without
/// capabilities. Ok when that user may search the way to the containers' directory and open each
/// path of the policy as its rule says. Asked by really opening them on a thread that takes that
/// user's file system ids. credentials(7), setfsuid(2). Error: InvalidSpec naming the path.
Status check_reachable(const Policy& policy, std::uint32_t uid, std::uint32_t gid);

/// Ok when each directory that is to be bound is there and this process can get at it. Error:
/// InvalidSpec naming the path.
Status check_sources(const Policy& policy);

}  // namespace ringfort::platform
