// Questions to actors from a plain thread, answered while it waits.
#pragma once

#include "ringfort/messages/caf_version.hpp"
#include "ringfort/specs/result.hpp"
#include "ringfort/specs/units.hpp"

#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

namespace ringfort::messages {

inline Error no_answer_in_time() {
  return {ErrorKind::Timeout, "no answer in time", "call again, or ask for the state first", {}, 0};
}

/// An error of CAF's own in our words: nobody there, or no answer in time.
inline Error to_error(const caf::error& error) {
  if (error == caf::sec::request_timeout) return no_answer_in_time();
  if (error == caf::sec::request_receiver_down)
    return {ErrorKind::NotFound, "it is gone", "create it first", {}, 0};
  return {
      ErrorKind::Internal, "an actor failed while it answered", "report this as a defect", {}, 0};
}

/// Sends `message` as `self` and blocks until the answer, a Result; nothing when there is none
/// within `patience`, which may be kForEver. `self` may still get that answer, which would
/// end the wait for the next one: use it no more then.
template <class Answered, class Handle, class Message>
std::optional<Answered> ask_as(caf::scoped_actor& self, const Handle& to, Duration patience,
                               Message&& message) {
  auto pending = self->request(to, caf::infinite, std::forward<Message>(message));
  if (!await_message(self, patience)) return std::nullopt;
  Answered answer = fail(ErrorKind::Internal, "no answer");
  pending.receive([&](Answered& given) { answer = std::move(given); },
                  [&](caf::error& error) { answer = fail(to_error(error)); });
  return answer;
}

/// One question.
template <class Answered, class Handle, class Message>
Answered ask(caf::actor_system& system, const Handle& to, Duration patience, Message&& message) {
  caf::scoped_actor self{system, true};
  auto answer = ask_as<Answered>(self, to, patience, std::forward<Message>(message));
  return answer ? std::move(*answer) : Answered{fail(no_answer_in_time())};
}

/// Many questions, from any thread. Those who asked are kept for the next ones: the end of each
/// wakes the thread of CAF's clock.
class Askers {
 public:
  /// The system outlives them.
  explicit Askers(caf::actor_system& system) : system_(system) {}

  template <class Answered, class Handle, class Message>
  Answered ask(const Handle& to, Duration patience, Message&& message) {
    auto self = take();
    auto answer = ask_as<Answered>(*self, to, patience, std::forward<Message>(message));
    if (!answer) return fail(no_answer_in_time());
    give_back(std::move(self));
    return std::move(*answer);
  }

 private:
  using Asker = std::unique_ptr<caf::scoped_actor>;

  Asker take() {
    {
      const std::lock_guard lock(mutex_);
      if (!idle_.empty()) {
        Asker asker = std::move(idle_.back());
        idle_.pop_back();
        return asker;
      }
    }
    return std::make_unique<caf::scoped_actor>(system_, true);
  }

  void give_back(Asker asker) {
    const std::lock_guard lock(mutex_);
    if (idle_.size() < kMaxIdle) idle_.push_back(std::move(asker));
  }

  static constexpr std::size_t kMaxIdle = 64;

  caf::actor_system& system_;
  std::mutex mutex_;
  std::vector<Asker> idle_;
};

}  // namespace ringfort::messages
