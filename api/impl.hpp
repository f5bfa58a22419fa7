// What a Runtime is made of. Only for the sources of api/.
#pragma once

#include "ringfort/actors/listener.hpp"
#include "ringfort/actors/system.hpp"
#include "ringfort/api/runtime.hpp"
#include "ringfort/messages/ask.hpp"
#include "ringfort/messages/configure.hpp"
#include "ringfort/messages/supervisor.hpp"

#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

namespace ringfort {

/// The bound of calls that have none of their own. Killing and deleting a large tree fits in it.
inline constexpr Duration kCallLimit = std::chrono::seconds(60);
/// Of those that wait for their turn before anything is done. Behind thousands of others that is no
/// sign that something hangs; what they do then has bounds of its own.
inline constexpr Duration kQueuedCallLimit = std::chrono::minutes(15);

struct Runtime::Impl {
  RuntimeConfig config;
  std::unique_ptr<actors::System> system;
  std::mutex mutex;
  std::vector<actors::ListenerHandle> listeners;

  ~Impl();

  /// Asks the supervisor; `limit` may be messages::kForEver.
  template <class Answered, class Message>
  Answered ask(Message&& message, Duration limit = kCallLimit) const {
    if (messages::on_actor_thread())
      return fail(ErrorKind::Unsupported, "a blocking call on a thread of the actor system",
                  "send a message to supervisor_handle() instead");
    return messages::ask<Answered>(*system->actors(), system->supervisor(), limit,
                                   std::forward<Message>(message));
  }

  /// Asks a container.
  template <class Answered, class Message>
  Answered ask(const ContainerId& id, Message message, Duration limit = kCallLimit) const {
    auto answer = ask<Answered>(messages::On<Message>{id, std::move(message)}, limit);
    if (!answer && answer.error().container.empty()) answer.error().container = id.str();
    return answer;
  }
};

}  // namespace ringfort
