// How a service is reached and what it reaches.
#pragma once

#include "ringfort/specs/units.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace ringfort::specs {

enum class Protocol { Http, Https, Tcp, Udp, Websocket };
enum class Transport { Tcp, Udp };
enum class Expose { Public, Internal };

struct TcpConnectCheck {
  bool operator==(const TcpConnectCheck&) const = default;
};
struct UdpProbeCheck {
  std::string request;
  std::optional<std::string> expect;
  bool operator==(const UdpProbeCheck&) const = default;
};
using StreamCheck = std::variant<TcpConnectCheck, UdpProbeCheck>;

/// Options of a raw tcp or udp endpoint.
struct Stream {
  bool tls = false;
  bool proxy_protocol = false;
  std::optional<Duration> session_timeout;
  std::optional<StreamCheck> health_check;
  bool operator==(const Stream&) const = default;
};

struct TunnelAccess {
  bool enabled = false;
  std::optional<Duration> max_ttl;
  bool audit = false;
  bool operator==(const TunnelAccess&) const = default;
};

struct EndpointTunnel {
  bool enabled = false;
  std::optional<std::string> from;
  std::optional<std::string> to;
  std::uint16_t remote_port = 0;  ///< 0 = any
  std::optional<Expose> expose;
  std::optional<TunnelAccess> access;
  bool operator==(const EndpointTunnel&) const = default;
};

struct Endpoint {
  std::string name;
  Protocol protocol = Protocol::Tcp;
  std::uint16_t port = 0;                    ///< where callers come in
  std::optional<std::uint16_t> target_port;  ///< where the program listens; absent = `port`
  std::optional<std::string> path;
  std::optional<std::string> host;  ///< may begin with `*.`
  Expose expose = Expose::Internal;
  std::optional<Stream> stream;
  std::optional<std::string> target_role;
  std::optional<EndpointTunnel> tunnel;
  bool hold = true;  ///< ringfort's own: keep the port claimed until the program listens
  /// ringfort's own: the own port is listened on before the program starts and handed to it as
  /// descriptor 3. sd_listen_fds(3).
  bool socket_activation = false;
  bool operator==(const Endpoint&) const = default;

  std::uint16_t listen_port() const { return target_port.value_or(port); }
};

/// The endpoint whose socket the program is handed; null = none asks for it.
inline const Endpoint* activated_endpoint(const std::vector<Endpoint>& endpoints) {
  for (const auto& endpoint : endpoints)
    if (endpoint.socket_activation) return &endpoint;
  return nullptr;
}

struct PortMapping {
  std::optional<std::uint16_t> host_port;  ///< absent or 0 = any free one
  std::uint16_t container_port = 0;
  Transport protocol = Transport::Tcp;
  std::string host_ip = "0.0.0.0";
  bool operator==(const PortMapping&) const = default;
};

enum class NetworkModeKind { Default, Host, None, Bridge, Container };

/// Written `default`, `host`, `none`, `bridge`, `bridge:NAME` or `container:ID`.
struct NetworkMode {
  NetworkModeKind kind = NetworkModeKind::Default;
  std::string name;  ///< of the bridge or the container
  bool operator==(const NetworkMode&) const = default;
};

struct OverlayNetwork {
  bool enabled = true;
  bool encrypted = true;
  bool isolated = true;
  bool operator==(const OverlayNetwork&) const = default;
};

struct Overlays {
  OverlayNetwork service;
  OverlayNetwork global{true, true, false};
  bool operator==(const Overlays&) const = default;
};

enum class JoinMode { Open, Token, Closed };
enum class JoinScope { Service, Global };

struct Join {
  JoinMode mode = JoinMode::Token;
  JoinScope scope = JoinScope::Service;
  bool operator==(const Join&) const = default;
};

struct ServiceNetwork {
  Overlays overlays;
  Join join;
  bool operator==(const ServiceNetwork&) const = default;
};

enum class OverlayMode { Auto, Shared, Dedicated };

struct Overlay {
  OverlayMode mode = OverlayMode::Auto;
  std::optional<std::string> parent;
  bool operator==(const Overlay&) const = default;
};

enum class LocalhostReachability { Auto, Always, Never };

}  // namespace ringfort::specs
