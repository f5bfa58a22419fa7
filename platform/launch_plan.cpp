#include "ringfort/platform/launch_plan.hpp"

#include "ringfort/platform/plan_parts.hpp"
#include "ringfort/platform/seccomp_filter.hpp"
#include "ringfort/specs/names.hpp"

#include <algorithm>
#include <cctype>
#include <mutex>

namespace ringfort::platform {
namespace {

constexpr std::size_t kLongestString = 131072;  // MAX_ARG_STRLEN, its NUL included. execve(2)
constexpr const char* kPath[] = {"/usr/local/sbin", "/usr/local/bin", "/usr/sbin",
                                 "/usr/bin",        "/sbin",          "/bin"};
constexpr std::uint32_t kNProc = 6;   // RLIMIT_NPROC
constexpr std::uint32_t kNoFile = 7;  // RLIMIT_NOFILE on every Linux architecture we know

bool covers(const std::string& directory, const std::string& path) {
  return path == directory || directory == "/" ||
         (path.starts_with(directory) && path.size() > directory.size() &&
          path[directory.size()] == '/');
}

bool covered(const Policy& policy, const std::string& path) {
  return std::any_of(policy.paths.begin(), policy.paths.end(),
                     [&path](const PathRule& rule) { return covers(rule.path, path); });
}

bool in_volume(const Policy& policy, const std::string& path) {
  return std::ranges::any_of(
      policy.volumes, [&path](const VolumeRule& volume) { return covers(volume.target, path); });
}

/// Where the container's own tree begins, as the child sees it.
std::string prefix(const Policy& policy, Level level) {
  return level == Level::Landlock ? policy.rootfs_dir : std::string{};
}

std::string scratch(const Policy& policy, Level level) {
  return level == Level::Landlock ? policy.scratch_dir : "/tmp";
}

Status check_string(const std::string& text, const char* what) {
  if (text.find('\0') != std::string::npos)
    return fail(ErrorKind::InvalidSpec, std::string(what) + " holds a NUL byte",
                "remove it: no program can be given one");
  if (text.size() + 1 > kLongestString)
    return fail(ErrorKind::InvalidSpec,
                std::string(what) + " of " + std::to_string(text.size()) +
                    " bytes is over the kernel's limit of 131071",
                "write it to a file or to stdin instead");
  return {};
}

Status check_command(const Command& command) {
  if (command.argv.empty() || command.argv[0].empty())
    return fail(ErrorKind::InvalidSpec, "the command is empty", "give a program to run");
  for (const auto& argument : command.argv)
    if (auto ok = check_string(argument, "an argument"); !ok) return ok;
  for (const auto& [name, value] : command.env) {
    if (auto ok = check_string(name + "=" + value, "an environment variable"); !ok) return ok;
    if (name.empty() || name.find('=') != std::string::npos)
      return fail(ErrorKind::InvalidSpec,
                  "\"" + printable(name) + "\" is not a name for an environment variable",
                  "write NAME=VALUE");
  }
  return {};
}

/// What is only `full` because no endpoint says otherwise gets all of its own network instead.
Status check_own_network(const NetworkAccess& network) {
  if (network.mode == NetMode::Full && network.is_asked_for)
    return fail(ErrorKind::Unsupported,
                "the machine's network is asked for (--net full, network_mode host), and level "
                "network is without it",
                "use --isolation namespaces, or --net local (in a spec: leave network_mode out)");
  if (network.entries.size() >= wire::kMaxRelayPorts)
    return fail(ErrorKind::Unsupported,
                std::to_string(network.entries.size()) +
                    " ports are listed; level network leads 31 in beside the own one",
                "list fewer, or use --isolation namespaces");
  return {};
}

Status check_level(const Policy& policy, const Command& command, Level level,
                   const HostFacts& host) {
  const std::string abi = std::to_string(host.landlock_abi);
  const std::uint32_t needed = command.best_effort ? 1 : 6;
  if (level == Level::Landlock && host.landlock_abi < needed)
    return fail(ErrorKind::Unsupported,
                "isolation landlock needs Landlock ABI 6 (Linux 6.12); this machine has ABI " + abi,
                "use --isolation namespaces");
  if (level == Level::Landlock && policy.own_libraries)
    return fail(
        ErrorKind::Unsupported,
        "an image with its own libraries can't run at level landlock, which shows host paths",
        "use --isolation namespaces");
  if (level == Level::Landlock && !policy.image_dir.empty())
    return fail(ErrorKind::Unsupported, "rootfs overlay: at level landlock nothing can be mounted",
                "use --isolation namespaces, or rootfs auto or visible");
  // Nothing can be idmapped there, and what a container's user was given would stay his.
  if (level == Level::Landlock && host.root && command.uid)
    for (const auto& volume : policy.volumes)
      if (volume.kind == VolumeKind::Named)
        return fail(ErrorKind::Unsupported,
                    "volume " + volume.name + " is root's, and at level landlock user " +
                        std::to_string(*command.uid) + " of the container can't use it",
                    "use --isolation namespaces, or run ringfort as the user whose files they are");
  const bool wants_ports = policy.network.is_asked_for && !command.best_effort;
  if (level == Level::Network) return check_own_network(policy.network);
  if (policy.network.mode == NetMode::Local && wants_ports && host.landlock_abi < 4)
    return fail(ErrorKind::Unsupported,
                "network local needs Landlock ABI 4 (Linux 6.7); this machine has ABI " + abi,
                "use --isolation network, --net none, --net full, or --best-effort to let any port "
                "pass");
  return {};
}

std::string volume_variable(const std::string& name) {
  std::string result = "RINGFORT_VOLUME_";
  for (const auto c : name) {
    const auto byte = static_cast<unsigned char>(c);
    result += std::isalnum(byte) != 0 ? static_cast<char>(std::toupper(byte)) : '_';
  }
  return result;
}

/// Where a program finds a volume: at `landlock` a target is never taken for a host path.
std::string place_of(const VolumeRule& volume, Level level) {
  return level == Level::Landlock ? volume.directory : volume.target;
}

/// The fixed variables, the spec's on top of them, and the ports that nobody may forge.
std::vector<std::string> environment(const Policy& policy, const Command& command, Level level) {
  std::vector<std::pair<std::string, std::string>> result;
  const auto set = [&result](const std::string& name, const std::string& value) {
    const auto found = std::find_if(result.begin(), result.end(),
                                    [&name](const auto& entry) { return entry.first == name; });
    if (found == result.end()) {
      result.emplace_back(name, value);
    } else {
      found->second = value;
    }
  };
  std::string path;
  for (const char* directory : kPath)
    path += (path.empty() ? "" : ":") + prefix(policy, level) + directory;
  set("PATH", path);
  set("HOME", scratch(policy, level));
  set("TMPDIR", scratch(policy, level));
  if (command.own_port) set("PORT", std::to_string(*command.own_port));
  // What has no name is called as its target is; a name is stronger.
  for (const auto& volume : policy.volumes)
    if (volume.kind == VolumeKind::Anonymous)
      set(volume_variable(volume.target.substr(1)), place_of(volume, level));
  for (const auto& volume : policy.volumes)
    if (volume.kind == VolumeKind::Named)
      set(volume_variable(volume.name), place_of(volume, level));
  for (const auto& [name, value] : command.env) set(name, value);
  if (command.own_port) {
    set("RINGFORT_PORT", std::to_string(*command.own_port));
    set("ZLAYER_PORT", std::to_string(*command.own_port));
  }
  if (!command.listen_name.empty() && command.own_port) {
    set("LISTEN_FDS", "1");
    set("LISTEN_FDNAMES", command.listen_name);
    set("LISTEN_PID", std::string(wire::kPidDigits, '0'));  // the child writes its own
  }
  std::vector<std::string> flat;
  flat.reserve(result.size());
  for (const auto& [name, value] : result) flat.push_back(name + "=" + value);
  return flat;
}

std::string value_of(const std::vector<std::string>& environment, std::string_view name) {
  for (const auto& entry : environment)
    if (entry.size() > name.size() && entry.starts_with(name) && entry[name.size()] == '=')
      return entry.substr(name.size() + 1);
  return {};
}

/// The paths at which the program may be, as a shell would look for it.
std::vector<std::string> candidates(const Policy& policy, const std::string& program, Level level,
                                    const std::vector<std::string>& environment) {
  if (program.find('/') != std::string::npos) {
    const bool own = program[0] == '/' && !prefix(policy, level).empty() &&
                     !covered(policy, program) && !covers(policy.rootfs_dir, program);
    return {own ? prefix(policy, level) + program : program};
  }
  std::vector<std::string> result;
  const std::string path = value_of(environment, "PATH");
  for (std::size_t begin = 0; begin <= path.size();) {
    const std::size_t end = std::min(path.find(':', begin), path.size());
    if (end > begin) result.push_back(path.substr(begin, end - begin) + "/" + program);
    begin = end + 1;
  }
  return result;
}

/// There are a few, each the same for every container that chooses so: assembled once, when the
/// first one asks.
std::vector<BpfInstruction> filter_for(const FilterChoice& choice) {
  static std::mutex mutex;
  static std::vector<std::pair<FilterChoice, std::vector<BpfInstruction>>> known;
  const std::lock_guard lock{mutex};
  const auto found = std::ranges::find(known, choice, [](const auto& one) { return one.first; });
  if (found != known.end()) return found->second;
  return known.emplace_back(choice, seccomp_filter(choice)).second;
}

std::string working_directory(const Policy& policy, const Command& command, Level level) {
  if (policy.rootfs_dir.empty()) {
    const bool is_there = covered(policy, command.workdir) ||
                          (level != Level::Landlock && in_volume(policy, command.workdir));
    return !command.workdir.empty() && is_there ? command.workdir : scratch(policy, level);
  }
  const std::string inside = command.workdir.empty() ? "/" : command.workdir;
  return prefix(policy, level) + inside;
}

/// RLIMIT_NPROC counts the processes of a uid in a user namespace (since Linux 5.14; ABI 2 is of
/// 5.19), so it is the tree's own count only where one of the two is the tree's own. getrlimit(2).
void add_pids_limit(LaunchPlan& plan, const Command& command, const HostFacts& host) {
  if (!command.pids_limit) return;
  const std::uint64_t relay = (plan.flags & wire::kRelay) != 0 ? 1 : 0;  // of the same uid
  if (host.root) {
    const std::uint64_t most = *command.pids_limit + relay;
    if (command.ids_of_block) plan.limits.push_back({kNProc, most, most});
  } else if ((plan.flags & wire::kUserNamespace) != 0 && host.landlock_abi >= 2) {
    const std::uint64_t most = *command.pids_limit + relay + 1;  // the shim is inside, too
    plan.limits.push_back({kNProc, most, most});
  }
}

constexpr const char* kOwnStdin = "/proc/self/fd/0";

/// Which terminal that is only the child knows: the rule is opened when descriptor 0 is in place.
void add_terminal(LaunchPlan& plan) {
  plan.flags |= wire::kTerminal;
  if (plan.handled_fs != 0)
    plan.file_rules.push_back({kOwnStdin, landlock_rights(plan.landlock_abi).device, true});
}

}  // namespace

std::vector<std::string> gpu_nodes(const Policy& policy, const HostFacts& host) {
  std::vector<std::string> nodes;
  if (!policy.gpu_devices) return nodes;
  std::uint32_t missing = policy.gpu_devices->count;
  for (const auto& node : host.gpu_nodes) {
    if (node.vendor != policy.gpu_devices->vendor || (!node.is_shared && missing == 0)) continue;
    if (!node.is_shared) --missing;
    nodes.push_back(node.path);
  }
  return missing == 0 ? nodes : std::vector<std::string>{};
}

Result<LaunchPlan> make_launch_plan(const Policy& policy, const Command& command, Level level,
                                    const HostFacts& host) {
  if (auto ok = check_command(command); !ok) return fail(ok.error());
  if (auto ok = check_level(policy, command, level, host); !ok) return fail(ok.error());
  LaunchPlan plan;
  plan.level = level;
  plan.argv = command.argv;
  plan.env = environment(policy, command, level);
  plan.candidates = candidates(policy, command.argv[0], level, plan.env);
  plan.cwd = working_directory(policy, command, level);
  plan.hostname = command.hostname.substr(0, 63);
  plan.limits.push_back({kNoFile, policy.max_files, policy.max_files});
  plan.deadline_usec = command.deadline ? command.deadline->count() : 0;
  plan.grace_usec = command.grace.count();
  plan.linger_usec = command.linger.count();
  plan.log = command.log;
  plan.uid = command.uid ? *command.uid : host.uid;
  plan.gid = command.gid ? *command.gid : host.gid;
  if (host.root && command.uid) plan.flags |= wire::kChangeIds;
  if (level != Level::Landlock) add_mounts(plan, policy, command, host);
  if (level == Level::Network) add_network(plan, policy, command);
  add_pids_limit(plan, command, host);
  add_landlock(plan, policy, host);
  if (command.terminal) add_terminal(plan);
  if (!command.listen_name.empty() && command.own_port) plan.flags |= wire::kListen;
  if (command.log.blocks) plan.flags |= wire::kLogBlocks;
  plan.seccomp_profile = policy.seccomp;
  plan.seccomp = filter_for({policy.network.mode, policy.seccomp, level});
  return plan;
}

bool limits_processes(const LaunchPlan& plan) {
  return std::ranges::any_of(plan.limits,
                             [](const auto& limit) { return limit.resource == kNProc; });
}

Result<LaunchPlan> make_exec_plan(const LaunchPlan& main, const Policy& policy,
                                  const Command& command, const HostFacts& host) {
  if (auto ok = check_command(command); !ok) return fail(ok.error());
  LaunchPlan plan = main;
  (void)host;  // the main plan holds what the host decided
  plan.argv = command.argv;
  if ((plan.flags & wire::kListen) != 0) {  // descriptor 3 is the main program's alone
    plan.flags &= ~std::uint32_t{wire::kListen};
    std::erase_if(plan.env, [](const auto& entry) { return entry.starts_with("LISTEN_"); });
  }
  for (const auto& [name, value] : command.env) {
    const std::string start = name + "=";
    std::erase_if(plan.env, [&start](const auto& entry) { return entry.starts_with(start); });
    plan.env.push_back(start + value);
  }
  plan.candidates = candidates(policy, command.argv[0], main.level, plan.env);
  if (!command.workdir.empty()) plan.cwd = working_directory(policy, command, main.level);
  plan.mounts.clear();
  plan.relay_ports.clear();
  plan.flags &= ~std::uint32_t{wire::kRelay};
  plan.shim_scopes = 0;
  remove_terminal(plan);
  if (command.terminal) add_terminal(plan);
  plan.flags |= wire::kJoin;
  plan.deadline_usec = command.deadline ? command.deadline->count() : 0;
  return plan;
}

void remove_terminal(LaunchPlan& plan) {
  if ((plan.flags & wire::kTerminal) == 0) return;
  plan.flags &= ~std::uint32_t{wire::kTerminal};
  std::erase_if(plan.file_rules, [](const auto& rule) { return rule.path == kOwnStdin; });
}

void sync_records(LaunchPlan& plan) { plan.flags |= wire::kSynced; }

MountPointUse use_of(const LaunchPlan& plan, const std::vector<std::string>& mount_points) {
  MountPointUse use;
  for (const auto& name : mount_points) {
    bool covered = false;
    // Links to directories that are mounted lead elsewhere, so only these say whether they are
    // used.
    const bool is_directory = name == "proc" || name == "dev" || name == "tmp" || name == "etc";
    bool used = !is_directory && !plan.mounts.empty();
    for (const auto& mount : plan.mounts) {
      using wire::MountKind;
      const bool mounts = mount.kind == MountKind::Bind || mount.kind == MountKind::Proc ||
                          mount.kind == MountKind::Tmpfs;
      const bool always = mounts && (mount.flags & wire::kOptional) == 0;
      covered = covered || (always && mount.target == "/" + name);
      used = used || mount.target == "/" + name || mount.target.starts_with("/" + name + "/");
    }
    if (covered) use.covered.push_back(name);
    if (!used) use.left_out.push_back(name);
  }
  return use;
}

std::vector<std::string> layers(const LaunchPlan& plan) {
  std::vector<std::string> result;
  if ((plan.flags & wire::kNamespaces) != 0) {
    if ((plan.flags & wire::kUserNamespace) != 0) result.emplace_back("user namespace");
    for (const char* layer : {"mount namespace", "pid namespace", "ipc namespace", "uts namespace"})
      result.emplace_back(layer);
    if ((plan.flags & wire::kOwnNetwork) != 0) result.emplace_back("network namespace");
  }
  if (plan.handled_fs != 0) result.emplace_back("landlock files");
  if (plan.handled_net != 0) result.emplace_back("landlock ports");
  if ((plan.shim_scopes | plan.child_scopes) != 0) result.emplace_back("landlock scopes");
  if (!plan.seccomp.empty()) result.emplace_back("seccomp");
  result.emplace_back("no new privileges");
  result.emplace_back("no capabilities");
  if ((plan.flags & wire::kChangeIds) != 0) result.emplace_back("own uid");
  return result;
}

}  // namespace ringfort::platform
