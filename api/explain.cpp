// What a service would be allowed and how it would be started, without making anything.
#include "ringfort/platform/explain.hpp"

#include "ringfort/actors/site.hpp"
#include "ringfort/api/runtime.hpp"
#include "ringfort/messages/configure.hpp"
#include "ringfort/platform/host_probe.hpp"
#include "ringfort/platform/launch_plan.hpp"
#include "ringfort/platform/policy.hpp"
#include "ringfort/platform/seatbelt_profile.hpp"
#include "ringfort/platform/spawner.hpp"

#include <utility>

namespace ringfort {

namespace {

// Stand-ins for what only a real container has.
constexpr const char* kDirectory = "/var/lib/ringfort/containers/example-1";
constexpr std::uint16_t kPort = 20000;

Result<platform::ChosenLevel> level_of(const RunOptions& options, Isolation isolation) {
  auto loop = platform::EventLoop::start();
  if (!loop) return fail(std::move(loop.error()));
  auto spawner = platform::Spawner::make(**loop);
  return platform::choose_level(
      options.isolation.value_or(isolation),
      options.best_effort ? platform::Effort::Best : platform::Effort::Exact, *spawner);
}

bool has_port(const specs::Service& service, const RunOptions& options) {
  return options.own_port || specs::activated_endpoint(service.endpoints) != nullptr;
}

platform::PolicyContext context_of(const specs::Service& service, const RunOptions& options) {
  platform::PolicyContext context;
  context.container_dir = kDirectory;
  context.host_image = service.image.name == "host";
  context.native_image = !context.host_image;
  if (has_port(service, options)) context.own_port = kPort;
  return context;
}

platform::Command command_of(const specs::Service& service, const RunOptions& options) {
  platform::Command command;
  command.argv = actors::command_line(service.command);
  command.env.assign(service.env.begin(), service.env.end());
  command.workdir = service.command.workdir.value_or(options.workdir);
  command.hostname = service.hostname.value_or("example-1");
  if (has_port(service, options)) command.own_port = kPort;
  if (const auto* endpoint = specs::activated_endpoint(service.endpoints))
    command.listen_name = endpoint->name;
  command.deadline = options.timeout;
  command.grace = options.grace;
  command.best_effort = options.best_effort;
  return command;
}

}  // namespace

Result<Explanation> explain(const specs::Service& service, const RunOptions& options,
                            Isolation isolation) {
  if (messages::on_actor_thread())
    return fail(ErrorKind::Unsupported, "a blocking call on a thread of the actor system",
                "call it on a thread of your own");
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
  return Explanation{platform::explain_policy(*policy), std::move(*seatbelt),
                     platform::to_text(*plan), platform::missing_protections(*policy, level, host)};
}

}  // namespace ringfort
