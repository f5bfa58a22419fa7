#include "ringfort/actors/listener.hpp"

#include "ringfort/messages/caf_scheduler.hpp"

namespace ringfort::actors {

namespace {

class Listener {
 public:
  using Handle = ListenerHandle;
  static constexpr const char* name = "ringfort.listener";

  Listener(messages::Self<Handle> self, ExitHeard heard) : self_(self), heard_(std::move(heard)) {}

  Handle::behavior_type make_behavior() {
    return {
        [this](const messages::ContainerExited& exited) {
          const messages::Blocking others_go_on;  // the program's own code may do anything
          heard_(exited.id, exited.exit);
        },
        [this](const messages::Shutdown&) { self_->quit(); },
    };
  }

 private:
  messages::Self<Handle> self_;
  ExitHeard heard_;
};

}  // namespace

ListenerHandle spawn_listener(caf::actor_system& system, ExitHeard heard) {
  return messages::spawn_state<Listener>(system, std::move(heard));
}

}  // namespace ringfort::actors
