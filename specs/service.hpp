// One service of a deployment: what to run, with what, how often. Plain values with the defaults.
#pragma once

#include "ringfort/specs/lifecycle.hpp"
#include "ringfort/specs/network.hpp"
#include "ringfort/specs/resources.hpp"
#include "ringfort/specs/run_options.hpp"
#include "ringfort/specs/storage.hpp"
#include "ringfort/specs/wasm.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace ringfort::specs {

enum class ResourceType { Service, Job, Cron };
enum class WindowsIsolation { Auto, Process, Hyperv };
enum class NodeMode { Shared, Dedicated, Exclusive };
enum class LogMode { Drop, Block };
/// Which system calls a program may make, beside what its network allows.
enum class SeccompProfile { Default, Build, Strict };
enum class PlatformOs { Linux, Windows, Macos };
enum class PlatformArch { Amd64, Arm64 };
enum class AffinityKind { Spread, Pack, Pin };

struct NodeSelector {
  std::map<std::string, std::string> labels;
  std::map<std::string, std::string> prefer_labels;
  bool operator==(const NodeSelector&) const = default;
};

/// Written `spread`, `pack` or `pin: "id=2"` / `pin: "zone=a"`.
struct Affinity {
  AffinityKind kind = AffinityKind::Pack;
  std::string pin;
  bool operator==(const Affinity&) const = default;
};

struct Platform {
  std::optional<PlatformOs> os;
  std::optional<PlatformArch> arch;
  std::optional<std::string> os_version;  ///< `osVersion` in YAML
  bool operator==(const Platform&) const = default;
};

struct Logs {
  std::string destination = "disk";
  Bytes max_size_bytes{100ull * 1024 * 1024};
  std::uint64_t retention_secs = 7ull * 24 * 3600;
  std::optional<Bytes> max_size;           ///< both streams of one file; empty = 10Mi
  std::optional<std::uint32_t> max_files;  ///< with the one that is written; empty = 3
  LogMode mode = LogMode::Drop;  ///< what a full disk costs: output, or the program's time
  bool operator==(const Logs&) const = default;
};

/// Replicas that share a role and may differ from the service in what is given here.
struct ReplicaGroup {
  std::string role;
  std::uint32_t count = 1;
  std::optional<Image> image;
  std::map<std::string, std::string> env;  ///< merged over the service's, wins
  std::optional<Command> command;
  std::optional<Resources> resources;
  Affinity affinity{AffinityKind::Spread, {}};
  bool operator==(const ReplicaGroup&) const = default;
};

struct Service {
  ResourceType rtype = ResourceType::Service;
  std::optional<std::string> schedule;  ///< cron with seconds, UTC; with and only with Cron
  Image image;
  Resources resources;
  Command command;
  std::map<std::string, std::string> env;
  ServiceNetwork network;
  std::vector<Endpoint> endpoints;
  Scale scale;
  std::vector<ReplicaGroup> replica_groups;
  std::vector<Depends> depends;
  Health health;
  Init init;
  Errors errors;
  Lifecycle lifecycle;
  std::vector<Storage> storage;
  std::vector<Device> devices;
  std::vector<PortMapping> port_mappings;
  std::vector<std::string> capabilities;  ///< `cap_add` is taken as well
  std::vector<std::string> cap_drop;
  bool privileged = false;
  std::optional<WindowsIsolation> isolation;
  NodeMode node_mode = NodeMode::Shared;
  std::optional<NodeSelector> node_selector;
  std::optional<Affinity> affinity;
  std::optional<Platform> platform;
  ServiceType service_type = ServiceType::Standard;
  std::optional<Wasm> wasm;  ///< `wasm_http` is taken as well
  std::optional<Logs> logs;
  NetworkMode network_mode;  ///< `host_network: true` is taken as `host`
  std::optional<std::string> hostname;
  std::vector<std::string> dns;
  std::vector<std::string> extra_hosts;  ///< "name:address"
  std::optional<RestartPolicy> restart_policy;
  std::map<std::string, std::string> labels;
  std::optional<std::string> user;
  std::optional<std::string> stop_signal;
  std::optional<Duration> stop_grace_period;
  std::map<std::string, std::string> sysctls;
  std::map<std::string, Ulimit> ulimits;
  std::vector<std::string> security_opt;
  std::optional<std::string> pid_mode;
  std::optional<std::string> ipc_mode;
  std::optional<std::string> userns_mode;
  std::vector<std::string> extra_groups;
  bool read_only_root_fs = false;
  std::optional<bool> init_container;
  bool tty = false;
  bool stdin_open = false;
  std::vector<std::string> expose;
  std::optional<std::string> cgroup_parent;
  std::optional<Overlay> overlay;
  LocalhostReachability localhost_reachability = LocalhostReachability::Auto;
  /// ringfort's own: how long the rest of the tree may go on when the main program has ended.
  std::optional<Duration> linger;
  /// ringfort's own: what must be enforced (`landlock`, `memory`, or a field's path), else creation
  /// is an error.
  std::vector<std::string> require;
  /// ringfort's own: the table of system calls, platform/linux/syscalls.txt.
  SeccompProfile seccomp = SeccompProfile::Default;
  /// ringfort's own: copy or overlay of the image; empty = as the caller's options say.
  std::optional<RootfsMode> rootfs;
  bool operator==(const Service&) const = default;
};

}  // namespace ringfort::specs
