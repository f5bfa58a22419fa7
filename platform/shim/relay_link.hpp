// The shim's side of its relay: makes the listening sockets, hands them over, takes them back.
#pragma once

#include "ringfort/platform/shim/plan.hpp"
#include "ringfort/platform/shim/relay.hpp"

namespace ringfort::shim {

class RelayLink {
 public:
  /// Sets the relay at the other end of `link_fd` up; afterwards callers are led in. 0 or -errno
  /// with `step` and `detail`.
  long open(const Plan& plan, int link_fd, wire::Step& step, std::uint32_t& detail);
  /// The network namespace, for the first child; take_network() gives it once.
  int take_network();
  /// Readable when the relay has gone.
  int death_fd() const { return link_fd_; }
  /// Callers are refused from now on, and the ports are free for the next life.
  void close();

 private:
  long listen_on(const wire::RelayPort& port, RelaySetup& setup);
  long hand_over(const RelaySetup& setup, bool has_user_namespace, wire::Step& step);

  int link_fd_ = -1;
  int network_fd_ = -1;
  int listeners_[kMaxListeners];
  int count_ = 0;
};

}  // namespace ringfort::shim
