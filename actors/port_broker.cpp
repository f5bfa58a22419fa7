#include "ringfort/actors/port_broker.hpp"

#include "ringfort/messages/caf_scheduler.hpp"

#include <functional>
#include <string>
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
      : range_(range), seams_(std::move(seams)), cursor_(range.first) {
    // Each runtime at another place: containers that sleep hold their ports only against those of
    // their own data directory, and commands would all walk past the same ones.
    const unsigned count = range_.last >= range_.first ? range_.last - range_.first + 1U : 1U;
    cursor_ +=
        static_cast<std::uint16_t>(std::hash<std::string>{}(seams_.files->owner_nonce()) % count);
  }

  Handle::behavior_type make_behavior() {
    return {
        [this](const ClaimPort& claim) { return on_claim(claim.recorded); },
        [this](const ReleasePort& release) { on_release(release); },
    };
  }

 private:
  Result<Claim> on_claim(bool recorded) {
    const Blocking others_go_on;  // a full range is looked through, and then every record
    auto held = claim_free();
    if (!held && held.error().kind == ErrorKind::Conflict && seams_.forget_stray_ports())
      held = claim_free();
    if (!held) return fail(std::move(held.error()));
    if (recorded)
      if (auto noted = table().set(held->port, true); !noted) return fail(noted.error());
    auto claim = std::make_shared<const platform::HeldPort>(std::move(*held));
    claims_[claim->port] = claim;
    return claim;
  }

  /// One that neither a process holds nor a container that sleeps has.
  Result<platform::HeldPort> claim_free() {
    const unsigned count = range_.last - range_.first + 1U;
    for (unsigned tried = 0; tried < count; ++tried) {
      auto held = seams_.claim_port(range_, cursor_);
      if (!held || !table().has(held->port)) return held;
    }
    return fail(ErrorKind::Conflict, "every port of the range belongs to a container",
                "remove some (ringfort prune), or give another range with --port-range");
  }

  void on_release(const ReleasePort& release) {
    // A byte that stays costs one port until the range is used up; then it is found.
    if (release.removed) (void)table().set(release.port, false);
    claims_.erase(release.port);
  }

  platform::PortTable& table() { return seams_.files->ports(); }

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
