// The relay of one container at level `network`: accepts on the machine's loopback and connects
// inside. A process of its own, the zygote's child and outside of the container's PID namespace, so
// that the container neither sees nor signals it.
#pragma once

#include "ringfort/platform/shim/wire.hpp"

namespace ringfort::shim {

/// Each port on 127.0.0.1 and, where the machine has IPv6, on ::1.
inline constexpr int kMaxListeners = 2 * static_cast<int>(wire::kMaxRelayPorts);

/// From the shim, once. With it go the user namespace to enter, if any, and the listening sockets.
struct RelaySetup {
  std::uint32_t uid;
  std::uint32_t gid;
  std::uint32_t changes_ids;
  std::uint32_t has_user_namespace;
  std::uint32_t listener_count;
  std::uint16_t inside[kMaxListeners][2];  ///< as wire::RelayPort
};

/// The answer: with it goes the network namespace that the relay has made.
struct RelayReady {
  wire::Step step;  ///< None = ready
  std::int32_t error;
};

/// Waits for its setup on `link_fd`, then serves until that socket closes. Never returns.
[[noreturn]] void run_relay(int link_fd);

}  // namespace ringfort::shim
