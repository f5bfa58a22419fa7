// Questions to actors from a plain thread, answered while it waits.
#pragma once

#include "ringfort/messages/caf_version.hpp"
#include "ringfort/specs/result.hpp"
#include "ringfort/specs/units.hpp"

#include <utility>

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

/// Sends `message` and blocks until the answer, a Result. Bounded by `patience`, which may be
/// kForEver.
template <class Answered, class Handle, class Message>
Answered ask(caf::actor_system& system, const Handle& to, Duration patience, Message&& message) {
  caf::scoped_actor self{system, true};
  Answered answer = fail(ErrorKind::Internal, "no answer");
  auto pending = self->request(to, caf::infinite, std::forward<Message>(message));
  if (!await_message(self, patience)) return fail(no_answer_in_time());
  pending.receive([&](Answered& given) { answer = std::move(given); },
                  [&](caf::error& error) { answer = fail(to_error(error)); });
  return answer;
}

}  // namespace ringfort::messages
