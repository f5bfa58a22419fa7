#include "ringfort/platform/host_probe.hpp"

#include "ringfort/platform/fd.hpp"
#include "ringfort/platform/kept_answer.hpp"
#include "ringfort/platform/plan_parts.hpp"
#include "ringfort/platform/seccomp_filter.hpp"
#include "ringfort/platform/spawner.hpp"

#include <cstdlib>
#include <fstream>
#include <future>
#include <mutex>

#include <fcntl.h>
#include <linux/seccomp.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace ringfort::platform {
namespace {

constexpr std::uint32_t kLandlockAbi = 6;  ///< with scopes, Linux 6.12

constexpr const char* kSystemPaths[] = {"/usr",   "/bin",   "/sbin",  "/lib",
                                        "/lib32", "/lib64", "/libx32"};
constexpr const char* kEtcPaths[] = {
    "/etc/alternatives", "/etc/ld.so.cache",     "/etc/ld.so.conf", "/etc/ld.so.conf.d",
    "/etc/ssl",          "/etc/ca-certificates", "/etc/localtime",  "/etc/nsswitch.conf",
    "/etc/services",     "/etc/protocols",       "/etc/mime.types", "/etc/timezone",
    "/etc/os-release",   "/etc/gitconfig"};

/// What container engines mask (OCI runtime-spec, "Masked Paths"), and what else there tells of
/// other users and their machine. Of these, only what its mode lets everybody read needs a mount.
constexpr const char* kMaskedPaths[] = {
    "/proc/acpi",        "/proc/asound",    "/proc/bus",        "/proc/interrupts",
    "/proc/kcore",       "/proc/key-users", "/proc/keys",       "/proc/latency_stats",
    "/proc/sched_debug", "/proc/scsi",      "/proc/timer_list", "/proc/timer_stats",
};

std::uint32_t landlock_abi() {
  constexpr unsigned kVersion = 1;  // LANDLOCK_CREATE_RULESET_VERSION
  const long abi = ::syscall(SYS_landlock_create_ruleset, nullptr, 0, kVersion);
  auto found = abi > 0 ? static_cast<std::uint32_t>(abi) : 0U;
  if (const char* lowered = std::getenv("RINGFORT_TEST_LANDLOCK_ABI"))
    found = std::min(found, static_cast<std::uint32_t>(std::strtoul(lowered, nullptr, 10)));
  return found;
}

/// Effective capabilities of this thread, from /proc/self/status. capabilities(7).
std::uint64_t effective_capabilities() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("CapEff:")) return std::strtoull(line.c_str() + 7, nullptr, 16);
  return 0;
}

bool is_root() {
  constexpr int kNeeded[] = {6, 7, 21};  // CAP_SETGID, CAP_SETUID, CAP_SYS_ADMIN
  if (::geteuid() != 0) return false;
  const std::uint64_t capabilities = effective_capabilities();
  for (const int needed : kNeeded)
    if ((capabilities >> needed & 1U) == 0) return false;
  return true;
}

specs::GpuVendor vendor_of(const std::string& render_node) {
  std::ifstream file("/sys/class/drm/" + render_node + "/device/vendor");
  std::string id;
  file >> id;
  if (id == "0x1002") return specs::GpuVendor::Amd;
  if (id == "0x8086") return specs::GpuVendor::Intel;
  if (id == "0x10de") return specs::GpuVendor::Nvidia;
  return specs::GpuVendor::Other;
}

