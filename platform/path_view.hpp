// What a path means to a program inside: links followed, and which mount shows it. Pure but for
// the look at single host paths, which the caller gives.
#pragma once

#include "ringfort/platform/launch_plan.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ringfort::platform {

/// What stands at one path. `Unknown`: nobody looked, or nobody may.
enum class NodeKind { Unknown, Missing, File, Directory, Link, Device, Socket };

struct Node {
  NodeKind kind = NodeKind::Unknown;
  std::string link;  ///< text of a Link
  /// Permission bits and owner as the host has them; absent where they say nothing.
  struct Owner {
    std::uint32_t mode = 0;
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;
  };
  std::optional<Owner> owner;
};

/// Looks at one host path and follows no link at its end.
using Look = std::function<Node(const std::string& host_path)>;

/// Sees nothing: every path stays as it is written.
Node look_at_nothing(const std::string& host_path);

/// The steps of a plan's root that decide about one path.
struct Shown {
  const MountPlan* mount = nullptr;  ///< null = part of the root itself
  std::string host_path;             ///< empty = made by ringfort, or a /proc of its own
};

/// Something empty in front of what tells of others.
bool is_mask(const MountPlan& mount);

/// One file system as a program sees it: the host's at `landlock`, else the plan's root.
class PathView {
 public:
  /// `groups`: what a plain user's programs have beside their own; root's have none.
  /// `links` of the host's top, as in HostFacts, are known without a look.
  PathView(const LaunchPlan& plan, Look look, std::vector<std::uint32_t> groups = {},
           std::vector<std::pair<std::string, std::string>> links = {})
      : plan_(plan), look_(std::move(look)), groups_(std::move(groups)), links_(std::move(links)) {}

  struct Found {
    std::string path;  ///< absolute, without links as far as they could be followed
    Node node;
    bool is_visible = true;  ///< false: no mount shows anything there
    Shown shown;
    std::string unsearchable;  ///< a directory on the way whose mode keeps the program out
  };
  /// `path` is absolute; `.` and `..` are taken as the kernel takes them. path_resolution(7).
  Found find(std::string_view path) const;

  /// Whether the mode of what was found lets the program: bits `wanted` of 4, 2, 1. True where the
  /// owner is not known. No capability helps: programs have none.
  bool mode_allows(const Node& node, const MountPlan* mount, std::uint32_t wanted) const;

 private:
  struct Seen {
    Node node;
    bool is_visible = true;
    Shown shown;
  };
  Seen see(const std::string& path) const;
  Seen see_in_root(const std::string& path) const;
  Node made_directory() const;
  bool may_search(const Seen& seen) const;

  const LaunchPlan& plan_;
  Look look_;
  std::vector<std::uint32_t> groups_;
  std::vector<std::pair<std::string, std::string>> links_;
};

}  // namespace ringfort::platform
