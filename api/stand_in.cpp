#include "ringfort/api/stand_in.hpp"

#include "ringfort/actors/site.hpp"

#include <utility>

namespace ringfort {
namespace {

// Stand-ins for what only a real container has.
constexpr const char* kDirectory = "/var/lib/ringfort/containers/example-1";
constexpr const char* kImage = "/var/lib/ringfort/images/example/rootfs";
constexpr std::uint16_t kPort = 20000;

bool has_port(const specs::Service& service, const RunOptions& options) {
  return options.own_port || specs::activated_endpoint(service.endpoints) != nullptr;
}

}  // namespace

Result<Trials> open_trials() {
  auto loop = platform::EventLoop::start();
  if (!loop) return fail(std::move(loop.error()));
  Trials trials{std::move(*loop), {}};
  trials.spawner = platform::Spawner::make(*trials.loop);
  return trials;
}

Result<platform::ChosenLevel> level_of(const RunOptions& options, Isolation isolation) {
  auto trials = open_trials();
  if (!trials) return fail(std::move(trials.error()));
  return platform::choose_level(
      options.isolation.value_or(isolation),
      options.best_effort ? platform::Effort::Best : platform::Effort::Exact, *trials->spawner);
}

platform::PolicyContext context_of(const specs::Service& service, const RunOptions& options) {
  platform::PolicyContext context;
  context.container_dir = kDirectory;
  context.host_image = service.image.name == "host";
  context.native_image = !context.host_image;
  if (has_port(service, options)) context.own_port = kPort;
  if (service.rootfs == RootfsMode::Overlay && !context.host_image) context.image_dir = kImage;
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

}  // namespace ringfort
