// A container on disk: what it may do, how it is started, where it lies. Built and opened by
// workers, because all of this may block; immutable afterwards.
#pragma once

#include "ringfort/actors/context.hpp"
#include "ringfort/platform/launch_plan.hpp"
#include "ringfort/platform/policy.hpp"
#include "ringfort/specs/service.hpp"

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace ringfort::actors {

struct Site;

/// What a container is to be made from.
struct Recipe {
  ContainerId id;
  std::shared_ptr<const specs::Service> service;
  RunOptions options;
  std::optional<std::uint16_t> port;
  std::optional<std::uint32_t> uid;
  std::shared_ptr<const Site>
      replaced;  ///< an ended container of this id lies there and goes first
};

/// Holds a container's memory cgroup until it is dropped, from whatever thread.
class CgroupSlot {
 public:
  CgroupSlot() = default;
  explicit CgroupSlot(std::shared_ptr<platform::MemoryCgroup> group) : group_(std::move(group)) {}
  std::shared_ptr<platform::MemoryCgroup> get() const {
    std::lock_guard lock(mutex_);
    return group_;
  }
  /// For a container that outlives this process.
  void keep() const {
    std::lock_guard lock(mutex_);
    if (group_) group_->keep();
  }
  void drop() {
    std::shared_ptr<platform::MemoryCgroup> last;
    std::lock_guard lock(mutex_);
    last.swap(group_);
  }

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<platform::MemoryCgroup> group_;
};

struct Site {
  ContainerId id;
  std::string image;
  std::string caller;  ///< as in RunOptions
  Level level = Level::Landlock;
  std::string lowered;  ///< at best effort: how this is less than what was asked for
  Durability durability = Durability::Process;
  WallTime created_at{};  ///< as its record has it: no other of its name does
  platform::Policy policy;
  platform::LaunchPlan plan;
  std::vector<std::string> layers;
  std::vector<std::string> missing;
  std::vector<std::string> not_enforced;
  std::shared_ptr<CgroupSlot> cgroup;  ///< empty: no limit, or the watchdog's to hold

  bool has_overlay() const { return !policy.image_dir.empty(); }
  bool needs_watchdog() const { return policy.memory_limit && !cgroup; }
};

/// "uid" or "uid:gid" in numbers.
struct UserIds {
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  bool of_block = false;  ///< chosen by the runtime: owns nothing on the host
};
Result<UserIds> parse_user(std::string_view text);

/// What of an image decides about the plan.
struct ImageTraits {
  bool native = false;
  bool own_libraries = false;
  std::string overlay_over;  ///< its tree, when the root is an overlay; empty = a clone
};

/// The same for the same recipe, whoever draws it: at creation, or when a container is taken over.
struct Blueprint {
  platform::Policy policy;
  platform::LaunchPlan plan;
  std::optional<UserIds> user;
};
Result<Blueprint> draw_blueprint(const Recipe& recipe, const ImageTraits& image, Level level,
                                 bool gpu_access, const Seams& seams);

/// What follows from a service alone. The containers made one after the other are often of the same
/// one, so the last is remembered, by value: a caller may change the service that he still holds.
struct ServiceFacts {
  explicit ServiceFacts(const specs::Service& about);

  specs::Service service;
  Status enforceable;
  std::string config_json;
  std::string record_json;  ///< the same in one line
  std::vector<std::string> not_enforced;
  std::vector<std::string> required;         ///< protections
  std::vector<std::string> required_fields;  ///< paths
};

/// Of one worker.
class ServiceMemo {
 public:
  const ServiceFacts& of(const specs::Service& service) {
    if (!last_ || last_->service != service) last_.emplace(service);
    return *last_;
  }

 private:
  std::optional<ServiceFacts> last_;
};

/// Policy, plan and texts, then the files. Errors carry the container's name; whatever is missing
/// or refused by the system is CreateFailed, and nothing is left behind.
Result<std::shared_ptr<const Site>> build_site(const Recipe& recipe, const ServiceFacts& facts,
                                               const Settings& settings, const Seams& seams);

/// Everything for one run but what the container itself holds (port, standard streams).
Result<std::shared_ptr<platform::RunRequest>> open_site(const Site& site, const Seams& seams);

/// Removes files and cgroup. With an empty `site`, what another time left under that name: a shim
/// that still lives there is asked to end first. Blocks.
Status discard_site(const messages::Discard& what, const Seams& seams);

/// Directory of log index and records: <data_dir>/state/<id>.
std::string state_directory(const platform::ContainerFiles& files, const ContainerId& id);

/// What a service runs: entrypoint and arguments, arguments alone, or a shell.
std::vector<std::string> command_line(const specs::Command& command);

}  // namespace ringfort::actors
