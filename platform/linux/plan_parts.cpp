#include "ringfort/platform/plan_parts.hpp"

#include <algorithm>
#include <iterator>
#include <set>
#include <sstream>

namespace ringfort::platform {
namespace {

using wire::MountKind;

/// Of /proc, at `landlock`: the program's own entry, and what tells nothing about others.
constexpr const char* kHarmlessProc[] = {"/proc/self",
                                         "/proc/cpuinfo",
                                         "/proc/meminfo",
                                         "/proc/version",
                                         "/proc/uptime",
                                         "/proc/loadavg",
                                         "/proc/filesystems",
                                         "/proc/sys/kernel/ngroups_max",
                                         "/proc/sys/vm/overcommit_memory",
                                         "/sys/devices/system/cpu"};

constexpr const char* kIdentityFiles[] = {"/etc/passwd", "/etc/group", "/etc/hosts",
                                          "/etc/hostname"};

bool is_host_image(const Policy& policy) { return policy.rootfs_dir.empty(); }

void add_bind(LaunchPlan& plan, const std::string& source, const std::string& target,
              std::uint32_t flags) {
  plan.mounts.push_back({MountKind::Bind, flags | wire::kMakePoint, source, target, {}, 0, 0});
}

void add_identity_files(LaunchPlan& plan, const Command& command, const HostFacts& host) {
  const auto uid = std::to_string(command.uid.value_or(host.uid));
  const auto gid = std::to_string(command.gid.value_or(host.gid));
  const auto file = [&plan](const char* path, std::string content) {
    plan.mounts.push_back({MountKind::File, 0, {}, path, std::move(content), 0, 0});
  };
  file("/etc/passwd", "root:x:0:0:root:/nonexistent:/usr/sbin/nologin\nuser:x:" + uid + ":" + gid +
                          ":user:/tmp:/bin/sh\n");
  file("/etc/group", "root:x:0:\nuser:x:" + gid + ":\n");
  file("/etc/hosts", "127.0.0.1 localhost " + plan.hostname + "\n::1 localhost\n");
  file("/etc/hostname", plan.hostname + "\n");
}

void add_host_directories(LaunchPlan& plan, const Policy& policy, const Command& command,
                          const HostFacts& host) {
  for (const auto& directory : host.system_directories)
    add_bind(plan, directory, directory, wire::kReadOnly);
  for (const auto& [link, text] : host.system_links)
    plan.mounts.push_back({MountKind::Symlink, 0, text, link, {}, 0, 0});
  for (const auto& file : host.etc_files)
    add_bind(plan, file, file, wire::kReadOnly | wire::kNoExec | wire::kOptional);
  if (policy.network.mode != NetMode::None)
    add_bind(plan, "/etc/resolv.conf", "/etc/resolv.conf",
             wire::kReadOnly | wire::kNoExec | wire::kOptional);
  add_identity_files(plan, command, host);
}

void add_devices(LaunchPlan& plan) {
  // One mount for all of it: each further one costs its making and its tear-down.
  plan.mounts.push_back({MountKind::Tmpfs,
                         wire::kNoExec | wire::kWithDevices,
                         {},
                         "/dev",
                         "mode=755,size=64m",
                         0,
                         0});
  for (const char* device : kDevices)
    plan.mounts.push_back({MountKind::Device,
                           wire::kWithDevices | wire::kNoExec | wire::kOptional | wire::kMakePoint,
                           device,
                           device,
                           {},
                           0,
                           0});
  const std::pair<const char*, const char*> links[] = {{"/dev/fd", "/proc/self/fd"},
                                                       {"/dev/stdin", "/proc/self/fd/0"},
                                                       {"/dev/stdout", "/proc/self/fd/1"},
                                                       {"/dev/stderr", "/proc/self/fd/2"},
                                                       {"/dev/ptmx", "pts/ptmx"}};
  for (const auto& [link, text] : links)
    plan.mounts.push_back({MountKind::Symlink, 0, text, link, {}, 0, 0});
  plan.mounts.push_back({MountKind::Dir, wire::kForAll, {}, "/dev/shm", {}, 0, 0});
  plan.mounts.push_back({MountKind::Dir, 0, {}, "/dev/pts", {}, 0, 0});
  plan.mounts.push_back({MountKind::Terminals,
                         wire::kWithDevices | wire::kNoExec,
                         {},
                         "/dev/pts",
                         "mode=600,ptmxmode=666",
                         0,
                         0});
}

void add_gpu(LaunchPlan& plan, const std::vector<std::string>& nodes) {
  std::set<std::string> parents;
  for (const auto& node : nodes) {
    const auto parent = node.substr(0, node.rfind('/'));
    if (parent != "/dev" && parents.insert(parent).second)
      plan.mounts.push_back({MountKind::Dir, 0, {}, parent, {}, 0, 0});
    plan.mounts.push_back({MountKind::Device,
                           wire::kWithDevices | wire::kNoExec | wire::kMakePoint,
                           node,
                           node,
                           {},
                           0,
                           0});
  }
}

/// A device that is not usable as one can be opened by nobody.
void add_masks(LaunchPlan& plan, const HostFacts& host) {
  for (const auto& file : host.masked_files) add_bind(plan, "/dev/null", file, wire::kReadOnly);
  for (const auto& directory : host.masked_directories)
    plan.mounts.push_back(
        {MountKind::Tmpfs, wire::kReadOnly | wire::kNoExec, {}, directory, "mode=0,size=4k", 0, 0});
}

MountPlan shown_bind(const std::string& source, const std::string& target, bool read_only) {
  const std::uint32_t flags = wire::kMakePoint | (read_only ? wire::kReadOnly : 0U);
  return {MountKind::Bind, flags, source, target, {}, 0, 0};
}

/// The container's ids stand for the runtime's own there.
void map_ids(MountPlan& mount, const HostFacts& host) {
  mount.flags |= wire::kIdmapped;
  mount.idmap_uid = host.uid;
  mount.idmap_gid = host.gid;
}

/// The image is the runtime's; a container with ids of its own sees its files as its own.
MountPlan root_overlay(const Policy& policy, const Command& command, const HostFacts& host) {
  MountPlan mount{MountKind::Overlay, 0, policy.image_dir, "/", overlay_dir(policy), 0, 0};
  if (host.root && command.uid) map_ids(mount, host);
  return mount;
}

/// An inode for each page, as one may be asked for without a byte in it.
MountPlan tmpfs_of(const VolumeRule& volume, const LaunchPlan& plan) {
  constexpr std::uint64_t kPage = 4096;
  constexpr std::uint64_t kFewestInodes = 64;
  const auto inodes = std::max(volume.size.count / kPage, kFewestInodes);
  std::ostringstream data;
  data << "size=" << volume.size.count << ",nr_inodes=" << inodes << ",mode=" << std::oct
       << volume.mode << std::dec;
  if (plan.uid && plan.gid) data << ",uid=" << *plan.uid << ",gid=" << *plan.gid;
  return {MountKind::Tmpfs, wire::kMakePoint, {}, volume.target, data.str(), 0, 0};
}

MountPlan mount_of(const VolumeRule& volume, const LaunchPlan& plan, const Command& command,
                   const HostFacts& host) {
  auto mount = volume.kind == VolumeKind::Tmpfs
                   ? tmpfs_of(volume, plan)
                   : shown_bind(volume.directory, volume.target, volume.read_only);
  mount.flags |= wire::kVolume;
  // Named ones are the runtime's, whoever works in them: each container sees them as its own.
  const bool is_mapped = (volume.kind == VolumeKind::Bind && command.ids_of_block) ||
                         (volume.kind == VolumeKind::Named && host.root && command.uid);
  if (is_mapped) map_ids(mount, host);
  return mount;
}

/// What flags and storage show, parents before children, so that no mount hides one made before it.
void add_shown(LaunchPlan& plan, const Policy& policy, const Command& command,
               const HostFacts& host) {
  std::vector<MountPlan> mounts;
  for (const auto& volume : policy.volumes) mounts.push_back(mount_of(volume, plan, command, host));
  for (const auto& rule : policy.paths) {
    mounts.push_back(shown_bind(rule.path, rule.path, rule.access == Access::Read));
    if (command.ids_of_block) map_ids(mounts.back(), host);
  }
  std::ranges::stable_sort(mounts, {}, &MountPlan::target);
  std::ranges::move(mounts, std::back_inserter(plan.mounts));
}

void add_file_rules_at_landlock(LaunchPlan& plan, const Policy& policy, const HostFacts& host) {
  const LandlockRights rights = landlock_rights(host.landlock_abi);
  const auto rule = [&plan](std::string path, std::uint64_t access, bool optional) {
    plan.file_rules.push_back({std::move(path), access, optional});
  };
  if (is_host_image(policy)) {
    for (const auto& directory : host.system_directories) rule(directory, rights.read, false);
    for (const auto& file : host.etc_files) rule(file, rights.read, true);
    for (const char* file : kIdentityFiles) rule(file, rights.read, true);
    if (policy.network.mode != NetMode::None) rule("/etc/resolv.conf", rights.read, true);
  } else {
    rule(policy.rootfs_dir, rights.write, false);
    for (const auto& directory : library_directories(host)) rule(directory, rights.read, true);
  }
  rule(policy.scratch_dir, rights.write, false);
  for (const char* device : kDevices) rule(device, rights.device, true);
  for (const auto& node : gpu_nodes(policy, host)) rule(node, rights.device, false);
  for (const char* path : kHarmlessProc) rule(path, rights.read, true);
  for (const auto& path : policy.paths)
    rule(path.path, path.access == Access::Read ? rights.read : rights.write, false);
  for (const auto& volume : policy.volumes)
    if (!volume.directory.empty())
      rule(volume.directory, volume.read_only ? rights.read : rights.write, false);
}

void add_file_rules_at_namespaces(LaunchPlan& plan, const Policy& policy, const HostFacts& host) {
  // With an image the whole root is the container's own; the mounts alone say what is writable.
  if (!is_host_image(policy)) return;
  const LandlockRights rights = landlock_rights(host.landlock_abi);
  plan.handled_fs = rights.all;
  plan.file_rules.push_back({"/", rights.read, false});
  plan.file_rules.push_back({"/tmp", rights.write, false});
  plan.file_rules.push_back({"/dev/shm", rights.write, false});
  plan.file_rules.push_back({"/proc", rights.device, false});
  plan.file_rules.push_back({"/dev/pts", rights.device, false});
  for (const char* device : kDevices) plan.file_rules.push_back({device, rights.device, true});
  for (const auto& node : gpu_nodes(policy, host))
    plan.file_rules.push_back({node, rights.device, false});
  for (const auto& path : policy.paths)
    if (path.access == Access::Write) plan.file_rules.push_back({path.path, rights.write, false});
  for (const auto& volume : policy.volumes)
    if (!volume.read_only) plan.file_rules.push_back({volume.target, rights.write, false});
}

void add_ports(LaunchPlan& plan, const NetworkAccess& network, const HostFacts& host) {
  if (network.mode == NetMode::Full || host.landlock_abi < 4) return;
  plan.handled_net = kBindTcp | kConnectTcp;
  if (network.mode == NetMode::None) return;
  for (const auto port : network.bind_ports) plan.port_rules.push_back({port, kBindTcp});
  for (const auto port : network.connect_ports) plan.port_rules.push_back({port, kConnectTcp});
}

}  // namespace

LandlockRights landlock_rights(std::uint32_t abi) {
  constexpr std::uint64_t kMakeChar = 1U << 6;
  constexpr std::uint64_t kMakeBlock = 1U << 11;
  constexpr std::uint64_t kRefer = 1U << 13;     // ABI 2, Linux 5.19
  constexpr std::uint64_t kTruncate = 1U << 14;  // ABI 3, Linux 6.2
  constexpr std::uint64_t kIoctlDev = 1U << 15;  // ABI 5, Linux 6.10
  LandlockRights rights;
  if (abi == 0) return rights;
  rights.all = (1U << 13) - 1;  // ABI 1, Linux 5.13
  if (abi >= 2) rights.all |= kRefer;
  if (abi >= 3) rights.all |= kTruncate;
  if (abi >= 5) rights.all |= kIoctlDev;
  rights.read = kFsExecute | kFsReadFile | kFsReadDir;
  rights.write = rights.all & ~(kMakeChar | kMakeBlock | kIoctlDev);
  rights.device = (kFsReadFile | kFsWriteFile | kTruncate | kIoctlDev) & rights.all;
  return rights;
}

std::vector<std::string> library_directories(const HostFacts& host) {
  std::vector<std::string> result;
  for (const auto& directory : host.system_directories) {
    if (directory == "/usr") {
      for (const char* below :
           {"/usr/lib", "/usr/lib32", "/usr/lib64", "/usr/libx32", "/usr/libexec"})
        result.emplace_back(below);
    } else if (directory.find("/lib") == 0) {
      result.push_back(directory);
    }
  }
  return result;
}

void add_mounts(LaunchPlan& plan, const Policy& policy, const Command& command,
                const HostFacts& host) {
  plan.flags |= wire::kNamespaces;
  if (!host.root) plan.flags |= wire::kUserNamespace;
  if (is_host_image(policy)) {
    plan.flags |= wire::kRootIsTmpfs | wire::kRootReadOnly;
    plan.root = "/tmp";  // where the tmpfs is put before the pivot; sources are taken before that
    add_host_directories(plan, policy, command, host);
    for (const char* directory : {"/dev", "/proc", "/tmp"})
      plan.mounts.push_back({MountKind::Dir, 0, {}, directory, {}, 0, 0});
  } else {
    plan.root = policy.rootfs_dir;
    if (!policy.image_dir.empty()) plan.mounts.push_back(root_overlay(policy, command, host));
    if (policy.native_image)
      for (const auto& directory : library_directories(host))
        add_bind(plan, directory, directory, wire::kReadOnly | wire::kOptional);
  }
  add_devices(plan);
  add_gpu(plan, gpu_nodes(policy, host));
  plan.mounts.push_back({MountKind::Proc, 0, {}, "/proc", {}, 0, 0});
  add_masks(plan, host);
  add_bind(plan, policy.scratch_dir, "/tmp", 0);
  add_shown(plan, policy, command, host);
}

void add_network(LaunchPlan& plan, const Policy& policy, const Command& command) {
  plan.flags |= wire::kOwnNetwork;
  const auto& network = policy.network;
  const bool makes_sockets = policy.seccomp != specs::SeccompProfile::Strict;
  if (network.mode == NetMode::None || !makes_sockets) return;
  // A listening descriptor that is handed over needs nobody to lead its callers in.
  if (command.own_port && command.listen_name.empty()) {
    // Programs that take no port from PORT listen where their endpoint says.
    const std::uint16_t otherwise = network.entries.empty() ? 0 : network.entries[0].inside;
    plan.relay_ports.push_back({*command.own_port, *command.own_port, otherwise, wire::kHeldPort});
  }
  for (const auto& entry : network.entries) {
    if (entry.host == command.own_port) continue;
    // Replicas share their endpoints' ports: the first one gets them.
    const auto flags = static_cast<std::uint16_t>(entry.required ? 0 : wire::kIfFree);
    plan.relay_ports.push_back({entry.host, entry.inside, 0, flags});
  }
  if (!plan.relay_ports.empty()) plan.flags |= wire::kRelay;
}

void add_landlock(LaunchPlan& plan, const Policy& policy, const HostFacts& host) {
  plan.landlock_abi = host.landlock_abi;
  if (host.landlock_abi == 0) return;
  if (plan.level == Level::Landlock) {
    plan.handled_fs = landlock_rights(host.landlock_abi).all;
    add_file_rules_at_landlock(plan, policy, host);
    // In the shim's own domain, so that its children may signal each other and nobody else.
    if (host.landlock_abi >= 6) plan.shim_scopes = kScopeAbstractSockets | kScopeSignals;
  } else {
    add_file_rules_at_namespaces(plan, policy, host);
    if (host.landlock_abi >= 6) plan.child_scopes = kScopeAbstractSockets;
  }
  add_ports(plan, policy.network, host);
}

}  // namespace ringfort::platform
