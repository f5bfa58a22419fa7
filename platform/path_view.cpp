#include "ringfort/platform/path_view.hpp"

#include <algorithm>
#include <deque>
#include <utility>

namespace ringfort::platform {
namespace {

using wire::MountKind;

constexpr int kMostLinks = 40;  // MAXSYMLINKS of the kernel, path_resolution(7)

Node node_of(NodeKind kind) { return {kind, {}, std::nullopt}; }

void push_parts(std::deque<std::string>& parts, std::string_view path) {
  std::vector<std::string> fresh;
  for (std::size_t begin = 0; begin < path.size();) {
    const std::size_t end = std::min(path.find('/', begin), path.size());
    if (end > begin) fresh.emplace_back(path.substr(begin, end - begin));
    begin = end + 1;
  }
  parts.insert(parts.begin(), fresh.begin(), fresh.end());
}

std::string joined(const std::string& directory, std::string_view part) {
  return (directory == "/" ? "" : directory) + "/" + std::string(part);
}

std::string parent_of(const std::string& path) {
  const auto cut = path.rfind('/');
  return cut == 0 || cut == std::string::npos ? "/" : path.substr(0, cut);
}

/// A process sees its own entry behind these: nothing that somebody else could look at.
bool is_own_process(std::string_view path) {
  return is_within(path, "/proc/self") || is_within(path, "/proc/thread-self");
}

bool covers_tree(MountKind kind) {
  return kind == MountKind::Bind || kind == MountKind::Proc || kind == MountKind::Tmpfs ||
         kind == MountKind::Terminals;
}

}  // namespace

bool is_mask(const MountPlan& mount) {
  if (mount.kind == MountKind::Tmpfs) return mount.data.starts_with("mode=0,");
  return mount.kind == MountKind::Bind && mount.source == "/dev/null" &&
         mount.target != mount.source;
}

Node look_at_nothing(const std::string& /*host_path*/) { return {}; }

bool PathView::mode_allows(const Node& node, const MountPlan* mount, std::uint32_t wanted) const {
  if (!node.owner || !plan_.uid || !plan_.gid) return true;
  const bool is_mapped = mount != nullptr && (mount->flags & wire::kIdmapped) != 0;
  const std::uint32_t uid = is_mapped ? mount->idmap_uid : *plan_.uid;
  const std::uint32_t gid = is_mapped ? mount->idmap_gid : *plan_.gid;
  const bool is_member =
      node.owner->gid == gid || std::ranges::find(groups_, node.owner->gid) != groups_.end();
  std::uint32_t bits = node.owner->mode & 7U;
  if (is_member) bits = node.owner->mode >> 3 & 7U;
  if (node.owner->uid == uid) bits = node.owner->mode >> 6 & 7U;
  return (bits & wanted) == wanted;
}

/// As the shim makes mount points and what is above them.
Node PathView::made_directory() const {
  const bool is_users = (plan_.flags & wire::kUserNamespace) != 0;
  const auto uid = is_users ? plan_.uid.value_or(0) : 0;
  return {NodeKind::Directory, {}, Node::Owner{0755, uid, is_users ? plan_.gid.value_or(0) : 0}};
}

bool PathView::may_search(const Seen& seen) const {
  return seen.node.kind != NodeKind::Directory || mode_allows(seen.node, seen.shown.mount, 1);
}

/// Steps come in order, and a later mount lies on top of what it covers.
PathView::Seen PathView::see_in_root(const std::string& path) const {
  const MountPlan* on_top = nullptr;
  Seen made{node_of(NodeKind::Missing), false, {}};
  for (const auto& step : plan_.mounts) {
    if (step.kind == MountKind::Overlay) continue;  // the root itself
    if (covers_tree(step.kind) && is_within(path, step.target)) {
      on_top = &step;
      // What is in a tmpfs of the spec's nobody else sees; it is there to be written to.
      const bool is_open = step.kind == MountKind::Tmpfs && (step.flags & wire::kVolume) != 0;
      const auto kind = is_open && path == step.target ? NodeKind::Directory : NodeKind::Missing;
      made = {node_of(kind), is_open, {&step, {}}};
    }
    if (step.kind == MountKind::Dir && (step.flags & wire::kForAll) != 0 &&
        is_within(path, step.target)) {
      on_top = &step;
      made = {node_of(NodeKind::Missing), true, {&step, {}}};
    }
    if (step.kind == MountKind::Device && path == step.target) {
      on_top = &step;
      made = {node_of(NodeKind::Device), true, {&step, step.source}};
    }
    if (covers_tree(step.kind) || step.kind == MountKind::Device) {
      // its mount point and all above were made, unless something covers them
      if (made.node.kind == NodeKind::Missing && path != step.target &&
          is_within(step.target, path))
        made = {made_directory(), true, {on_top, {}}};
      continue;
    }
    if (path == step.target && step.kind == MountKind::Symlink)
      made = {{NodeKind::Link, step.source, std::nullopt}, true, {on_top, {}}};
    else if (path == step.target && step.kind == MountKind::File)
      made = {{NodeKind::File, {}, Node::Owner{0644, 0, 0}}, true, {on_top, {}}};
    else if (is_within(step.target, path))
      made = {made_directory(), true, {on_top, {}}};
  }
  // What is in them only the container knows.
  const bool is_own = on_top != nullptr &&
                      (on_top->kind == MountKind::Proc || on_top->kind == MountKind::Terminals);
  if (is_own)
    return {node_of(path == on_top->target ? NodeKind::Directory : NodeKind::Unknown),
            true,
            {on_top, {}}};
  if (on_top != nullptr && on_top->kind == MountKind::Bind) {
    const auto rest = path.substr(on_top->target == "/" ? 0 : on_top->target.size());
    const auto host = on_top->source == "/" && !rest.empty() ? rest : on_top->source + rest;
    auto node = look_(host);
    const bool is_made = made.is_visible && made.node.kind != NodeKind::Missing;
    if (is_made && node.kind != NodeKind::Directory) return made;
    return {std::move(node), true, {on_top, host}};
  }
  if (on_top == nullptr && (plan_.flags & wire::kRootIsTmpfs) == 0) {  // an image's own tree
    if (made.is_visible) return made;
    const auto host = path == "/" ? plan_.root : plan_.root + path;
    auto node = look_(host);
    node.owner.reset();  // the clone belongs to the container's user, whoever owns the image
    return {std::move(node), true, {nullptr, host}};
  }
  if (path == "/") made = {node_of(NodeKind::Directory), true, {nullptr, {}}};
  return made;
}

PathView::Seen PathView::see(const std::string& path) const {
  if (plan_.level != Level::Landlock) return see_in_root(path);
  if (is_own_process(path)) return {node_of(NodeKind::Unknown), true, {nullptr, path}};
  auto node = look_(path);
  if (node.kind == NodeKind::Unknown)
    for (const auto& [link, text] : links_)
      if (link == path) node = {NodeKind::Link, text, std::nullopt};
  return {std::move(node), true, {nullptr, path}};
}

PathView::Found PathView::find(std::string_view path) const {
  std::deque<std::string> parts;
  push_parts(parts, path);
  Found found{"/", {}, true, {}, {}};
  Seen here = see("/");
  for (int links = 0; !parts.empty();) {
    const std::string part = std::move(parts.front());
    parts.pop_front();
    if (part == ".") continue;
    const auto next = part == ".." ? parent_of(found.path) : joined(found.path, part);
    if (found.unsearchable.empty() && !may_search(here)) found.unsearchable = found.path;
    const bool is_lost = !here.is_visible || (here.node.kind != NodeKind::Unknown &&
                                              here.node.kind != NodeKind::Directory);
    Seen seen = is_lost && part != ".."
                    ? Seen{node_of(NodeKind::Missing), here.is_visible, here.shown}
                    : see(next);
    if (seen.node.kind == NodeKind::Link && ++links <= kMostLinks) {
      push_parts(parts, seen.node.link);
      if (seen.node.link.starts_with('/')) {
        found.path = "/";
        here = see("/");
      }
      continue;
    }
    found.path = next;
    here = std::move(seen);
  }
  found.node = std::move(here.node);
  found.is_visible = here.is_visible;
  found.shown = std::move(here.shown);
  return found;
}

}  // namespace ringfort::platform
