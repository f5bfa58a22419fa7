#include "ringfort/actors/port_broker.hpp"

#include <unordered_map>

namespace ringfort::actors {

namespace {

using namespace messages;

class PortBroker {
 public:
  using Handle = PortBrokerHandle;
  static constexpr const char* name = "ringfort.port_broker";
  using Claim = std::shared_ptr<const platform::HeldPort>;

  PortBroker(Self<Handle>, platform::PortRange range, Seams seams)
      : range_(range), seams_(std::move(seams)), cursor_(range.first) {}

  Handle::behavior_type make_behavior() {
    return {
        [this](ClaimPort) { return on_claim(); },
        [this](const ReleasePort& release) { claims_.erase(release.port); },
    };
  }

 private:
  Result<Claim> on_claim() {
    auto held = seams_.claim_port(range_, cursor_);
    if (!held) return fail(std::move(held.error()));
    auto claim = std::make_shared<const platform::HeldPort>(std::move(*held));
    claims_[claim->port] = claim;
    return claim;
  }

  platform::PortRange range_;
  Seams seams_;
  std::uint16_t cursor_;
  std::unordered_map<std::uint16_t, Claim> claims_;
};

}  // namespace

PortBrokerHandle spawn_port_broker(caf::actor_system& system, platform::PortRange range,
                                   Seams seams) {
  return spawn_state<PortBroker>(system, range, std::move(seams));
}

}  // namespace ringfort::actors
