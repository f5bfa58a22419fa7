// Who takes part in a bench and how each lives: ringfort, the bare spawn, and the peers that this
// machine has.
#pragma once

#include "ringfort/cli/bench/lives.hpp"
#include "ringfort/cli/bench/peers.hpp"
#include "ringfort/cli/bench/results.hpp"
#include "ringfort/cli/bench/workplace.hpp"
#include "ringfort/platform/fd.hpp"

#include <functional>
#include <optional>

namespace ringfort::cli {

/// Which peers: those that are found, or just these.
struct WantedPeers {
  bool is_auto = true;
  std::vector<std::string> names;
};
/// "auto", "none" or names with commas between them.
Result<WantedPeers> parse_peers(std::string_view text);

/// A program is started as often as this at once at most, unless it is asked for by name.
inline constexpr std::size_t kPeerInFlight = 64;

struct Contender {
  Entrant entrant;
  std::size_t most_in_flight = SIZE_MAX;
  /// With a stamp it is the stamping program that lives.
  std::function<Figures(const Load&, Stamp)> live;
};

class Contest {
 public:
  Contest(const Workplace& place, Runtime& runtime, Level level);
  Contest(const Contest&) = delete;
  Contest& operator=(const Contest&) = delete;
  ~Contest();  ///< what peers were prepared with is cleaned up

  Status open(const WantedPeers& wanted);
  const std::vector<Contender>& contenders() const { return contenders_; }

 private:
  void add_bare();
  void add_ringfort(const char* name, Durability durability, const std::string& calls);
  void add_command();
  /// Tries it once; a refusal is part of the result.
  Status add_peer(const Peer& peer, const std::string& path, bool is_named);
  void add_program(Contender contender,
                   std::function<Words(const std::string& payload, const std::string& id)> life);
  HostProgram host_program(Words argv) const;

  const Workplace& place_;
  Runtime& runtime_;
  Level level_;
  platform::Fd null_;
  std::vector<Contender> contenders_;
  std::vector<std::vector<Words>> clean_up_;
};

/// A service that runs one of the payloads, from the image of its name.
std::shared_ptr<const specs::Service> payload_service(const std::string& payload,
                                                      const Words& arguments = {});

}  // namespace ringfort::cli
