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

/// One line of /proc/self/mountinfo. proc(5).
struct MountLine {
  std::string root;     ///< which directory of the file system is mounted
  std::string point;    ///< where
  std::string type;     ///< "cgroup2"
  std::string options;  ///< of the file system, with commas between
};
std::optional<MountLine> parse_mount(std::string_view line);

/// A hierarchy that is mounted where this process can see its own place in it.
struct CgroupHierarchy {
  CgroupVersion version = CgroupVersion::V1;
  std::string directory;                 ///< our own cgroup
  std::vector<std::string> controllers;  ///< of v1; at v2 a file of the directory tells
  bool operator==(const CgroupHierarchy&) const = default;
};

/// All of them but named ones without a controller (systemd's own), from the same two texts.
std::vector<CgroupHierarchy> cgroup_hierarchies(std::string_view mountinfo,
                                                std::string_view cgroup);

}  // namespace ringfort::platform
