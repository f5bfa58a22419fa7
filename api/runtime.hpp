// The blocking face of ringfort for programs without actors. Shows no CAF.
#pragma once

#include "ringfort/messages/answers.hpp"
#include "ringfort/specs/deployment.hpp"
#include "ringfort/specs/names.hpp"
#include "ringfort/specs/restart.hpp"
#include "ringfort/specs/run_options.hpp"
#include "ringfort/specs/status.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace caf {
class actor_system;
}

namespace ringfort {

/// First and last port that the runtime may claim.
struct RuntimePortRange {
  std::uint16_t first = 20000;
  std::uint16_t last = 31999;
};

struct RuntimeConfig {
  std::string data_dir;  ///< made when absent; absolute or relative to the cwd
  std::string
      log_dir;  ///< empty = <data_dir>/logs. Made, for its users; nothing of ours goes there
  bool gpu_access = true;
  Isolation isolation = Isolation::Auto;
  OnExit on_exit = OnExit::Kill;
  RuntimePortRange port_range;
  Durability durability = Durability::Process;
  std::size_t exec_output_limit = 1 << 20;  ///< bytes kept of each stream of an exec
  std::optional<std::uint32_t> uid_block;   ///< root: first uid of the block for containers
  specs::RestartRules restart_rules;        ///< delays and limits of restart policies
  /// The caller's own system (its config must have passed through `messages::configure`); null =
  /// one lazily made system shared by all runtimes of the process.
  caf::actor_system* system = nullptr;
  /// Threads of that shared system; the first runtime of a process decides. 0 = two.
  std::size_t workers = 0;
};

/// All calls are synchronous and safe from any thread, but are refused (Error Unsupported) on a
/// thread that belongs to the actor system. Waiting and an exec without a timeout last as long as
/// the container does; all others are bounded in time (Error Timeout at worst).
class Runtime {
 public:
  /// Makes the directories; starts no process. Under a millisecond once the actor system exists.
  static Result<std::unique_ptr<Runtime>> open(RuntimeConfig config);
  /// Ends the runtime as `on_exit` says; returns when nothing of it is left.
  ~Runtime();
  Runtime(const Runtime&) = delete;
  Runtime& operator=(const Runtime&) = delete;

  const RuntimeConfig& config() const;

  // Images
  Status register_local_rootfs(std::string_view image, const std::string& directory);
  Status pull_image(std::string_view image);  ///< answers by the policy if_not_present
  Result<std::vector<ImageEntry>> list_images();
  Status remove_image(std::string_view image, bool force = false);
  Result<std::vector<std::string>> prune_images();

  // Named volumes
  Result<std::vector<VolumeEntry>> list_volumes();
  /// Error: Conflict while a container with a record names it.
  Status remove_volume(std::string_view name);

  // Life of a container
  Result<Created> create_container(const ContainerId& id, const specs::Service& service,
                                   const RunOptions& options = {});
  /// The same without copying a service that many containers share.
  Result<Created> create_container(const ContainerId& id,
                                   std::shared_ptr<const specs::Service> service,
                                   const RunOptions& options = {});
  Result<Started> start_container(const ContainerId& id);
  /// Also ends the wait for a restart; a stopped container is not started again by its policy.
  Status stop_container(const ContainerId& id, Duration patience);
  Status kill_container(const ContainerId& id, std::string_view signal = "KILL",
                        bool whole_tree = false);
  Status pause_container(const ContainerId& id);
  Status unpause_container(const ContainerId& id);
  Status remove_container(const ContainerId& id);  ///< idempotent

  /// Becomes the supervisor of every container with a restart policy that a dead runtime left in
  /// the data directory, and goes on where that one was; answers with them. The others stay as they
  /// are.
  Result<std::vector<ContainerId>> adopt_containers();

  /// The external code; waits for the start too. `patience` empty = for ever. With a restart policy
  /// each end answers those who wait at that moment; between two runs the last end answers.
  Result<int> wait_container(const ContainerId& id, std::optional<Duration> patience = {});
  Result<ExitRecord> wait_exit(const ContainerId& id, std::optional<Duration> patience = {});

  // Questions
  Result<ContainerState> container_state(const ContainerId& id);
  Result<std::vector<LogEntry>> container_logs(const ContainerId& id, std::size_t tail);
  Result<std::vector<LogEntry>> get_logs(const ContainerId& id);
  Result<std::vector<LogEntry>> get_logs(const ContainerId& id, const LogQuery& query);
  Result<Stats> get_container_stats(const ContainerId& id);
  Result<std::optional<std::int32_t>> get_container_pid(const ContainerId& id);
  Result<std::optional<std::string>> get_container_ip(const ContainerId& id);
  Result<std::optional<std::uint16_t>> get_container_port_override(const ContainerId& id);
  Result<ContainerEntry> container_entry(const ContainerId& id);
  /// `all` = also those that other runtimes, dead or alive, left in the data directory.
  Result<std::vector<ContainerEntry>> list_containers(bool all = false);

  Result<ExecResult> exec(const ContainerId& id, const std::vector<std::string>& command,
                          const ExecOptions& options = {});

  /// Calls `heard` (on a thread of the actor system; it must not block nor call back) each time a
  /// container of this runtime ends.
  using ExitListener = std::function<void(const ContainerId&, const ExitRecord&)>;
  void on_exit(ExitListener heard);

  /// The typed actor handles, for those who speak CAF: see messages/supervisor.hpp. Returns the
  /// supervisor's handle behind a pointer to `messages::SupervisorHandle`.
  const void* supervisor_handle() const;

 private:
  struct Impl;
  explicit Runtime(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// Text of a service's policy and launch plan on this machine, without creating anything.
struct Explanation {
  std::string policy;
  std::string seatbelt;
  std::string linux_plan;
  std::vector<std::string> missing;
};
Result<Explanation> explain(const specs::Service& service, const RunOptions& options,
                            Isolation isolation);

/// What one isolation leaves open of what a service asks for.
struct Gaps {
  std::string isolation;                  ///< seatbelt, landlock, namespaces or network
  bool is_possible = false;               ///< on this machine, in this version
  std::string note;                       ///< why not; empty when it is
  std::vector<std::string> open;          ///< as `missing` of a container at that level
  std::vector<std::string> not_enforced;  ///< as in Created; of the Linux levels
};
/// For all of them, whether they are possible here or not.
Result<std::vector<Gaps>> explain_gaps(const specs::Service& service, const RunOptions& options);

/// Version of the library, "0.1.0".
std::string_view version();

}  // namespace ringfort
