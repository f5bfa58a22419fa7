// A container that another process left on disk, as this runtime finds it.
#pragma once

#include "ringfort/actors/site.hpp"
#include "ringfort/messages/container.hpp"
#include "ringfort/platform/shim_traces.hpp"
#include "ringfort/specs/restart.hpp"

#include <memory>
#include <optional>
#include <string>

namespace ringfort::actors {

/// What the disk says of a container, as far as others may change it.
struct Sighting {
  std::string record;
  platform::ShimTraces traces;
  bool has_live_owner = false;  ///< another runtime
  bool is_whole = false;        ///< not one whose removal was cut short
};

struct Recovered {
  std::shared_ptr<const specs::Service> service;
  RunOptions options;
  std::optional<std::uint32_t> uid;
  std::optional<std::uint16_t> port;
  std::shared_ptr<const Site> site;
  platform::Found found = platform::Found::NeverStarted;
  std::optional<ExitRecord> exit;  ///< of Ended and Lost
  std::optional<messages::Began> began;
  specs::RestartHistory restarts;
  Sighting seen;
  bool has_live_owner = false;  ///< another runtime: it may be asked, not taken
  bool leaving = false;         ///< its removal was begun, and its owner is dead
};

/// Reads record and traces and draws the plan anew, at the level that the record has. Blocks.
/// Errors: NotFound without a record, Conflict while another runtime makes or removes it, Internal
/// or Unsupported for a record that can't be used.
Result<std::shared_ptr<const Recovered>> recover_site(const ContainerId& id,
                                                      const Settings& settings, const Seams& seams);

/// Is the container on disk still what this runtime has found, and does the run still live that
/// lived when it was found? `found` as it was recovered. Blocks.
Result<bool> is_as_known(const ContainerId& id, const Recovered& found, const Seams& seams);

/// Gives back the ports that are noted as some container's and are none's: of processes that were
/// killed between the two. Reads all records. Blocks.
bool forget_stray_ports(platform::ContainerFiles& files);

/// The same as recover_site, and the record on disk says from now on that it is ours and has this
/// port. Error: Conflict when its owner lives.
Result<std::shared_ptr<const Recovered>> take_over_site(const ContainerId& id,
                                                        std::optional<std::uint16_t> port,
                                                        const Settings& settings,
                                                        const Seams& seams);

/// The record says from now on what `history` says. Errors: Conflict when the container is not ours
/// any more or is to be removed; Io.
Status keep_restarts(const ContainerId& id, const specs::RestartHistory& history,
                     const Seams& seams);

}  // namespace ringfort::actors
