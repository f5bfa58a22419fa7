#include "ringfort/actors/system.hpp"

#include "ringfort/actors/launcher.hpp"
#include "ringfort/actors/port_broker.hpp"
#include "ringfort/actors/rootfs.hpp"
#include "ringfort/actors/supervisor.hpp"
#include "ringfort/actors/watchdog.hpp"
#include "ringfort/messages/ask.hpp"
#include "ringfort/messages/configure.hpp"

#include <algorithm>
#include <chrono>
#include <mutex>
#include <thread>

namespace ringfort::actors {

namespace {

/// A system and the config that it needs to outlive it.
struct OwnSystem {
  explicit OwnSystem(std::size_t workers) {
    messages::configure(config, (workers == 0 ? kWorkers : workers) + kFileThreads,
                        messages::Printer::None);
    system.emplace(config);
    // A timer that is still to come must not keep the process from ending.
    system->await_actors_before_shutdown(false);
  }
  static constexpr std::size_t kWorkers = 2;
  static constexpr std::size_t kFileThreads = 2;

  caf::actor_system_config config;
  std::optional<caf::actor_system> system;
  // Actors hold it, and the last of them must not hold the system: it would wait for itself.
  std::shared_ptr<FileThreads> for_files = std::make_shared<FileThreads>(kFileThreads);
};

std::size_t workers_for_files() {
  return std::clamp<std::size_t>(std::thread::hardware_concurrency(), 2, 4);
}

/// What its containers may take to die, and as much again.
constexpr Duration kFarewell = std::chrono::seconds(30);

void end(caf::scoped_actor& self, const caf::actor& whom) {
  if (!whom) return;
  self->send_exit(whom, caf::exit_reason::user_shutdown);
  self->wait_for(whom);
}

}  // namespace

std::shared_ptr<FileThreads> FileThreads::borrow(const std::shared_ptr<FileThreads>& from) {
  if (!from) return {};
  for (auto left = from->left_.load(); left > 0;)
    if (from->left_.compare_exchange_weak(left, left - 1))
      return {from.get(), [from](FileThreads* lender) { ++lender->left_; }};
  return {};
}

ActorThreads shared_threads(std::size_t workers) {
  static std::mutex mutex;
  static std::weak_ptr<OwnSystem> shared;
  std::lock_guard lock(mutex);
  auto own = shared.lock();
  if (!own) {
    own = std::make_shared<OwnSystem>(workers);
    shared = own;
  }
  return {{own, &*own->system}, own->for_files};
}

messages::WatchdogHandle Context::watchdog() const {
  std::lock_guard lock(mutex_);
  if (!watchdog_) watchdog_ = spawn_watchdog(*system, seams);
  return watchdog_;
}

messages::WatchdogHandle Context::watchdog_if_any() const {
  std::lock_guard lock(mutex_);
  return watchdog_;
}

Result<std::unique_ptr<System>> System::open(const std::string& data_dir, Settings settings,
                                             ActorThreads threads) {
  auto files = platform::ContainerFiles::open(data_dir);
  if (!files) return fail(std::move(files.error()));
  auto started = platform::EventLoop::start();
  if (!started) return fail(std::move(started.error()));
  std::shared_ptr<platform::EventLoop> loop = std::move(*started);
  auto seams = real_seams(std::move(*files), loop);
  if (seams.files->found_dead_owner()) seams.forget_stray_ports();
  seams.file_threads = std::move(threads.for_files);
  auto system = over(std::move(seams), std::move(settings), std::move(threads.system));
  system->loop_ = std::move(loop);
  return system;
}

std::unique_ptr<System> System::over(Seams seams, Settings settings,
                                     std::shared_ptr<caf::actor_system> actors) {
  std::unique_ptr<System> system{new System(std::move(actors))};
  auto context = std::make_shared<Context>();
  context->settings = settings;
  context->host = seams.host_facts();
  context->system = system->actors_.get();
  context->rootfs = spawn_rootfs(*system->actors_, settings, seams, workers_for_files());
  context->ports = spawn_port_broker(*system->actors_, settings.ports, seams);
  context->launcher = spawn_launcher(*system->actors_, seams);
  context->seams = std::move(seams);
  system->supervisor_ = spawn_supervisor(*system->actors_, context);
  system->context_ = std::move(context);
  return system;
}

System::~System() {
  (void)messages::ask<Status>(*actors_, supervisor_, kFarewell,
                              messages::Shutdown{context_->settings.on_exit});
  caf::scoped_actor self{*actors_, true};
  for (const caf::actor& part :
       {caf::actor_cast<caf::actor>(supervisor_), caf::actor_cast<caf::actor>(context_->launcher),
        caf::actor_cast<caf::actor>(context_->watchdog_if_any()),
        caf::actor_cast<caf::actor>(context_->ports),
        caf::actor_cast<caf::actor>(context_->rootfs)})
    end(self, part);
  context_->seams.files->drain();
}

}  // namespace ringfort::actors
