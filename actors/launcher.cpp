#include "ringfort/actors/launcher.hpp"

#include "ringfort/messages/caf_scheduler.hpp"

namespace ringfort::actors {

namespace {

using namespace messages;

class Launcher {
 public:
  using Handle = LauncherHandle;
  static constexpr const char* name = "ringfort.launcher";

  Launcher(Self<Handle> self, Seams seams) : self_(self), seams_(std::move(seams)) {}

  Handle::behavior_type make_behavior() {
    return {
        [this](WarmUp) {
          const Blocking others_go_on;
          seams_.spawner->prepare();
        },
        [this](Launch& launch) { on_launch(launch); },
        [](Forward<Began>& began) { post(began.container, std::move(began.news)); },
        [](Forward<Exited>& exited) { post(exited.container, std::move(exited.news)); },
    };
  }

 private:
  void on_launch(Launch& launch) {
    post(launch.container, Launched{launch.generation, run(launch)});
  }

  Result<std::shared_ptr<platform::Run>> run(const Launch& launch) {
    const Blocking others_go_on;  // the zygote may be stopped, or none yet
    return seams_.spawner->run(std::move(*launch.request), handlers_for(launch));
  }

  // News go through this actor and not straight to the container, so that none can overtake the
  // Launched above: two senders have no order between them.
  platform::RunHandlers handlers_for(const Launch& launch) {
    Handle me{self_};
    auto to = launch.container;
    auto generation = launch.generation;
    return {[me, to, generation](const platform::ProgramStarted& started) {
              post(me, Forward<Began>{
                           to, {generation, started.shim_pid, started.main_pid, started.at}});
            },
            [me, to, generation](const platform::ProgramEnded& ended) {
              post(me, Forward<Exited>{to, {generation, ended.exit, ended.start_error}});
            }};
  }

  Self<Handle> self_;
  Seams seams_;
};

}  // namespace

LauncherHandle spawn_launcher(caf::actor_system& system, Seams seams) {
  return spawn_state<Launcher>(system, std::move(seams));
}

}  // namespace ringfort::actors
