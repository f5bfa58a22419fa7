// Opening and closing a runtime.
#include "ringfort/api/runtime.hpp"

#include "ringfort/api/impl.hpp"
#include "ringfort/platform/data_directory.hpp"

#include <filesystem>

namespace ringfort {

namespace {

Status make_log_directory(const RuntimeConfig& config) {
  std::error_code error;
  std::filesystem::create_directories(config.log_dir, error);
  if (error)
    return fail(Error{ErrorKind::Io,
                      config.log_dir + ": " + error.message(),
                      "make log_dir writable, or choose another one",
                      {},
                      error.value()});
  return {};
}

Status complete(RuntimeConfig& config) {
  if (config.data_dir.empty())
    return fail(ErrorKind::InvalidSpec, "data_dir is empty",
                "name a directory for ringfort's files");
  std::error_code error;
  config.data_dir = platform::absolute_path(config.data_dir, error);
  if (error)
    return fail(ErrorKind::Io, "no working directory: " + error.message(),
                "name an absolute data_dir");
  if (config.log_dir.empty()) config.log_dir = config.data_dir + "/logs";
  if (config.port_range.first == 0 || config.port_range.first > config.port_range.last)
    return fail(ErrorKind::InvalidSpec, "the port range is empty or holds port 0",
                "write a first port of at least 1 that is not above the last");
  return {};
}

actors::Settings settings_of(const RuntimeConfig& config) {
  return {config.isolation,
          config.gpu_access,
          config.on_exit,
          config.durability,
          {config.port_range.first, config.port_range.last},
          config.exec_output_limit,
          config.uid_block,
          65536,
          config.restart_rules};
}

}  // namespace

Result<std::unique_ptr<Runtime>> Runtime::open(RuntimeConfig config) {
  if (Status ok = complete(config); !ok) return fail(std::move(ok.error()));
  // Without an owner where the caller brings his own system.
  auto threads = config.system ? actors::ActorThreads{{std::shared_ptr<void>(), config.system}, {}}
                               : actors::shared_threads(config.workers);
  auto system = actors::System::open(config.data_dir, settings_of(config), std::move(threads));
  if (!system) return fail(std::move(system.error()));
  if (Status ok = make_log_directory(config); !ok) return fail(std::move(ok.error()));
  auto impl = std::make_unique<Impl>();
  impl->config = std::move(config);
  impl->system = std::move(*system);
  return std::unique_ptr<Runtime>(new Runtime(std::move(impl)));
}

Runtime::Runtime(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Runtime::~Runtime() = default;

Runtime::Impl::~Impl() {
  auto actors = system->actors();
  system.reset();
  // The last ends have been sent by now; nobody is called any more once this returns.
  caf::scoped_actor self{*actors, true};
  for (const auto& listener : listeners) {
    messages::post(listener, messages::Shutdown{});
    self->wait_for(listener);
  }
}

void Runtime::on_exit(ExitListener heard) {
  auto listener = actors::spawn_listener(*impl_->system->actors(), std::move(heard));
  messages::post(impl_->system->supervisor(), messages::Watch{messages::weak(listener)});
  std::lock_guard lock(impl_->mutex);
  impl_->listeners.push_back(std::move(listener));
}

const RuntimeConfig& Runtime::config() const { return impl_->config; }

const void* Runtime::supervisor_handle() const { return &impl_->system->supervisor(); }

std::string_view version() { return RINGFORT_VERSION; }

}  // namespace ringfort
