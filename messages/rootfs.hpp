// Who touches the disk: images, and the files of containers. Nothing here runs on a thread that
// other actors need. The opaque values are made by `actors` and travel through here unseen.
#pragma once

#include "ringfort/messages/container.hpp"
#include "ringfort/messages/images.hpp"
#include "ringfort/messages/volumes.hpp"
#include "ringfort/specs/restart.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace ringfort::platform {
struct RunRequest;
}
namespace ringfort::actors {
struct Recipe;
struct Recovered;
struct Site;
}  // namespace ringfort::actors

namespace ringfort::messages {

/// Works out policy, plan and texts, and makes the files. Whatever fails leaves nothing behind.
struct Build {
  std::shared_ptr<const actors::Recipe> recipe;
};
/// Opens the descriptors of one run. Waits for its turn, as Build does.
struct Open {
  std::shared_ptr<const actors::Site> site;
  std::shared_ptr<void> turn;  ///< filled in when it is its turn
  Duration queued{};           ///< likewise: how long it had waited
};
struct Opened {
  std::shared_ptr<platform::RunRequest> request;
  std::shared_ptr<void> turn;  ///< kept until the program has begun or has not: others wait for it
  Duration queued{};           ///< until it was its turn
};
/// How long has this container's Build or Open waited, and who goes before? Empty = it does not.
struct AskPlace {
  ContainerId id;
};
/// A start is no longer under way.
struct TurnOver {
  std::uint64_t job = 0;
};
/// Starts wait for those under way: time to see whether one of these takes too long.
struct LookAgain {};
/// Removes the files of a container. `site` is empty for leftovers of another time.
struct Discard {
  ContainerId id;
  std::shared_ptr<const actors::Site> site;
  bool found = false;  ///< another process made it, and others may be at it
};
/// Says in its record that its removal has begun.
struct MarkLeaving {
  ContainerId id;
  std::shared_ptr<const actors::Site> site;
};
/// Finds what another process left under this name.
struct Recover {
  ContainerId id;
};
/// Is the container on disk still the one that was found? (Of its own ones a container asks
/// ContainerFiles::is_overtaken.)
struct Compare {
  ContainerId id;
  std::shared_ptr<const actors::Recovered> found;
};
/// Names of all containers with a record, whoever's they are.
struct ListRecorded {};
/// Makes a dead owner's container ours, with this port if it has one.
struct TakeOver {
  ContainerId id;
  std::optional<std::uint16_t> port;
};
/// Writes the history of its restarts into the record of a container that is ours.
struct KeepRestarts {
  ContainerId id;
  specs::RestartHistory history;
};
struct ReadLog {
  ContainerId id;
  LogQuery query;
};
/// A worker is free again.
struct WorkerIdle {
  std::size_t worker = 0;
  std::string image;  ///< that it registered
};

using RootfsHandle =
    Actor<Status(RegisterImage), Status(PullImage), Result<std::vector<ImageEntry>>(ListImages),
          Status(RemoveImage), Result<std::vector<std::string>>(PruneImages),
          Result<std::vector<VolumeEntry>>(ListVolumes), Status(RemoveVolume),
          Result<std::shared_ptr<const actors::Site>>(Build), Result<Opened>(Open),
          Result<std::optional<QueuePlace>>(AskPlace), Status(Discard), Status(MarkLeaving),
          Result<std::vector<LogEntry>>(ReadLog),
          Result<std::shared_ptr<const actors::Recovered>>(Recover), Result<bool>(Compare),
          Result<std::vector<ContainerId>>(ListRecorded),
          Result<std::shared_ptr<const actors::Recovered>>(TakeOver), Status(KeepRestarts)>;

/// For its workers.
using RootfsInbox = Extend<RootfsHandle, void(WorkerIdle), void(TurnOver), void(LookAgain)>;

}  // namespace ringfort::messages

RINGFORT_MESSAGE(ringfort::messages::Build)
RINGFORT_MESSAGE(ringfort::messages::Open)
RINGFORT_MESSAGE(ringfort::messages::Discard)
RINGFORT_MESSAGE(ringfort::messages::MarkLeaving)
RINGFORT_MESSAGE(ringfort::messages::ReadLog)
RINGFORT_MESSAGE(ringfort::messages::Recover)
RINGFORT_MESSAGE(ringfort::messages::Compare)
RINGFORT_MESSAGE(ringfort::messages::ListRecorded)
RINGFORT_MESSAGE(ringfort::messages::TakeOver)
RINGFORT_MESSAGE(ringfort::messages::KeepRestarts)
RINGFORT_MESSAGE(ringfort::messages::WorkerIdle)
RINGFORT_MESSAGE(ringfort::messages::AskPlace)
RINGFORT_MESSAGE(ringfort::messages::TurnOver)
RINGFORT_MESSAGE(ringfort::messages::LookAgain)
