#include "ringfort/actors/watchdog.hpp"

#include "ringfort/actors/site.hpp"
#include "ringfort/actors/watchdog_schedule.hpp"

#include <algorithm>
#include <unordered_map>

namespace ringfort::actors {

namespace {

using namespace messages;

class Watchdog {
 public:
  using Handle = WatchdogHandle;
  static constexpr const char* name = "ringfort.watchdog";

  Watchdog(Self<Handle> self, Seams seams) : self_(self), seams_(std::move(seams)) {}

  Handle::behavior_type make_behavior() {
    return {
        [this](Guard& guard) { on_guard(guard); },
        [this](const Unguard& unguard) { wards_.erase(unguard.shim_pid); },
        [this](const Measure& measure) { return on_measure(measure); },
        [this](const Poll& poll) { on_poll(poll); },
    };
  }

 private:
  using Time = std::chrono::steady_clock::time_point;

  struct Ward {
    Guard guard;
    Time due{};
    Duration wait{};            ///< from the last look until then
    std::uint64_t used = 0;     ///< at the last look
    platform::TreePulse pulse;  ///< of that look
    bool shares = false;        ///< was suspect once and cleared: many processes on the same pages
  };

  void on_guard(Guard& guard) {
    auto pid = guard.shim_pid;
    Ward& ward = wards_[pid];
    ward = {std::move(guard), {}, {}, 0, {}, false};
    postpone(ward);
    arm(ward.due);
  }

  void postpone(Ward& ward) const {
    ward.wait = next_poll(ward.used, ward.guard.limit);
    ward.due = seams_.uptime() + ward.wait;
  }

  /// Has a timer at `due` or earlier; a timer that is not the last one armed is ignored.
  void arm(Time due) {
    if (armed_ && armed_for_ <= due) return;
    armed_ = true;
    armed_for_ = due;
    auto delay = std::max(Duration{0}, std::chrono::ceil<Duration>(due - seams_.uptime()));
    post_after(Handle{self_}, delay, Poll{++ticket_});
  }

  void on_poll(const Poll& poll) {
    if (poll.ticket != ticket_) return;
    armed_ = false;
    look_at_those_due();
    auto soonest =
        std::ranges::min_element(wards_, {}, [](const auto& entry) { return entry.second.due; });
    if (soonest != wards_.end()) arm(soonest->second.due);
  }

  /// One pass for all that are due, and those that soon will be: their polls stay together. Whoever
  /// has not run since is what he was.
  void look_at_those_due() {
    const auto now = seams_.uptime();
    std::vector<pid_t> due;
    for (auto& [pid, ward] : wards_) {
      if (ward.due > now + std::max(kShortestPoll / 2, ward.wait / 4)) continue;
      if (seams_.is_still(ward.pulse))
        postpone(ward);
      else
        due.push_back(pid);
    }
    if (due.empty()) return;
    auto figures = seams_.tree_stats(due);
    for (std::size_t i = 0; i < due.size(); ++i) {
      Ward& ward = wards_[due[i]];
      if (!figures) {
        ward.due = seams_.uptime() + kShortestPoll;
      } else {
        ward.pulse = std::move((*figures)[i].pulse);
        judge(due[i], ward, (*figures)[i].rss_bytes);
      }
    }
  }

  void judge(pid_t pid, Ward& ward, std::uint64_t used) {
    if (is_suspect(used, ward.guard.limit)) {
      auto exact = exact_use(pid, ward);
      if (exact && *exact > ward.guard.limit.count) {
        post(ward.guard.container, OverLimit{ward.guard.generation, *exact});
        wards_.erase(pid);
        return;
      }
      ward.shares = true;
      used = exact.value_or(used);
    }
    ward.used = used;
    postpone(ward);
  }

  /// What the tree really uses, each shared page counted once. A suspect is stopped first, so that
  /// it can't grow while it is read; one that was cleared before is only stopped when a look
  /// without that says it is guilty. A convicted tree stays stopped: it is about to be killed.
  Result<std::uint64_t> exact_use(pid_t pid, const Ward& ward) {
    if (ward.shares) {
      auto glance = seams_.tree_pss_bytes(pid);
      if (!glance || *glance <= ward.guard.limit.count) return glance;
    }
    if (Status stopped = ward.guard.run->freeze(); !stopped) return fail(stopped.error());
    auto exact = seams_.tree_pss_bytes(pid);
    if (!exact || *exact <= ward.guard.limit.count) (void)ward.guard.run->thaw();
    return exact;
  }

  Result<Stats> on_measure(const Measure& measure) {
    const pid_t root = measure.shim_pid;
    auto figures = seams_.tree_stats({&root, 1});
    if (!figures) return fail(std::move(figures.error()));
    const platform::TreeStats& tree = figures->front();
    if (tree.pids == 0)
      return fail(Error{ErrorKind::Conflict, "has just ended", "ask for its state",
                        measure.site->id.str(), 0});
    Stats stats{tree.cpu_usec, tree.rss_bytes, UINT64_MAX, tree.pids, seams_.now()};
    if (measure.site->policy.memory_limit)
      stats.memory_limit = measure.site->policy.memory_limit->count;
    if (auto bytes = exact_memory(measure, tree)) stats.memory_bytes = *bytes;
    return stats;
  }

  /// The kernel's own account; else pages that processes share, counted once. Empty = the sum over
  /// the processes is as good.
  std::optional<std::uint64_t> exact_memory(const Measure& measure,
                                            const platform::TreeStats& tree) {
    if (auto group = measure.site->cgroup ? measure.site->cgroup->get() : nullptr)
      if (auto bytes = group->memory_bytes()) return *bytes;
    if (tree.pids < 2) return std::nullopt;
    auto bytes = seams_.tree_pss_bytes(measure.shim_pid);
    return bytes && *bytes > 0 ? std::optional{*bytes} : std::nullopt;
  }

  Self<Handle> self_;
  Seams seams_;
  std::unordered_map<pid_t, Ward> wards_;  ///< key: host pid of the shim
  std::uint64_t ticket_ = 0;
  Time armed_for_{};
  bool armed_ = false;
};

}  // namespace

WatchdogHandle spawn_watchdog(caf::actor_system& system, const Seams& seams) {
  if (seams.workers == Workers::Scheduled) return spawn_state<Watchdog>(system, seams);
  return spawn_blocking_state<Watchdog>(system, seams);
}

}  // namespace ringfort::actors
