#include "ringfort/platform/gaps.hpp"

#include "ringfort/specs/words.hpp"

#include <algorithm>
#include <set>
#include <variant>

namespace ringfort::platform {
namespace {

using Sentences = std::vector<std::string>;

void add_landlock(Sentences& gaps, const Policy& policy, const GapFacts& facts) {
  gaps.emplace_back(
      "files outside the rules can still be seen by name, size and mode (stat), and watched "
      "(inotify)");
  if (!facts.own_uid)
    gaps.emplace_back(
        "mode, times and attributes of files outside can be changed where they belong to the same "
        "user (chmod, utime, setxattr)");
  gaps.emplace_back(
      "if supervisor, zygote and shim are all killed, what the program itself started may go on "
      "(at namespaces the kernel ends it)");
  if (!facts.host.root)  // whose programs never run as the shim does
    gaps.emplace_back(
        "a program can kill its own shim when both run as one user: reported as lost");
  gaps.emplace_back("other processes can be found by their number (pidfd_open), not looked into");
  gaps.emplace_back("unix sockets with a path are reachable where their mode allows it");
  gaps.emplace_back("/proc shows a program its own entry only, not those of its children");
  if (policy.rootfs_dir.empty())
    gaps.emplace_back("the host's passwd, group, hosts and hostname are read instead of made ones");
}

/// Only at best effort: the level takes ABI 6.
void add_old_landlock(Sentences& gaps, std::uint32_t abi) {
  if (abi < 3)
    gaps.emplace_back(
        "files outside the rules can be cut to nothing where their mode allows writing (Landlock "
        "ABI 3 would hold that)");
  if (abi < 5)
    gaps.emplace_back(
        "devices may be asked for anything by ioctl (Landlock ABI 5 would hold that)");
  if (abi < 6)
    gaps.emplace_back(
        "processes outside that run as the same user can be signalled (Landlock ABI 6 would scope "
        "signals)");
}

void add_host_network(Sentences& gaps, const NetworkAccess& network, std::uint32_t abi) {
  if (abi < 6)
    gaps.emplace_back(
        "abstract unix sockets of the host are reachable (Landlock ABI 6 would scope them)");
  gaps.emplace_back(
      "the host's network is shared: its interfaces and connections can be seen in /proc/net");
  if (network.mode == NetMode::Full) gaps.emplace_back("network full: nothing is held back");
  if (network.mode != NetMode::Local) return;
  if (abi < 4)
    gaps.emplace_back("network local holds no ports, only TCP (Landlock ABI 4 would hold them)");
  else
    gaps.emplace_back("network local holds ports, not addresses: any address on these ports");
  gaps.emplace_back(
      "network local: who listens without binding gets a free port on every address, which no rule "
      "sees");
}

void add_own_network(Sentences& gaps, const NetworkAccess& network) {
  for (const auto& entry : network.entries)
    if (!entry.required)
      gaps.push_back("port " + std::to_string(entry.host) +
                     " of this machine leads in only if nobody has it when the container starts");
}

void add_seatbelt(Sentences& gaps, const Policy& policy) {
  gaps.emplace_back("other processes can be seen by name and number (process-info-pidinfo)");
  gaps.emplace_back("POSIX shared memory and semaphores of others are reachable by name");
  if (policy.network.mode == NetMode::Full) gaps.emplace_back("network full: nothing is held back");
  if (policy.network.mode == NetMode::Local)
    gaps.emplace_back("network local holds ports, not protocols: UDP may use them, too");
  if (!policy.network.seatbelt_connect_ports.empty())
    gaps.emplace_back("ports 53, 80 and 443 of this machine may be connected to beside the listed");
}

/// Where nothing can be mounted: what a program gets instead.
std::string unmounted(const VolumeRule& volume) {
  const auto is_not = "volume " + volume.target + " is not mounted: ";
  switch (volume.kind) {
    case VolumeKind::Bind:
      return is_not + "its source " + volume.source + " is opened where it is";
    case VolumeKind::Tmpfs:
      return is_not + "this level has no tmpfs, and the program gets nothing for it";
    default:
      return is_not + "its directory is the one that RINGFORT_VOLUME_<NAME> gives";
  }
}

/// Where ids are mapped; who else gets there may start it.
std::string made_as_root(const std::string& path) {
  return "what is made in " + path +
         " is root's on the host, with any mode that the program gives it (setuid)";
}

/// Rights of Landlock only add up: what is around it gives writing there, too.
bool is_written_by_another(const VolumeRule& volume, const Policy& policy) {
  const auto gives = [&volume](const std::string& path, bool writes) {
    return writes && !path.empty() && is_within(volume.directory, path);
  };
  return std::ranges::any_of(
             policy.volumes,
             [&](const auto& one) { return gives(one.directory, !one.read_only); }) ||
         std::ranges::any_of(policy.paths, [&](const auto& one) {
           return gives(one.path, one.access == Access::Write);
         });
}

void add_volumes(Sentences& gaps, const Policy& policy, const GapFacts& facts,
                 Confinement confinement) {
  if (confinement == Confinement::Seatbelt) return;
  for (const auto& volume : policy.volumes) {
    if (confinement == Confinement::Landlock) {
      gaps.push_back(unmounted(volume));
      if (volume.read_only && is_written_by_another(volume, policy))
        gaps.push_back("volume " + volume.target +
                       " can be written to, as another rule lets write around it");
    }
    if (volume.kind != VolumeKind::Bind) continue;
    if (is_within(policy.container_dir, volume.source))
      gaps.push_back("ringfort's own files are readable below " + volume.source);
    if (facts.own_uid && !volume.read_only && confinement != Confinement::Landlock)
      gaps.push_back(made_as_root(volume.source));
  }
}

void add_gpu(Sentences& gaps, const Policy& policy, Confinement confinement) {
  if (confinement == Confinement::Seatbelt) return;
  if (policy.gpu != GpuAccess::None)
    gaps.push_back("GPU " + std::string(to_string(policy.gpu)) + ": no device is given");
}

void add_memory(Sentences& gaps, const Policy& policy, bool by_kernel) {
  if (policy.memory_limit && !by_kernel)
    gaps.emplace_back(
        "memory is polled, not limited by the kernel: what is in no process's pages (unmapped "
        "memfd, pipe buffers) is not counted");
}

/// The kinds of storage that it has, each once.
void add_unmounted(std::vector<std::string>& fields, const specs::Service& service) {
  std::set<std::string> kinds;
  for (const auto& storage : service.storage)
    if (!std::holds_alternative<specs::S3Storage>(storage))
      kinds.emplace("storage." + std::string(specs::Tag<specs::Storage>::kinds[storage.index()]));
  fields.insert(fields.end(), kinds.begin(), kinds.end());
}

}  // namespace

std::string_view to_string(Confinement confinement) {
  switch (confinement) {
    case Confinement::Seatbelt:
      return "seatbelt";
    case Confinement::Landlock:
      return "landlock";
    case Confinement::Namespaces:
      return "namespaces";
    case Confinement::Network:
      return "network";
  }
  return "unknown";
}

Confinement confinement_of(Level level) {
  switch (level) {
    case Level::Landlock:
      return Confinement::Landlock;
    case Level::Namespaces:
      return Confinement::Namespaces;
    case Level::Network:
      return Confinement::Network;
  }
  return Confinement::Landlock;
}

std::vector<std::string> gaps(const Policy& policy, Confinement confinement,
                              const GapFacts& facts) {
  Sentences gaps;
  const auto abi = facts.host.landlock_abi;
  const bool is_seatbelt = confinement == Confinement::Seatbelt;
  if (is_seatbelt) add_seatbelt(gaps, policy);
  if (confinement == Confinement::Landlock) {
    add_landlock(gaps, policy, facts);
    add_old_landlock(gaps, abi);
  }
  if ((confinement == Confinement::Namespaces || confinement == Confinement::Network) && abi == 0)
    gaps.emplace_back("no Landlock on this kernel");
  if (confinement == Confinement::Landlock || confinement == Confinement::Namespaces)
    add_host_network(gaps, policy.network, abi);
  if (confinement == Confinement::Network) add_own_network(gaps, policy.network);
  for (const auto& rule : policy.paths)
    if (!is_seatbelt && is_within(policy.container_dir, rule.path))
      gaps.push_back("ringfort's own files are readable below " + rule.path);
  const bool maps_ids =
      confinement == Confinement::Namespaces || confinement == Confinement::Network;
  for (const auto& rule : policy.paths)
    if (maps_ids && facts.own_uid && rule.access == Access::Write)
      gaps.push_back(made_as_root(rule.path));
  add_volumes(gaps, policy, facts, confinement);
  add_gpu(gaps, policy, confinement);
  add_memory(gaps, policy, facts.memory_cgroup && !is_seatbelt);
  gaps.emplace_back("the kernel is shared with the host: a bug of the kernel is a way out");
  return gaps;
}

std::vector<std::string> fields_not_held(const specs::Service& service, const LaunchPlan& plan,
                                         bool has_gpu) {
  std::vector<std::string> fields;
  // A name of its own takes a UTS namespace.
  if (plan.level == Level::Landlock && service.hostname) fields.emplace_back("hostname");
  if (service.resources.pids_limit && !limits_processes(plan))
    fields.emplace_back("resources.pids_limit");
  if (service.resources.gpu && !has_gpu) fields.emplace_back("resources.gpu");
  if (plan.level == Level::Landlock) add_unmounted(fields, service);
  return fields;
}

}  // namespace ringfort::platform
