// What a level cannot hold of a policy.
#include "ringfort/platform/launch_plan.hpp"

namespace ringfort::platform {
namespace {

using Sentences = std::vector<std::string>;

void add_gaps_of_landlock(Sentences& gaps, const Policy& policy, const HostFacts& host) {
  gaps.emplace_back("files outside the rules can still be seen by name, size and mode (stat)");
  gaps.emplace_back(
      "if supervisor, zygote and shim are all killed, what the program itself started may go on "
      "(at namespaces the kernel ends it)");
  gaps.emplace_back("a program can kill its own shim when both run as one user: reported as lost");
  gaps.emplace_back("unix sockets with a path are reachable where their mode allows it");
  gaps.emplace_back("/proc shows a program its own entry only, not those of its children");
  if (policy.rootfs_dir.empty())
    gaps.emplace_back("the host's passwd, group, hosts and hostname are read instead of made ones");
  // Only at best effort: the level takes ABI 6.
  if (host.landlock_abi < 3)
    gaps.emplace_back(
        "files outside the rules can be cut to nothing where their mode allows writing "
        "(Landlock ABI 3 would hold that)");
  if (host.landlock_abi < 5)
    gaps.emplace_back(
        "devices may be asked for anything by ioctl (Landlock ABI 5 would hold that)");
  if (host.landlock_abi < 6)
    gaps.emplace_back(
        "processes outside that run as the same user can be signalled (Landlock ABI 6 would scope "
        "signals)");
}

void add_gaps_of_network(Sentences& gaps, const NetworkAccess& network, const HostFacts& host) {
  if (network.mode == NetMode::Local && host.landlock_abi < 4)
    gaps.emplace_back("network local holds no ports, only TCP (Landlock ABI 4 would hold them)");
  else if (network.mode == NetMode::Local)
    gaps.emplace_back("network local holds ports, not addresses: any address on these ports");
  if (network.mode == NetMode::Full) gaps.emplace_back("network full: nothing is held back");
}

}  // namespace

std::vector<std::string> missing_protections(const Policy& policy, Level level,
                                             const HostFacts& host) {
  Sentences gaps;
  if (level == Level::Landlock) add_gaps_of_landlock(gaps, policy, host);
  if (level != Level::Landlock && host.landlock_abi == 0)
    gaps.emplace_back("no Landlock on this kernel");
  if (host.landlock_abi < 6)
    gaps.emplace_back(
        "abstract unix sockets of the host are reachable (Landlock ABI 6 would scope them)");
  for (const auto& rule : policy.paths)
    if (is_within(policy.container_dir, rule.path))
      gaps.emplace_back("ringfort's own files are readable below " + rule.path);
  add_gaps_of_network(gaps, policy.network, host);
  return gaps;
}

}  // namespace ringfort::platform