/// Nodes of programs that compute. A vendor's own come before the render nodes that he may have,
/// too.
std::vector<GpuNode> gpu_nodes() {
  using specs::GpuVendor;
  std::vector<GpuNode> nodes;
  const auto is_device = [](const std::string& path) {
    struct stat status {};
    return ::stat(path.c_str(), &status) == 0 && S_ISCHR(status.st_mode);
  };
  const auto add = [&](GpuVendor vendor, const std::string& path, bool is_shared) {
    const bool is_there = is_device(path);
    if (is_there) nodes.push_back({vendor, path, is_shared});
    return is_there;
  };
  for (const char* name : {"nvidiactl", "nvidia-uvm", "nvidia-uvm-tools"})
    add(GpuVendor::Nvidia, std::string("/dev/") + name, true);
  for (int i = 0; add(GpuVendor::Nvidia, "/dev/nvidia" + std::to_string(i), false); ++i) {
  }
  add(GpuVendor::Amd, "/dev/kfd", true);
  for (int i = 128; is_device("/dev/dri/renderD" + std::to_string(i)); ++i) {
    const auto name = "renderD" + std::to_string(i);
    const auto vendor = vendor_of(name);
    add(vendor, "/dev/dri/" + name, vendor == GpuVendor::Nvidia);
  }
  return nodes;
}

HostFacts learn() {
  HostFacts facts;
  facts.landlock_abi = landlock_abi();
  facts.root = is_root();
  facts.uid = ::geteuid();
  facts.gid = ::getegid();
  for (const char* path : kSystemPaths) {
    struct stat status {};
    if (::lstat(path, &status) != 0) continue;
    if (S_ISDIR(status.st_mode)) facts.system_directories.emplace_back(path);
    char text[256];
    const auto size = S_ISLNK(status.st_mode) ? ::readlink(path, text, sizeof text) : 0;
    if (size > 0)
      facts.system_links.emplace_back(path, std::string(text, static_cast<std::size_t>(size)));
  }
  for (const char* path : kEtcPaths)
    if (::access(path, R_OK) == 0) facts.etc_files.emplace_back(path);
  for (const char* path : kMaskedPaths) {
    struct stat status {};
    if (::lstat(path, &status) != 0 || (status.st_mode & S_IROTH) == 0) continue;
    (S_ISDIR(status.st_mode) ? facts.masked_directories : facts.masked_files).emplace_back(path);
  }
  facts.gpu_nodes = gpu_nodes();
  return facts;
}

constexpr const char* kDoctor = "see what this machine offers: ringfort doctor";

std::string remedy(const Error& error) {
  if (error.what.find("proc mount") != std::string::npos)
    return "something is mounted over /proc here, as in most containers (see: ringfort doctor): "
           "run as "
           "root, or use --isolation landlock";
  if (error.what.find("network namespace") != std::string::npos ||
      error.what.find("relay") != std::string::npos)
    return "allow network namespaces (see: ringfort doctor), use --isolation namespaces, or "
           "--best-effort for the most that can be had";
  return "allow user namespaces (see: ringfort doctor), run as root, or use --isolation landlock";
}

/// What every level takes and no plan can do without, asked in ways that change nothing.
Status try_basics() {
  const auto lacks = [](const char* call, const char* purpose) {
    return fail(os_error(errno, std::string("this machine refuses ") + call + ", which " + purpose,
                         kDoctor));
  };
  std::uint32_t action = SECCOMP_RET_ERRNO;
  if (::syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) != 0)
    return lacks("seccomp", "filters the system calls of every program");
  if (const Fd self{static_cast<int>(::syscall(SYS_pidfd_open, ::getpid(), 0))}; !self)
    return lacks("pidfd_open", "tells the end of every container");
  if (::syscall(SYS_close_range, ~0U, ~0U, 0U) != 0)
    return lacks("close_range", "keeps descriptors out of every program");
  // A kernel that has them complains of the arguments.
  if (::syscall(SYS_openat2, AT_FDCWD, "", nullptr, 0) != 0 && errno != EINVAL)
    return lacks("openat2", "keeps paths of a guest inside its tree");
  if (::syscall(SYS_memfd_create, nullptr, 0U) < 0 && errno != EFAULT)
    return lacks("memfd_create", "holds ringfort's helper program");
  return {};
}

const Status& basics() {
  static const Status known = [] {
    auto tried = try_basics();
    if (!tried) tried.error().kind = ErrorKind::Unsupported;
    return tried;
  }();
  return known;
}

