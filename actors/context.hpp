// What all actors of one runtime share: its settings, its way to the operating system, and each
// other. Made once by system.cpp; tests put fakes into `Seams`.
#pragma once

#include "ringfort/messages/launcher.hpp"
#include "ringfort/messages/port_broker.hpp"
#include "ringfort/messages/rootfs.hpp"
#include "ringfort/messages/supervisor.hpp"
#include "ringfort/messages/watchdog.hpp"
#include "ringfort/platform/boot_time.hpp"
#include "ringfort/platform/cgroup.hpp"
#include "ringfort/platform/container_files.hpp"
#include "ringfort/platform/fd.hpp"
#include "ringfort/platform/headroom.hpp"
#include "ringfort/platform/host_probe.hpp"
#include "ringfort/platform/ports.hpp"
#include "ringfort/platform/process_stats.hpp"
#include "ringfort/platform/reachable.hpp"
#include "ringfort/platform/shim_traces.hpp"
#include "ringfort/platform/spawner.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace ringfort::actors {

struct Settings {
  Isolation isolation = Isolation::Auto;
  bool gpu_access = true;
  OnExit on_exit = OnExit::Kill;
  Durability durability = Durability::Process;
  platform::PortRange ports;
  std::size_t exec_output_limit = 1 << 20;
  std::optional<std::uint32_t> uid_block;
  std::uint32_t uid_count = 65536;  ///< in that block
  specs::RestartRules restart;
};

/// Which threads blocking work runs on. `Scheduled` is for tests with virtual time.
enum class Workers { Detached, Scheduled };

/// Threads of an actor system that file work may block: a thread of its own costs two switches for
/// each job. The others of the system go on with messages. From any thread.
class FileThreads {
 public:
  explicit FileThreads(std::size_t count) : left_(count) {}

  /// One of them until the answer goes; empty when all are lent, or there are none.
  static std::shared_ptr<FileThreads> borrow(const std::shared_ptr<FileThreads>& from);

 private:
  std::atomic<std::size_t> left_;
};

/// The operating system as the actors see it.
struct Seams {
  std::shared_ptr<platform::ContainerFiles> files;
  std::shared_ptr<platform::Spawner> spawner;
  std::function<Result<platform::ChosenLevel>(Isolation, platform::Effort)> choose_level;
  std::function<void()> doubt_levels;  ///< a container could not be set up: try again next time
  std::function<platform::HostFacts()> host_facts;
  std::function<platform::Headroom()> headroom;
  std::function<Status(const platform::Policy&, std::uint32_t, std::uint32_t)> check_reachable;
  std::function<Status(const platform::Policy&)> check_sources;
  std::function<Status(const platform::Image&)> check_overlay;  ///< may lie over it?
  std::function<bool(const platform::Image&)> prefers_overlay;  ///< is it cheaper than a clone?
  std::function<Result<platform::HeldPort>(platform::PortRange, std::uint16_t&)> claim_port;
  std::function<bool()> forget_stray_ports;  ///< true when there were any
  std::function<Result<std::vector<platform::TreeStats>>(std::span<const pid_t>)> tree_stats;
  std::function<bool(const platform::TreePulse&)> is_still;
  std::function<Result<std::uint64_t>(pid_t)> tree_pss_bytes;
  std::function<bool()> has_cgroups;
  std::function<Result<std::unique_ptr<platform::MemoryCgroup>>(const std::string&, Bytes)>
      make_cgroup;
  std::function<Result<std::unique_ptr<platform::MemoryCgroup>>(const std::string&)> reopen_cgroup;
  std::function<Result<platform::ShimTraces>(const std::string&)> shim_traces;
  std::function<WallTime()> now;
  std::function<specs::BootTime()> boot_time;
  std::function<platform::Fd(int)> duplicate;  ///< of a caller's descriptor; empty on failure
  std::function<std::chrono::steady_clock::time_point()> uptime;  ///< for timers: never jumps
  Workers workers = Workers::Detached;
  std::shared_ptr<FileThreads> file_threads;  ///< may be empty
};

/// The real ones, over an event loop that `loop` keeps alive.
Seams real_seams(std::shared_ptr<platform::ContainerFiles> files,
                 const std::shared_ptr<platform::EventLoop>& loop);

struct Context {
  Settings settings;
  Seams seams;
  platform::HostFacts host;
  caf::actor_system* system = nullptr;
  messages::RootfsHandle rootfs;
  messages::PortBrokerHandle ports;
  messages::LauncherHandle launcher;

  /// Made at the first use: it costs a thread, and most runtimes never need one.
  messages::WatchdogHandle watchdog() const;
  /// Empty while nobody has needed it.
  messages::WatchdogHandle watchdog_if_any() const;

 private:
  mutable std::mutex mutex_;
  mutable messages::WatchdogHandle watchdog_;
};
using ContextPtr = std::shared_ptr<const Context>;

}  // namespace ringfort::actors
