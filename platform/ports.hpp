// Claims on local TCP ports, with the kernel as the registry across runtimes.
#pragma once

#include "ringfort/platform/fd.hpp"

#include <cstdint>

namespace ringfort::platform {

/// First and last port handed out. The default lies outside the kernel's ephemeral range.
struct PortRange {
  std::uint16_t first = 20000;
  std::uint16_t last = 31999;
};

/// A bound, never listening TCP socket on every address, of both families where there is IPv6.
/// Bound without SO_REUSEADDR (so a second claim fails with EADDRINUSE anywhere on the machine),
/// which is set afterwards, so that the program's own bind + listen beside it works. tcp(7),
/// socket(7).
struct HeldPort {
  std::uint16_t port = 0;
  Fd socket;
};

/// Claims the next free port of `range`, starting the search at `cursor` (which is advanced).
/// Errors: Conflict when every port is taken, naming the range and --port-range.
Result<HeldPort> claim_port(PortRange range, std::uint16_t& cursor);

}  // namespace ringfort::platform
