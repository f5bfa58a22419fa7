// All that is needed after the clone, as one flat value computed before it. Pure.
#pragma once

#include "ringfort/platform/mount_points.hpp"
#include "ringfort/platform/policy.hpp"
#include "ringfort/platform/protocol.hpp"
#include "ringfort/platform/shim/wire.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace ringfort::platform {

struct MountPlan {
  wire::MountKind kind = wire::MountKind::Dir;
  std::uint32_t flags = 0;
  std::string source;
  std::string target;
  std::string data;
  std::uint32_t idmap_uid = 0;
  std::uint32_t idmap_gid = 0;
  bool operator==(const MountPlan&) const = default;
};

struct FileRulePlan {
  std::string path;
  std::uint64_t access = 0;
  bool optional = false;
  bool operator==(const FileRulePlan&) const = default;
};

struct PortRulePlan {
  std::uint16_t port = 0;
  std::uint64_t access = 0;
  bool operator==(const PortRulePlan&) const = default;
};

/// As wire::RelayPort.
struct RelayPortPlan {
  std::uint16_t host = 0;
  std::uint16_t inside = 0;
  std::uint16_t otherwise = 0;  ///< inside, too, when nobody listens on that; 0 = none
  std::uint16_t flags = 0;      ///< wire::RelayFlags
  bool operator==(const RelayPortPlan&) const = default;
};

struct LimitPlan {
  std::uint32_t resource = 0;
  std::uint64_t soft = 0;
  std::uint64_t hard = 0;
  bool operator==(const LimitPlan&) const = default;
};

/// One instruction of classic BPF, laid out as struct sock_filter.
struct BpfInstruction {
  std::uint16_t code = 0;
  std::uint8_t jump_true = 0;
  std::uint8_t jump_false = 0;
  std::uint32_t k = 0;
  bool operator==(const BpfInstruction&) const = default;
};

/// When the shim rotates a container's logs, and what it does without room.
struct LogLimits {
  std::uint64_t max_size = wire::kLogMaxSize;    ///< bytes of both streams; 0 = never
  std::uint32_t max_files = wire::kLogMaxFiles;  ///< generations, the current one counted; from 1
  bool blocks = false;                           ///< as wire::kLogBlocks
  bool operator==(const LogLimits&) const = default;
};

struct LaunchPlan {
  Level level = Level::Landlock;
  std::vector<std::string> argv;
  std::vector<std::string> env;         ///< "K=V"
  std::vector<std::string> candidates;  ///< paths to try, as the child sees them
  std::string cwd;
  std::string root;  ///< host path; see wire::PlanHeader
  std::string hostname;
  std::vector<MountPlan> mounts;
  std::vector<FileRulePlan> file_rules;
  std::vector<PortRulePlan> port_rules;
  std::vector<RelayPortPlan> relay_ports;
  std::vector<LimitPlan> limits;
  std::vector<BpfInstruction> seccomp;
  specs::SeccompProfile seccomp_profile = specs::SeccompProfile::Default;  ///< what made it
  std::optional<std::uint32_t> uid;
  std::optional<std::uint32_t> gid;
  std::uint32_t flags = 0;  ///< wire::PlanFlags
  std::uint32_t landlock_abi = 0;
  std::uint64_t handled_fs = 0;
  std::uint64_t handled_net = 0;
  std::uint64_t child_scopes = 0;
  std::uint64_t shim_scopes = 0;
  std::int64_t deadline_usec = 0;
  std::int64_t grace_usec = 0;
  std::int64_t linger_usec = 0;
  std::uint64_t memory_limit = 0;  ///< bytes; set for a run that nobody else would hold to it
  LogLimits log;
  bool operator==(const LaunchPlan&) const = default;
};

/// What this machine and this runtime can do; from host_probe.
struct HostFacts {
  std::uint32_t landlock_abi = 0;
  bool root = false;  ///< may change ids and make namespaces without a user namespace
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::vector<std::string> system_directories;  ///< those of /usr /bin /sbin /lib* that exist
  std::vector<std::pair<std::string, std::string>> system_links;  ///< /bin -> usr/bin and the like
  std::vector<std::string> etc_files;  ///< of the fixed list, those that exist
  /// Of /proc: what everybody may read though it tells of others; see docs/ISOLATION.md.
  std::vector<std::string> masked_files;
  std::vector<std::string> masked_directories;
};

/// What to run, beside what the policy allows.
struct Command {
  std::vector<std::string> argv;                         ///< never empty
  std::vector<std::pair<std::string, std::string>> env;  ///< the spec's, on top of the fixed ones
  std::string workdir;  ///< spec: inside the rootfs; `run`: a host path
  std::optional<std::uint16_t> own_port;
  std::string hostname;
  std::optional<Duration> deadline;
  Duration grace = std::chrono::seconds(2);
  Duration linger{};
  LogLimits log;
  std::optional<std::uint32_t> uid;  ///< of the container (root runtimes)
  std::optional<std::uint32_t> gid;
  /// The ids are of the runtime's block and own nothing on the host: paths shown at `namespaces`
  /// are idmapped, so that they stand for the runtime's own.
  bool ids_of_block = false;
  std::string listen_name;   ///< hand the own port over, listening, under this name; empty = no
  bool terminal = false;     ///< stdin will be a terminal of the program's own, and controls it
  bool best_effort = false;  ///< a Landlock older than the level takes will do
  std::optional<std::uint64_t> pids_limit;  ///< processes and threads of the tree
};

/// The plan for a container's main program. Errors: InvalidSpec (empty command, a single argument
/// or variable over 128 KiB, NUL in one), Unsupported (a non-native image at `landlock`; `local`
/// network with an ABI below 4 …) with the remedy.
Result<LaunchPlan> make_launch_plan(const Policy& policy, const Command& command, Level level,
                                    const HostFacts& host);

/// The plan for a command run beside the main program: same confinement, other argv. `deadline` is
/// its timeout.
Result<LaunchPlan> make_exec_plan(const LaunchPlan& main, const Policy& policy,
                                  const Command& command, const HostFacts& host);

/// Whether the plan holds the tree to a number of processes: see `Command::pids_limit`.
bool limits_processes(const LaunchPlan& plan);

/// For a program that gets other streams than those the plan was made for.
void remove_terminal(LaunchPlan& plan);

/// The shim's records are to be on the disk before it tells of them.
void sync_records(LaunchPlan& plan);

/// What the level consists of: "landlock", "seccomp", "pid namespace", …
std::vector<std::string> layers(const LaunchPlan& plan);

/// What `plan` does with the mount points that registration added to an image.
MountPointUse use_of(const LaunchPlan& plan, const std::vector<std::string>& mount_points);

/// The flat form that the shim maps.
std::vector<std::byte> encode(const LaunchPlan& plan, std::uint8_t protocol = helper_protocol());

/// A readable form, for `explain --linux` and golden files.
std::string to_text(const LaunchPlan& plan);

}  // namespace ringfort::platform