Status try_apart(Level level, Spawner& spawner) {
  const auto tried = run_trial(trial_plan(level, host_facts()), spawner);
  if (tried) return {};
  return fail(
      ErrorKind::Unsupported,
      "isolation " + std::string(to_string(level)) + " is not possible here: " + tried.error().what,
      remedy(tried.error()));
}

/// How the trials of this process went, and those whose yes was kept.
class LevelTrials {
 public:
  static LevelTrials& of_process() {
    static LevelTrials trials;
    return trials;
  }

  Status possible(Level level, Spawner& spawner, const std::string& data_dir) {
    const std::lock_guard lock(mutex_);
    auto& known = answer(level);
    if (known) return *known;
    const auto kept = file(level, data_dir);
    if (!data_dir.empty() && kept.is_yes()) return known.emplace();
    known = try_apart(level, spawner);
    if (!data_dir.empty() && *known) kept.keep_yes();
    return *known;
  }

  void doubt(const std::string& data_dir) {
    const std::lock_guard lock(mutex_);
    for (const Level level : {Level::Namespaces, Level::Network}) {
      answer(level).reset();
      file(level, data_dir).forget();
    }
  }

 private:
  std::optional<Status>& answer(Level level) {
    return level == Level::Network ? network_ : namespaces_;
  }
  static KeptAnswer file(Level level, const std::string& data_dir) {
    return KeptAnswer(data_dir + "/." + std::string(to_string(level)));
  }

  std::mutex mutex_;
  std::optional<Status> namespaces_;
  std::optional<Status> network_;
};

Status check_abi(std::uint32_t abi) {
  if (abi >= kLandlockAbi) return {};
  return fail(ErrorKind::Unsupported,
              "isolation landlock needs Landlock ABI 6 (Linux 6.12); this machine has ABI " +
                  std::to_string(abi),
              "use --isolation namespaces, or --best-effort for less; see: ringfort doctor");
}

/// What there is below the exact levels.
Result<ChosenLevel> lowest(const Error& refusal, std::uint32_t abi) {
  if (abi == 0)
    return fail(ErrorKind::Unsupported,
                refusal.what + "; there is no Landlock either, so nothing would hold files",
                kDoctor);
  return ChosenLevel{Level::Landlock,
                     "landlock of ABI " + std::to_string(abi) + " instead of 6, as " + refusal.what,
                     {}};
}

}  // namespace

LaunchPlan trial_plan(Level level, const HostFacts& facts) {
  LaunchPlan plan;
  plan.level = level;
  plan.argv = {"probe"};
  plan.flags = wire::kProbe;
  plan.cwd = "/";
  plan.uid = facts.uid;
  plan.gid = facts.gid;
  plan.seccomp = seccomp_filter({.level = level});
  plan.landlock_abi = facts.landlock_abi;
  if (level == Level::Landlock) {
    plan.handled_fs = landlock_rights(facts.landlock_abi).all;
    if (facts.landlock_abi >= 4) plan.handled_net = kBindTcp | kConnectTcp;
    if (facts.landlock_abi >= 6) plan.shim_scopes = kScopeAbstractSockets | kScopeSignals;
    return plan;
  }
  plan.flags |= wire::kNamespaces | wire::kRootIsTmpfs | wire::kRootReadOnly;
  if (!facts.root) plan.flags |= wire::kUserNamespace;
  if (level == Level::Network) plan.flags |= wire::kOwnNetwork | wire::kRelay;
  plan.root = "/tmp";
  plan.hostname = "probe";
  plan.mounts.push_back({wire::MountKind::Dir, 0, {}, "/proc", {}, 0, 0});
  plan.mounts.push_back({wire::MountKind::Proc, 0, {}, "/proc", {}, 0, 0});
  return plan;
}

