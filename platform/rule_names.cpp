#include "ringfort/platform/rule_names.hpp"

#include "ringfort/platform/plan_parts.hpp"
#include "ringfort/specs/names.hpp"

#include <algorithm>

namespace ringfort::platform {
namespace {

constexpr std::size_t kShown = 4096;

std::string shown(std::string_view path) { return printable(path, kShown); }

bool contains(const std::vector<std::string>& all, const std::string& one) {
  return std::ranges::find(all, one) != all.end();
}

std::string_view flag_of(Access access) { return access == Access::Read ? "--read" : "--write"; }

std::string port_word(std::string_view flag, std::uint16_t port) {
  return std::string(flag) + " " + std::to_string(port);
}

}  // namespace

std::size_t common_parts(std::string_view one, std::string_view other) {
  std::size_t parts = 0;
  for (std::size_t begin = 1; begin < one.size() && begin < other.size();) {
    const auto end = std::min(one.find('/', begin), one.size());
    const auto other_end = std::min(other.find('/', begin), other.size());
    if (end != other_end || one.substr(begin, end - begin) != other.substr(begin, end - begin))
      break;
    ++parts;
    begin = end + 1;
  }
  return parts;
}

RuleName name_of_volume(const VolumeRule& volume, const VerdictContext& context) {
  RuleName name{"the volume at " + shown(volume.target), Origin::Spec, {}, {}};
  if (volume.kind == VolumeKind::Named) name.text = "volume " + printable(volume.name);
  if (volume.kind == VolumeKind::Bind) name.text = "the bind of " + shown(volume.source);
  if (volume.kind == VolumeKind::Tmpfs) name.text = "the tmpfs at " + shown(volume.target);
  const auto& storage = context.service.storage;
  for (std::size_t i = 0; i < storage.size(); ++i) {
    const auto target = normal_path(specs::target_of(storage[i]), "target");
    if (target && *target == volume.target) name.field = "storage[" + std::to_string(i) + "]";
  }
  return name;
}

RuleName name_of_path(const std::string& path, const VerdictContext& context) {
  const auto& policy = context.policy;
  const bool is_host_path = context.plan.level == Level::Landlock;
  const auto volume = std::ranges::find_if(policy.volumes, [&](const VolumeRule& one) {
    return path == (is_host_path ? one.directory : one.target);
  });
  if (volume != policy.volumes.end()) return name_of_volume(*volume, context);
  const auto rule = std::ranges::find(policy.paths, path, &PathRule::path);
  if (rule != policy.paths.end())
    return {std::string(flag_of(rule->access)) + " " + shown(path), Origin::Flag, {}, {}};
  if (path == policy.scratch_dir) return {"the scratch directory", Origin::Default, {}, {}};
  if (path == "/tmp" && context.plan.level != Level::Landlock)
    return {"the scratch directory", Origin::Default, {}, {}};
  if (!policy.rootfs_dir.empty() && path == policy.rootfs_dir)
    return {"the container's own root", Origin::Image, {}, {}};
  if (contains(context.host.system_directories, path) ||
      contains(library_directories(context.host), path))
    return {"the host's " + shown(path), Origin::Default, {}, {}};
  if (path.starts_with("/dev")) return {"the device " + path, Origin::Default, {}, {}};
  if (path == "/proc") return {"the container's own /proc", Origin::Level, {}, {}};
  if (path == "/") return {"the container's own root", Origin::Level, {}, {}};
  return {"the host's " + shown(path), Origin::Default, {}, {}};
}

RuleName name_of_port(std::uint16_t port, Operation operation, const VerdictContext& context) {
  const auto& options = context.options;
  const auto has = [port](const auto& ports) {
    return std::ranges::find(ports, port) != ports.end();
  };
  if (has(options.listen)) return {port_word("--listen", port), Origin::Flag, {}, {}};
  if (operation == Operation::Connect && has(options.connect))
    return {port_word("--connect", port), Origin::Flag, {}, {}};
  for (std::size_t i = 0; i < context.service.endpoints.size(); ++i) {
    const auto& endpoint = context.service.endpoints[i];
    if (endpoint.listen_port() != port) continue;
    const auto field =
        "endpoints[" + std::to_string(i) + "]." + (endpoint.target_port ? "target_port" : "port");
    return {"port " + std::to_string(port) + " of endpoint " + printable(endpoint.name),
            Origin::Spec,
            field,
            {}};
  }
  return {"the container's own port " + std::to_string(port), Origin::Default, {}, {}};
}

RuleName name_of_network(const VerdictContext& context) {
  const auto mode = "network " + std::string(to_string(context.policy.network.mode));
  if (!context.is_spec)
    return {context.names_network ? "--net " + mode.substr(8) : mode,
            context.names_network ? Origin::Flag : Origin::Default,
            {},
            {}};
  if (context.service.network_mode.kind != specs::NetworkModeKind::Default)
    return {mode, Origin::Spec, "network_mode", {}};
  if (!context.service.endpoints.empty()) return {mode, Origin::Spec, "endpoints", {}};
  return {mode + ", as there are no endpoints", Origin::Default, {}, {}};
}

}  // namespace ringfort::platform
