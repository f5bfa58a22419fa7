// What one container is told and asked. Every reply is a Result; refused calls say what to do.
#pragma once

#include "ringfort/messages/answers.hpp"
#include "ringfort/messages/caf_version.hpp"
#include "ringfort/specs/result.hpp"
#include "ringfort/specs/service.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace ringfort::platform {
class Run;
}
namespace ringfort::actors {
struct Recovered;
}

namespace ringfort::messages {

/// Which start of a container something is about. Counts from 1; what carries an old one is
/// ignored.
using Generation = std::uint32_t;

// Calls.
struct Start {};
struct Stop {
  Duration patience{};  ///< between TERM and KILL of the whole tree
};
struct Kill {
  std::string signal = "KILL";
  bool whole_tree = false;
};
struct Pause {};
struct Unpause {};
struct Remove {};  ///< kills what lives, then frees the name; a second one joins the first
struct Wait {
  std::optional<Duration> patience;  ///< empty = for ever; otherwise Error Timeout
};
struct Exec {
  std::vector<std::string> command;
  ExecOptions options;
};
struct GetState {};
struct GetEntry {};
struct GetStats {};
struct GetLogs {
  LogQuery query;
};
/// `who` gets ContainerExited at each end; at once if the container has ended already.
struct Watch {
  caf::weak_actor_ptr who;  ///< empty = the sender
};

/// The down message of a container, sent to those who watch.
struct ContainerExited {
  ContainerId id;
  ExitRecord exit;
  Generation generation = 0;
};

/// The supervisor's part in the life of a container.
struct CreateCall {
  std::shared_ptr<const specs::Service> service;
  RunOptions options;
  std::optional<std::uint32_t> uid;  ///< root runtimes: of the container
};
/// What was found of it on disk; before anything else, instead of CreateCall.
struct Restore {
  std::shared_ptr<const actors::Recovered> found;
};
/// `message` for a container that has just been found on disk. Others are answered only after a
/// look at the disk, if the container does not live: other processes may have changed it.
template <class Message>
struct Current {
  Message message;
};
/// Become the supervisor of what was only found, if it has a restart policy and a dead owner.
/// Answers whether that was so.
struct Adopt {};
/// The supervisor has forgotten the actor and passes nothing on to it any more.
struct Goodbye {};
struct Shutdown {
  OnExit how = OnExit::Kill;
};

// News of a run, from the launcher and from timers.
struct Launched {
  Generation generation = 0;
  Result<std::shared_ptr<platform::Run>> run;
};
struct Began {
  Generation generation = 0;
  std::int32_t shim_pid = 0;  ///< host pid
  std::int32_t main_pid = 0;  ///< host pid
  WallTime at{};
};
struct Exited {
  Generation generation = 0;
  ExitRecord exit;
  std::optional<Error> start_error;  ///< set: the program never ran
};
struct OverLimit {
  Generation generation = 0;
  std::uint64_t bytes = 0;  ///< what the tree used when it was judged
};
struct KillOverdue {
  Generation generation = 0;
  std::uint64_t ticket = 0;
};
/// Somebody waits for the end of what does not live, and others may start or remove it.
struct LookDue {};
/// The end of a run that others have made another of should have been heard by now.
struct EndDue {};
struct WaitOverdue {
  std::uint64_t ticket = 0;
};
/// The wait of a restart policy is over.
struct RestartDue {
  std::uint64_t ticket = 0;
};
struct ExecEnded {
  std::uint64_t ticket = 0;
  Result<ExecResult> result;
};

/// For everyone.
using ContainerHandle =
    Actor<Result<Started>(Start), Status(Stop), Status(Kill), Status(Pause), Status(Unpause),
          Status(Remove), Result<ExitRecord>(Wait), Result<ExecResult>(Exec),
          Result<ContainerState>(GetState), Result<ContainerEntry>(GetEntry),
          Result<Stats>(GetStats), Result<std::vector<LogEntry>>(GetLogs), void(Watch)>;

/// For the actors beside it.
using ContainerInbox =
    Extend<ContainerHandle, Result<Created>(CreateCall), Status(Shutdown), Result<bool>(Adopt),
           Result<Created>(Current<CreateCall>), Result<Started>(Current<Start>),
           Status(Current<Stop>), Status(Current<Kill>), Status(Current<Pause>),
           Status(Current<Unpause>), Status(Current<Remove>), Result<ExitRecord>(Current<Wait>),
           Result<ExecResult>(Current<Exec>), Result<ContainerState>(Current<GetState>),
           Result<ContainerEntry>(Current<GetEntry>), Result<Stats>(Current<GetStats>),
           Result<std::vector<LogEntry>>(Current<GetLogs>), void(Restore), void(RestartDue),
           void(LookDue), void(EndDue), void(Launched), void(Began), void(Exited), void(OverLimit),
           void(KillOverdue), void(WaitOverdue), void(ExecEnded), void(Goodbye)>;

}  // namespace ringfort::messages

namespace caf {
template <class Message>
struct allowed_unsafe_message_type<ringfort::messages::Current<Message>> : std::true_type {};
}  // namespace caf

RINGFORT_MESSAGE(ringfort::messages::Start)
RINGFORT_MESSAGE(ringfort::messages::Stop)
RINGFORT_MESSAGE(ringfort::messages::Kill)
RINGFORT_MESSAGE(ringfort::messages::Pause)
RINGFORT_MESSAGE(ringfort::messages::Unpause)
RINGFORT_MESSAGE(ringfort::messages::Remove)
RINGFORT_MESSAGE(ringfort::messages::Wait)
RINGFORT_MESSAGE(ringfort::messages::Exec)
RINGFORT_MESSAGE(ringfort::messages::GetState)
RINGFORT_MESSAGE(ringfort::messages::GetEntry)
RINGFORT_MESSAGE(ringfort::messages::GetStats)
RINGFORT_MESSAGE(ringfort::messages::GetLogs)
RINGFORT_MESSAGE(ringfort::messages::Watch)
RINGFORT_MESSAGE(ringfort::messages::ContainerExited)
RINGFORT_MESSAGE(ringfort::messages::CreateCall)
RINGFORT_MESSAGE(ringfort::messages::Restore)
RINGFORT_MESSAGE(ringfort::messages::Shutdown)
RINGFORT_MESSAGE(ringfort::messages::Adopt)
RINGFORT_MESSAGE(ringfort::messages::RestartDue)
RINGFORT_MESSAGE(ringfort::messages::Launched)
RINGFORT_MESSAGE(ringfort::messages::Began)
RINGFORT_MESSAGE(ringfort::messages::Exited)
RINGFORT_MESSAGE(ringfort::messages::OverLimit)
RINGFORT_MESSAGE(ringfort::messages::KillOverdue)
RINGFORT_MESSAGE(ringfort::messages::LookDue)
RINGFORT_MESSAGE(ringfort::messages::EndDue)
RINGFORT_MESSAGE(ringfort::messages::WaitOverdue)
RINGFORT_MESSAGE(ringfort::messages::ExecEnded)
RINGFORT_MESSAGE(ringfort::messages::Goodbye)
