#include "ringfort/platform/policy.hpp"

#include "ringfort/specs/names.hpp"
#include "ringfort/specs/utf8.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace ringfort::platform {
namespace {

constexpr std::size_t kPathLimit = 4095;  // PATH_MAX less the final NUL, the same on both systems
constexpr std::size_t kPartLimit = 255;   // NAME_MAX
constexpr Bytes kTmpfsSize{64ULL << 20};  // for one that names none: it is memory
constexpr std::string_view kAnonymous = "volume.";
constexpr std::array<std::uint16_t, 3> kSeedConnectPorts = {53, 80, 443};

struct Flaw {
  std::string_view what;
  std::string_view hint;
};

std::optional<Flaw> part_flaw(std::string_view part) {
  if (part == "..") return Flaw{"has a `..` part", "write the path that it leads to"};
  if (part.size() > kPartLimit) return Flaw{"has a part over 255 bytes", "shorten it"};
  return std::nullopt;
}

std::optional<Flaw> path_flaw(std::string_view path) {
  if (path.empty()) return Flaw{"is empty", "write an absolute path such as /data"};
  if (path.size() > kPathLimit) return Flaw{"is over 4095 bytes", "shorten it"};
  if (specs::first_invalid_utf8(path)) return Flaw{"is not valid UTF-8", "rename it"};
  if (!is_plain_text(path)) return Flaw{"holds a control character", "rename it"};
  if (path.front() != '/') return Flaw{"is relative", "write an absolute path such as /data"};
  return std::nullopt;
}

Error flawed(std::string_view name, std::string_view path, Flaw flaw) {
  return {ErrorKind::InvalidSpec,
          std::string(name) + " \"" + printable(path) + "\" " + std::string(flaw.what),
          std::string(flaw.hint),
          {},
          0};
}

Status append_normal(std::vector<PathRule>& rules, const std::vector<std::string>& paths,
                     Access access) {
  for (const auto& path : paths) {
    auto normal = normal_path(path, access == Access::Read ? "read path" : "write path");
    if (!normal) return fail(std::move(normal).error());
    rules.push_back({*std::move(normal), access});
  }
  return {};
}

/// One rule a path; who asked for both gets the wider one.
Result<std::vector<PathRule>> path_rules(const RunOptions& options) {
  std::vector<PathRule> rules;
  if (auto done = append_normal(rules, options.read, Access::Read); !done)
    return fail(done.error());
  if (auto done = append_normal(rules, options.write, Access::Write); !done)
    return fail(done.error());
  std::ranges::sort(rules, [](const PathRule& a, const PathRule& b) {
    return a.path != b.path ? a.path < b.path : a.access > b.access;
  });
  const auto is_same = [](const PathRule& a, const PathRule& b) { return a.path == b.path; };
  rules.erase(std::unique(rules.begin(), rules.end(), is_same), rules.end());
  return rules;
}

std::string_view parent_of(std::string_view path) { return path.substr(0, path.rfind('/')); }

/// Who may write to the data directory can change the records, logs and files of every container.
Status spare_data_directory(const std::vector<PathRule>& rules,
                            const std::vector<VolumeRule>& volumes,
                            std::string_view container_dir) {
  const auto data_dir = parent_of(parent_of(container_dir));
  const auto spared = [&](const std::string& path, const std::string& asked) -> Status {
    if (!is_within(container_dir, path) && !is_within(path, data_dir)) return {};
    return fail(ErrorKind::InvalidSpec,
                asked + " would open ringfort's own files in " + std::string(data_dir),
                "name the directories that the program needs, or put ringfort's files elsewhere: "
                "--data-dir DIR");
  };
  for (const auto& rule : rules)
    if (rule.access == Access::Write)
      if (auto done = spared(rule.path, "--write " + rule.path); !done) return done;
  for (const auto& volume : volumes) {
    if (volume.kind != VolumeKind::Bind) continue;
    const auto asked = "storage source " + volume.source;
    // Programs write below it: a link of theirs on the way would be followed.
    if (is_within(volume.source, data_dir))
      return fail(ErrorKind::InvalidSpec,
                  asked + " lies among ringfort's own files in " + std::string(data_dir),
                  "share a volume by its name: type named");
    if (volume.read_only) continue;
    if (auto done = spared(volume.source, asked); !done) return done;
  }
  return {};
}

bool is_volume_name(std::string_view name) {
  const auto is_plain = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  return !name.empty() && name.size() <= 63 && is_plain(name.front()) && is_plain(name.back()) &&
         std::ranges::all_of(name, [&](char c) { return is_plain(c) || c == '-'; });
}

/// What a target would hide or replace if a volume were put there; empty = it
/// may be used.
std::optional<Flaw> target_flaw(std::string_view target) {
  constexpr std::string_view hint = "use a target of its own such as /data";
  if (target == "/") return Flaw{"is the whole root", hint};
  if (is_within(target, "/dev/shm")) return std::nullopt;
  for (const std::string_view system : {"/proc", "/sys", "/dev"})
    if (is_within(target, system)) return Flaw{"lies where the system's own files are", hint};
  return std::nullopt;
}

Result<VolumeRule> volume_rule(const specs::Storage& storage) {
  VolumeRule rule;
  auto target = normal_path(specs::target_of(storage), "storage target");
  if (!target) return fail(std::move(target).error());
  if (const auto flaw = target_flaw(*target)) return fail(flawed("storage target", *target, *flaw));
  rule.target = *std::move(target);

  if (const auto* bind = std::get_if<specs::BindStorage>(&storage)) {
    auto source = normal_path(bind->source, "storage source");
    if (!source) return fail(std::move(source).error());
    rule.kind = VolumeKind::Bind;
    rule.source = *std::move(source);
    rule.read_only = bind->readonly;
  } else if (const auto* named = std::get_if<specs::NamedStorage>(&storage)) {
    if (!is_volume_name(named->name))
      return fail(
          flawed("storage name", named->name,
                 {"is not a volume name", "use a-z, 0-9 and inner hyphens, up to 63 bytes"}));
    rule.kind = VolumeKind::Named;
    rule.name = named->name;
    rule.read_only = named->readonly;
  } else if (const auto* tmpfs = std::get_if<specs::TmpfsStorage>(&storage)) {
    rule.kind = VolumeKind::Tmpfs;
    rule.size = tmpfs->size.value_or(kTmpfsSize);
    rule.mode = tmpfs->mode.value_or(rule.mode);
  } else if (const auto* s3 = std::get_if<specs::S3Storage>(&storage)) {
    rule.read_only = s3->readonly;
  }
  return rule;
}

void place_volumes(std::vector<VolumeRule>& rules, std::string_view container_dir) {
  const std::string data_dir{parent_of(parent_of(container_dir))};
  for (std::size_t i = 0; i < rules.size(); ++i) {
    auto& rule = rules[i];
    if (rule.kind == VolumeKind::Bind) rule.directory = rule.source;
    if (rule.kind == VolumeKind::Named) rule.directory = data_dir + "/volumes/" + rule.name;
    if (rule.kind == VolumeKind::Anonymous)
      rule.directory = std::string(container_dir) + "/" + anonymous_volume(i);
  }
}

Result<std::vector<VolumeRule>> volume_rules(const std::vector<specs::Storage>& storage,
                                             std::string_view container_dir) {
  std::vector<VolumeRule> rules;
  for (const auto& one : storage) {
    auto rule = volume_rule(one);
    if (!rule) return fail(std::move(rule).error());
    rules.push_back(*std::move(rule));
  }
  std::ranges::stable_sort(rules, {}, &VolumeRule::target);
  const auto twice = std::ranges::adjacent_find(rules, {}, &VolumeRule::target);
  if (twice == rules.end()) {
    place_volumes(rules, container_dir);
    return rules;
  }
  return fail(flawed("storage target", twice->target,
                     {"is used by two volumes", "give each its own target"}));
}

GpuAccess gpu_access(const specs::Service& service, const PolicyContext& context) {
  const auto& gpu = service.resources.gpu;
  if (!context.gpu_access || !gpu || gpu->vendor != specs::GpuVendor::Apple) return GpuAccess::None;
  return gpu->mode == specs::GpuMode::Mps ? GpuAccess::MpsOnly : GpuAccess::MetalCompute;
}

std::optional<GpuDevices> gpu_devices(const specs::Service& service, const PolicyContext& context) {
  const auto& gpu = service.resources.gpu;
  if (!context.gpu_access || !gpu || gpu->vendor == specs::GpuVendor::Apple) return std::nullopt;
  return GpuDevices{gpu->vendor, gpu->count};
}

NetMode net_mode(const specs::Service& service, const RunOptions& options) {
  if (options.net) return *options.net;
  switch (service.network_mode.kind) {
    case specs::NetworkModeKind::None:
      return NetMode::None;
    case specs::NetworkModeKind::Host:
      return NetMode::Full;
    default:
      return service.endpoints.empty() ? NetMode::Full : NetMode::Local;
  }
}

/// Port 0 means "any" to the kernel, in a bind as in a Landlock rule, so it
/// never gets that far.
Status check_ports(const specs::Service& service, const RunOptions& options, NetMode mode) {
  const std::string hint = "use a port from 1 to 65535";
  for (const auto& endpoint : service.endpoints)
    if (endpoint.listen_port() == 0)
      return fail(ErrorKind::InvalidSpec,
                  "endpoint \"" + printable(endpoint.name) + "\" has port 0", hint);
  if (std::ranges::count(options.connect, 0) + std::ranges::count(options.listen, 0) > 0)
    return fail(ErrorKind::InvalidSpec, "port 0 is asked for", hint);
  if (mode == NetMode::None && !(options.connect.empty() && options.listen.empty()))
    return fail(ErrorKind::InvalidSpec, "ports are asked for, but the network mode is none",
                "use --net local, or leave out --connect and --listen");
  return {};
}

void sort_unique(std::vector<std::uint16_t>& ports) {
  std::ranges::sort(ports);
  ports.erase(std::unique(ports.begin(), ports.end()), ports.end());
}

/// The activated endpoint's socket is the own port, and TCP is all that is led in.
std::vector<PortEntry> port_entries(const specs::Service& service, const RunOptions& options) {
  std::vector<PortEntry> entries;
  const auto add = [&entries](std::uint16_t host, std::uint16_t inside, bool required) {
    const auto known = std::ranges::find(entries, host, &PortEntry::host);
    if (known == entries.end()) entries.push_back({host, inside, required});
  };
  for (const auto& endpoint : service.endpoints)
    if (!endpoint.socket_activation && endpoint.protocol != specs::Protocol::Udp)
      add(endpoint.port, endpoint.listen_port(), false);
  for (const auto port : options.listen) add(port, port, true);
  return entries;
}

Result<NetworkAccess> network_access(const specs::Service& service, const RunOptions& options,
                                     const PolicyContext& context) {
  NetworkAccess network;
  network.mode = net_mode(service, options);
  network.is_asked_for =
      options.net.has_value() || service.network_mode.kind == specs::NetworkModeKind::Host;
  if (auto sound = check_ports(service, options, network.mode); !sound) return fail(sound.error());
  if (network.mode != NetMode::Local) return network;

  auto& bind = network.bind_ports;
  for (const auto& endpoint : service.endpoints) bind.push_back(endpoint.listen_port());
  bind.insert(bind.end(), options.listen.begin(), options.listen.end());
  if (context.own_port) bind.push_back(*context.own_port);
  sort_unique(bind);

  network.connect_ports = bind;
  network.connect_ports.insert(network.connect_ports.end(), options.connect.begin(),
                               options.connect.end());
  sort_unique(network.connect_ports);
  if (!service.endpoints.empty())
    network.seatbelt_connect_ports.assign(kSeedConnectPorts.begin(), kSeedConnectPorts.end());
  network.entries = port_entries(service, options);
  return network;
}

}  // namespace

