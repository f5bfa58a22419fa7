// Who talks to the zygote. What becomes of a launch is told to the container as Launched, Began
// and Exited, in this order.
#pragma once

#include "ringfort/messages/container.hpp"

#include <memory>

namespace ringfort::platform {
struct RunRequest;
}

namespace ringfort::messages {

/// A first launch is to come.
struct WarmUp {};
struct Launch {
  std::shared_ptr<platform::RunRequest> request;  ///< consumed
  ContainerInbox container;
  Generation generation = 0;
};
/// A callback of the event loop, on its way back to the container.
template <class News>
struct Forward {
  ContainerInbox container;
  News news;
};

using LauncherHandle =
    Actor<void(WarmUp), void(Launch), void(Forward<Began>), void(Forward<Exited>)>;

}  // namespace ringfort::messages

namespace caf {
template <class News>
struct allowed_unsafe_message_type<ringfort::messages::Forward<News>> : std::true_type {};
}  // namespace caf

RINGFORT_MESSAGE(ringfort::messages::WarmUp)
RINGFORT_MESSAGE(ringfort::messages::Launch)
