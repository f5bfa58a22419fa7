#include "ringfort/platform/linux/cgroup_place.hpp"

#include <cstdint>

namespace ringfort::platform {
namespace {

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (!text.empty()) {
    const auto end = text.find(separator);
    parts.push_back(text.substr(0, end));
    text.remove_prefix(end == text.npos ? text.size() : end + 1);
  }
  return parts;
}

bool lists(std::string_view comma_separated, std::string_view word) {
  for (const auto part : split(comma_separated, ',')) {
    if (part == word) return true;
  }
  return false;
}

/// mountinfo writes blanks and backslashes in paths as three octal digits: proc(5).
std::string unescaped(std::string_view text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 3 < text.size()) {
      plain += static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 +
                                 (text[i + 3] - '0'));
      i += 3;
    } else {
      plain += text[i];
    }
  }
  return plain;
}

std::optional<MountLine> find_mount(std::string_view mountinfo, CgroupVersion version) {
  for (const auto line : split(mountinfo, '\n')) {
    auto mount = parse_mount(line);
    if (!mount) continue;
    const bool fits = version == CgroupVersion::V1
                          ? mount->type == "cgroup" && lists(mount->options, "memory")
                          : mount->type == "cgroup2";
    if (fits) return mount;
  }
  return {};
}

/// Our path in the hierarchy, from lines "id:controllers:path"; v2 has no controllers there.
std::optional<std::string> own_path(std::string_view cgroup, CgroupVersion version,
                                    std::string_view controller = "memory") {
  for (const auto line : split(cgroup, '\n')) {
    const auto first = line.find(':');
    const auto second = first == line.npos ? line.npos : line.find(':', first + 1);
    if (second == line.npos) continue;
    const auto controllers = line.substr(first + 1, second - first - 1);
    const bool fits =
        version == CgroupVersion::V1 ? lists(controllers, controller) : controllers.empty();
    if (fits) return std::string(line.substr(second + 1));
  }
  return {};
}

/// `path` as seen below the mount point; empty when it lies outside of what is mounted.
std::optional<std::string> place_of(const MountLine& mount, std::string path) {
  if (mount.root != "/") {
    if (!path.starts_with(mount.root)) return {};
    path.erase(0, mount.root.size());
    if (!path.empty() && path.front() != '/') return {};
  }
  if (path.starts_with("/..")) return {};
  if (path == "/") path.clear();
  return mount.point + path;
}

/// Options of a cgroup mount that name no controller. cgroups(7).
bool is_controller(std::string_view option) {
  constexpr std::string_view others[] = {
      "rw", "ro", "relatime", "noprefix", "xattr", "clone_children", "none"};
  for (const auto other : others)
    if (option == other) return false;
  return option.find('=') == option.npos;
}

std::vector<std::string> controllers_of(const MountLine& mount) {
  std::vector<std::string> controllers;
  for (const auto option : split(mount.options, ','))
    if (is_controller(option)) controllers.emplace_back(option);
  return controllers;
}

}  // namespace

std::optional<MountLine> parse_mount(std::string_view line) {
  const auto fields = split(line, ' ');
  const auto dash = line.find(" - ");
  if (fields.size() < 6 || dash == line.npos) return {};
  const auto tail = split(line.substr(dash + 3), ' ');  // type, source, options
  if (tail.size() < 3) return {};
  return MountLine{unescaped(fields[3]), unescaped(fields[4]), std::string(tail[0]),
                   std::string(tail[2])};
}

std::vector<CgroupHierarchy> cgroup_hierarchies(std::string_view mountinfo,
                                                std::string_view cgroup) {
  std::vector<CgroupHierarchy> found;
  for (const auto line : split(mountinfo, '\n')) {
    const auto mount = parse_mount(line);
    if (!mount || (mount->type != "cgroup" && mount->type != "cgroup2")) continue;
    const bool is_v2 = mount->type == "cgroup2";
    CgroupHierarchy hierarchy;
    hierarchy.version = is_v2 ? CgroupVersion::V2 : CgroupVersion::V1;
    if (!is_v2) hierarchy.controllers = controllers_of(*mount);
    if (!is_v2 && hierarchy.controllers.empty()) continue;
    const auto path = own_path(cgroup, hierarchy.version,
                               is_v2 ? std::string_view{} : hierarchy.controllers.front());
    const auto place = path ? place_of(*mount, *path) : std::nullopt;
    if (!place) continue;
    hierarchy.directory = *place;
    found.push_back(std::move(hierarchy));
  }
  return found;
}

std::vector<CgroupPlace> cgroup_candidates(std::string_view mountinfo, std::string_view cgroup) {
  std::vector<CgroupPlace> places;
  for (const auto version : {CgroupVersion::V1, CgroupVersion::V2}) {
    const auto mount = find_mount(mountinfo, version);
    const auto path = own_path(cgroup, version);
    if (!mount || !path) continue;
    const auto own = place_of(*mount, *path);
    if (!own) continue;
    if (version == CgroupVersion::V2 && own->size() > mount->point.size()) {
      places.push_back({version, own->substr(0, own->rfind('/'))});
    }
    places.push_back({version, *own});
  }
  return places;
}

}  // namespace ringfort::platform