Status run_trial(LaunchPlan plan, Spawner& spawner) {
  auto ended = std::make_shared<std::promise<ProgramEnded>>();
  auto answer = ended->get_future();
  RunRequest request;
  request.container = "probe";
  request.plan = std::move(plan);
  auto run = spawner.run(std::move(request),
                         {nullptr, [ended](const ProgramEnded& how) { ended->set_value(how); }});
  if (!run) return fail(run.error());
  if (answer.wait_for(std::chrono::seconds(5)) != std::future_status::ready)
    return fail(ErrorKind::Unsupported, "the trial took over 5 seconds");
  const auto how = answer.get();
  if (how.start_error) return fail(*how.start_error);
  if (how.exit.code != 0)
    return fail(ErrorKind::Unsupported,
                "the trial ended with code " + std::to_string(how.exit.code));
  return {};
}

const HostFacts& host_facts() {
  static const HostFacts facts = learn();
  return facts;
}

Result<ChosenLevel> level_for(Isolation asked, Effort effort, const Status& namespaces,
                              std::uint32_t landlock_abi) {
  const auto landlock = check_abi(landlock_abi);
  const bool is_best = effort == Effort::Best;
  if (asked == Isolation::Landlock) {
    if (landlock) return ChosenLevel{Level::Landlock, {}, {}};
    if (!is_best) return fail(landlock.error());
    if (namespaces)
      return ChosenLevel{Level::Namespaces, "namespaces, as " + landlock.error().what, {}};
    return lowest(landlock.error(), landlock_abi);
  }
  if (namespaces) return ChosenLevel{Level::Namespaces, {}, {}};
  if (asked == Isolation::Auto && landlock)
    return ChosenLevel{Level::Landlock, {}, namespaces.error().what};
  if (!is_best) {
    Error error = namespaces.error();
    if (!landlock) error.what += "; " + landlock.error().what;
    if (!landlock) error.hint = kDoctor;
    return fail(std::move(error));
  }
  if (landlock) return ChosenLevel{Level::Landlock, "landlock, as " + namespaces.error().what, {}};
  return lowest(namespaces.error(), landlock_abi);
}

Result<ChosenLevel> network_level_for(Effort effort, const Status& network,
                                      const std::function<Status()>& namespaces,
                                      std::uint32_t landlock_abi) {
  if (network) return ChosenLevel{Level::Network, {}, {}};
  if (effort == Effort::Exact) return fail(network.error());
  const auto below = namespaces();
  auto chosen = level_for(Isolation::Namespaces, effort, below, landlock_abi);
  if (chosen && below)
    chosen->lowered = std::string(to_string(chosen->level)) + ", as " + network.error().what;
  return chosen;
}

Result<ChosenLevel> choose_level(Isolation asked, Effort effort, Spawner& spawner,
                                 const std::string& data_dir) {
  if (!basics()) return fail(basics().error());
  const auto abi = host_facts().landlock_abi;
  // The trial takes a process: not for those who would not use its answer.
  if (asked == Isolation::Landlock && abi >= kLandlockAbi)
    return ChosenLevel{Level::Landlock, {}, {}};
  const auto possible = [&](Level level) {
    return LevelTrials::of_process().possible(level, spawner, data_dir);
  };
  if (asked == Isolation::Network)
    return network_level_for(
        effort, possible(Level::Network), [&] { return possible(Level::Namespaces); }, abi);
  return level_for(asked, effort, possible(Level::Namespaces), abi);
}

void doubt_levels(const std::string& data_dir) { LevelTrials::of_process().doubt(data_dir); }

Status try_level(Level level, Spawner& spawner) {
  if (!basics()) return basics();
  if (level != Level::Landlock) return try_apart(level, spawner);
  if (auto ok = check_abi(host_facts().landlock_abi); !ok) return ok;
  const auto tried = run_trial(trial_plan(Level::Landlock, host_facts()), spawner);
  if (tried) return {};
  return fail(ErrorKind::Unsupported,
              "isolation landlock is not possible here: " + tried.error().what,
              "use --isolation namespaces");
}

}  // namespace ringfort::platform
