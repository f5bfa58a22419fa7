// An actor system without threads whose clock stands still until a test moves it.
#pragma once

#include "ringfort/messages/ask.hpp"
#include "ringfort/specs/units.hpp"

#include <caf/all.hpp>
#include <caf/scheduler/test_coordinator.hpp>

#include <memory>
#include <optional>
#include <utility>

namespace ringfort::fakes {

class VirtualSystem {
 public:
  VirtualSystem() : system_(prepared(config_)) { system_.await_actors_before_shutdown(false); }
  ~VirtualSystem() {
    scheduler().clock().cancel_all();
    run();
  }

  caf::actor_system& actors() { return system_; }

  /// Handles every message there is, and those that follow from them.
  void run() { scheduler().run(); }
  /// Handles one message.
  bool run_once() { return scheduler().try_run_once(); }
  /// Lets time pass: timers fire in their order, each followed by all that it causes.
  void advance(Duration time) {
    constexpr Duration step = std::chrono::milliseconds(5);
    for (Duration passed{0}; passed < time; passed += step) {
      scheduler().advance_time(step);
      run();
    }
  }
  std::chrono::steady_clock::time_point now() { return scheduler().clock().now(); }

  /// A question under way: empty until it has been answered.
  template <class Answered>
  class Reply {
   public:
    explicit operator bool() const { return slot_->has_value(); }
    const Answered& operator*() const { return slot_->value(); }
    const Answered* operator->() const { return &slot_->value(); }

   private:
    friend class VirtualSystem;
    std::shared_ptr<std::optional<Answered>> slot_ = std::make_shared<std::optional<Answered>>();
  };

  /// Puts a question into the queue; the order of questions is kept.
  template <class Answered, class Handle, class Message>
  Reply<Answered> send(const Handle& to, Message message) {
    Reply<Answered> reply;
    system_.spawn([to, message, slot = reply.slot_](caf::event_based_actor* self) {
      self->request(to, caf::infinite, message)
          .then([slot](Answered& answer) { *slot = std::move(answer); },
                [slot](caf::error& error) { *slot = fail(messages::to_error(error)); });
    });
    return reply;
  }

  /// Sends and runs until nothing moves any more.
  template <class Answered, class Handle, class Message>
  Reply<Answered> ask(const Handle& to, Message message) {
    auto reply = send<Answered>(to, std::move(message));
    run();
    return reply;
  }

 private:
  static caf::actor_system_config& prepared(caf::actor_system_config& config) {
    config.set("scheduler.policy", caf::atom("testing"));
    return config;
  }
  caf::scheduler::test_coordinator& scheduler() {
    return dynamic_cast<caf::scheduler::test_coordinator&>(system_.scheduler());
  }

  caf::actor_system_config config_;
  caf::actor_system system_;
};

}  // namespace ringfort::fakes