std::string_view to_string(GpuAccess gpu) {
  switch (gpu) {
    case GpuAccess::None:
      return "none";
    case GpuAccess::MetalCompute:
      return "metal-compute";
    case GpuAccess::MpsOnly:
      return "mps-only";
  }
  return "none";
}

std::string_view to_string(VolumeKind kind) {
  switch (kind) {
    case VolumeKind::Anonymous:
      return "anonymous";
    case VolumeKind::Named:
      return "named";
    case VolumeKind::Bind:
      return "bind";
    case VolumeKind::Tmpfs:
      return "tmpfs";
  }
  return "anonymous";
}

std::string_view to_string(Access access) { return access == Access::Read ? "read" : "write"; }

bool is_plain_text(std::string_view text) {
  while (!text.empty()) {
    const auto point = specs::first_code_point(text);
    if (!point) return false;
    const char32_t c = point->value;
    if (c < 0x20 || (c >= 0x7f && c < 0xa0)) return false;
    text.remove_prefix(point->length);
  }
  return true;
}

Result<std::string> normal_path(std::string_view path, std::string_view name) {
  if (const auto flaw = path_flaw(path)) return fail(flawed(name, path, *flaw));
  std::string normal;
  for (std::size_t begin = 0; begin < path.size();) {
    const std::size_t end = std::min(path.find('/', begin), path.size());
    const std::string_view part = path.substr(begin, end - begin);
    if (const auto flaw = part_flaw(part)) return fail(flawed(name, path, *flaw));
    if (!part.empty() && part != ".") normal.append("/").append(part);
    begin = end + 1;
  }
  return normal.empty() ? "/" : normal;
}

