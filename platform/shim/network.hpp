// The network namespace of a container at level `network`.
#pragma once

namespace ringfort::shim {

/// Puts this process into a new network namespace that has a loopback, up, and nothing else.
/// Needs the host's /proc in view. 0 or -errno. network_namespaces(7).
long make_network();

}  // namespace ringfort::shim
