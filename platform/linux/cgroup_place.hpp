// Where this process may make memory cgroups: pure over the texts of /proc, then tried.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ringfort::platform {

enum class CgroupVersion { V1, V2 };

/// A directory below which containers' cgroups are made.
struct CgroupPlace {
  CgroupVersion version = CgroupVersion::V1;
  std::string directory;
  bool operator==(const CgroupPlace&) const = default;
};

/// Candidates, best first, from the texts of /proc/self/mountinfo and /proc/self/cgroup: our own
/// memory cgroup of v1, else our v2 cgroup's parent (a cgroup with processes in it can't pass a
/// controller on to its children, so ours are its siblings), else our own one.
std::vector<CgroupPlace> cgroup_candidates(std::string_view mountinfo, std::string_view cgroup);

}  // namespace ringfort::platform
