// What a service would be allowed and how it would be started, without making anything.
#include "ringfort/platform/explain.hpp"

#include "ringfort/api/runtime.hpp"
#include "ringfort/api/stand_in.hpp"
#include "ringfort/messages/configure.hpp"
#include "ringfort/platform/cgroup.hpp"
#include "ringfort/platform/gaps.hpp"
#include "ringfort/platform/host_probe.hpp"
#include "ringfort/platform/seatbelt_profile.hpp"
#include "ringfort/specs/enforcement.hpp"

#include <algorithm>
#include <utility>

namespace ringfort {

namespace {

/// As a container made now would be.
platform::GapFacts gap_facts(const RunOptions& options) {
  const auto& host = platform::host_facts();
  return {host, host.root && !options.user, platform::MemoryCgroup::available()};
}

Status check_thread() {
  if (!messages::on_actor_thread()) return {};
  return fail(ErrorKind::Unsupported, "a blocking call on a thread of the actor system",
              "call it on a thread of your own");
}

Gaps of_linux(const specs::Service& service, const RunOptions& options,
              const platform::Policy& policy, Level level, platform::Spawner& spawner) {
  Gaps gaps;
  const auto facts = gap_facts(options);
  const auto confinement = platform::confinement_of(level);
  gaps.isolation = to_string(confinement);
  const auto tried = platform::try_level(level, spawner);
  gaps.is_possible = tried.has_value();
  if (!tried) gaps.note = tried.error().what;
  gaps.open = platform::gaps(policy, confinement, facts);
  gaps.not_enforced = specs::not_enforced(service);
  // Which fields hold is asked of the plan that a whole machine would get.
  auto host = facts.host;
  host.landlock_abi = std::max(host.landlock_abi, 7U);
  auto command = command_of(service, options);
  command.pids_limit = service.resources.pids_limit;
  command.ids_of_block = facts.own_uid;
  const bool has_gpu = !platform::gpu_nodes(policy, host).empty();
  const auto plan = platform::make_launch_plan(policy, command, level, host);
  if (plan)
    for (auto& field : platform::fields_not_held(service, *plan, has_gpu))
      gaps.not_enforced.push_back(std::move(field));
  if (!plan && gaps.is_possible) {
    gaps.is_possible = false;
    gaps.note = plan.error().what;
  }
  return gaps;
}

}  // namespace

Result<std::vector<Gaps>> explain_gaps(const specs::Service& service, const RunOptions& options) {
  if (auto may = check_thread(); !may) return fail(std::move(may.error()));
  const auto policy = platform::make_policy(service, options, context_of(service, options));
  if (!policy) return fail(policy.error());
  auto trials = open_trials();
  if (!trials) return fail(std::move(trials.error()));
  const auto facts = gap_facts(options);
  using platform::Confinement;
  std::vector<Gaps> all;
  all.push_back({"seatbelt",
                 false,
                 "macOS only: here its text is made and nothing enforces it",
                 platform::gaps(*policy, Confinement::Seatbelt, facts),
                 {}});
  for (const auto level : {Level::Landlock, Level::Namespaces, Level::Network})
    all.push_back(of_linux(service, options, *policy, level, *trials->spawner));
  return all;
}

Result<Explanation> explain(const specs::Service& service, const RunOptions& options,
                            Isolation isolation) {
  if (auto may = check_thread(); !may) return fail(std::move(may.error()));
  auto policy = platform::make_policy(service, options, context_of(service, options));
  if (!policy) return fail(std::move(policy.error()));
  auto seatbelt = platform::seatbelt_profile(*policy);
  if (!seatbelt) return fail(std::move(seatbelt.error()));
  auto chosen = level_of(options, isolation);
  if (!chosen) return fail(std::move(chosen.error()));
  const Level level = chosen->level;
  const platform::HostFacts& host = platform::host_facts();
  auto plan = platform::make_launch_plan(*policy, command_of(service, options), level, host);
  if (!plan) return fail(std::move(plan.error()));
  auto missing = platform::gaps(*policy, platform::confinement_of(level), gap_facts(options));
  if (!chosen->missing.empty()) missing.push_back(std::move(chosen->missing));
  return Explanation{platform::explain_policy(*policy, level), std::move(*seatbelt),
                     platform::to_text(*plan), std::move(missing)};
}

}  // namespace ringfort