std::string anonymous_volume(std::size_t number) {
  return std::string(kAnonymous) + std::to_string(number);
}

bool is_anonymous_volume(std::string_view name) {
  return name.starts_with(kAnonymous) && name.size() > kAnonymous.size() &&
         std::ranges::all_of(name.substr(kAnonymous.size()),
                             [](char c) { return c >= '0' && c <= '9'; });
}

bool is_within(std::string_view path, std::string_view dir) {
  if (dir == "/") return path.starts_with('/');
  return path.starts_with(dir) && (path.size() == dir.size() || path[dir.size()] == '/');
}

Result<Policy> make_policy(const specs::Service& service, const RunOptions& options,
                           const PolicyContext& context) {
  auto container_dir = normal_path(context.container_dir, "container directory");
  if (!container_dir) return fail(std::move(container_dir).error());
  auto paths = path_rules(options);
  if (!paths) return fail(std::move(paths).error());
  auto volumes = volume_rules(service.storage, *container_dir);
  if (!volumes) return fail(std::move(volumes).error());
  if (auto spared = spare_data_directory(*paths, *volumes, *container_dir); !spared)
    return fail(spared.error());
  auto network = network_access(service, options, context);
  if (!network) return fail(std::move(network).error());

  Policy policy;
  policy.container_dir = *std::move(container_dir);
  policy.scratch_dir = policy.container_dir + "/tmp";
  if (!context.host_image) policy.rootfs_dir = policy.container_dir + "/rootfs";
  policy.rootfs = service.rootfs.value_or(options.rootfs);
  policy.image_dir = context.image_dir;
  policy.native_image = context.native_image && !context.host_image;
  policy.own_libraries = context.own_libraries && !context.host_image;
  policy.paths = *std::move(paths);
  policy.volumes = *std::move(volumes);
  policy.network = *std::move(network);
  policy.gpu = gpu_access(service, context);
  policy.gpu_devices = gpu_devices(service, context);
  policy.seccomp = service.seccomp;
  policy.memory_limit = service.resources.memory;
  return policy;
}

}  // namespace ringfort::platform
