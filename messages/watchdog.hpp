// Who polls the memory of process trees where no kernel limit holds.
#pragma once

#include "ringfort/messages/container.hpp"
#include "ringfort/specs/status.hpp"
#include "ringfort/specs/units.hpp"

#include <cstdint>
#include <memory>

namespace ringfort::actors {
struct Site;
}

namespace ringfort::messages {

/// From now on the tree below `shim_pid` may use `limit`; past it the container hears OverLimit.
struct Guard {
  ContainerInbox container;
  Generation generation = 0;
  std::int32_t shim_pid = 0;
  Bytes limit;
  std::shared_ptr<platform::Run> run;  ///< to stop the tree while it is judged
};
struct Unguard {
  std::int32_t shim_pid = 0;
};
/// One look at a tree, for those who ask.
struct Measure {
  std::int32_t shim_pid = 0;
  std::shared_ptr<const actors::Site> site;
};
/// A timer of its own.
struct Poll {
  std::uint64_t ticket = 0;
};

using WatchdogHandle = Actor<void(Guard), void(Unguard), Result<Stats>(Measure), void(Poll)>;

}  // namespace ringfort::messages

RINGFORT_MESSAGE(ringfort::messages::Guard)
RINGFORT_MESSAGE(ringfort::messages::Unguard)
RINGFORT_MESSAGE(ringfort::messages::Measure)
RINGFORT_MESSAGE(ringfort::messages::Poll)
