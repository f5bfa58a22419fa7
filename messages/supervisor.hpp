// What the root of one runtime is told and asked.
#pragma once

#include "ringfort/messages/container.hpp"
#include "ringfort/messages/images.hpp"
#include "ringfort/messages/volumes.hpp"
#include "ringfort/specs/names.hpp"

#include <memory>
#include <utility>
#include <vector>

namespace ringfort::messages {

/// `message` for the container `id`; the container itself answers. Error NotFound for an unknown id
/// (a Remove is then answered with success, after dead leftovers on disk are gone).
template <class Message>
struct On {
  ContainerId id;
  Message message;
};
template <class Message>
On(ContainerId, Message) -> On<Message>;

struct Create {
  ContainerId id;
  std::shared_ptr<const specs::Service> service;
  RunOptions options;
};
/// Takes over every container with a restart policy that a dead runtime left; answers with them.
struct AdoptAll {};
struct Lookup {
  ContainerId id;
};
struct ListContainers {
  bool all = false;  ///< also those of other runtimes on this data directory
};

/// A container is about to be gone: its name is free from now on.
struct Gone {
  ContainerId id;
  caf::actor_addr who;
};

/// For everyone. `Watch` here means: every container of this runtime.
using SupervisorHandle =
    Actor<Result<Created>(Create), Result<ContainerHandle>(Lookup),
          Result<std::vector<ContainerEntry>>(ListContainers), Status(Shutdown), void(Watch),
          Result<std::vector<ContainerId>>(AdoptAll), Result<Started>(On<Start>), Status(On<Stop>),
          Status(On<Kill>), Status(On<Pause>), Status(On<Unpause>), Status(On<Remove>),
          Result<ExitRecord>(On<Wait>), Result<ExecResult>(On<Exec>),
          Result<ContainerState>(On<GetState>), Result<ContainerEntry>(On<GetEntry>),
          Result<Stats>(On<GetStats>), Result<std::vector<LogEntry>>(On<GetLogs>),
          Status(RegisterImage), Status(PullImage), Result<std::vector<ImageEntry>>(ListImages),
          Status(RemoveImage), Result<std::vector<std::string>>(PruneImages),
          Result<std::vector<VolumeEntry>>(ListVolumes), Status(RemoveVolume)>;

/// For its containers.
using SupervisorInbox = Extend<SupervisorHandle, void(ContainerExited), void(Gone)>;

}  // namespace ringfort::messages

namespace caf {
template <class Message>
struct allowed_unsafe_message_type<ringfort::messages::On<Message>> : std::true_type {};
}  // namespace caf

RINGFORT_MESSAGE(ringfort::messages::Create)
RINGFORT_MESSAGE(ringfort::messages::Lookup)
RINGFORT_MESSAGE(ringfort::messages::AdoptAll)
RINGFORT_MESSAGE(ringfort::messages::ListContainers)
RINGFORT_MESSAGE(ringfort::messages::Gone)
