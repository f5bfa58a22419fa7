// The document people write: services and what stands around them. Includes the whole schema.
#pragma once

#include "ringfort/specs/network_policy.hpp"
#include "ringfort/specs/service.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace ringfort::specs {

/// Backends that the proxy serves and nobody here runs.
struct External {
  std::vector<std::string> backends;
  std::vector<Endpoint> endpoints;
  std::optional<Health> health;
  bool operator==(const External&) const = default;
};

struct Tunnel {
  std::string from;
  std::string to;
  std::uint16_t local_port = 0;
  std::uint16_t remote_port = 0;
  Transport protocol = Transport::Tcp;
  Expose expose = Expose::Internal;
  bool operator==(const Tunnel&) const = default;
};

struct Api {
  bool enabled = true;
  std::string bind = "0.0.0.0:3669";
  std::optional<std::string> jwt_secret;
  bool swagger = true;
  bool operator==(const Api&) const = default;
};

struct Deployment {
  std::string version;     ///< must be `v1`
  std::string deployment;  ///< its name
  std::map<std::string, Service> services;
  std::map<std::string, External> externals;
  std::map<std::string, Tunnel> tunnels;
  Api api;
  bool operator==(const Deployment&) const = default;
};

}  // namespace ringfort::specs
