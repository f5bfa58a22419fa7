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

/// Sends `message` and blocks until the answer, a Result; Timeout when there is none within
/// `patience`, which may be kForEver. From any thread but those of the actor system.
template <class Answered, class Handle, class Message>
Answered ask(caf::actor_system& system, const Handle& to, Duration patience, Message&& message) {
  const auto letter = answer_to<Answered>(system, to, patience, std::forward<Message>(message));
  if (!letter) return fail(no_answer_in_time());
  auto& content = letter->content();
  if (content.template match_elements<caf::error>())
    return fail(to_error(content.template get_as<caf::error>(0)));
  return std::move(content.template get_mutable_as<Answered>(0));
}

}  // namespace ringfort::messages
