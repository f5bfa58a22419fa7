// The rules for endpoints, ports and names of hosts. See checks.hpp.
#include "ringfort/specs/checks.hpp"
#include "ringfort/specs/grammar.hpp"
#include "ringfort/specs/names.hpp"

#include <set>

namespace ringfort::specs {
namespace {

bool is_raw(Protocol protocol) { return protocol == Protocol::Tcp || protocol == Protocol::Udp; }

/// As RFC 3986 allows it between host and query.
bool is_url_path(std::string_view text) {
  return text.find_first_not_of(
             "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~!$&'()*+,;=:@%/") ==
         std::string_view::npos;
}

void check_stream(Checks& checks, const std::string& path, const Endpoint& endpoint) {
  if (!endpoint.stream) return;
  checks.expect(is_raw(endpoint.protocol), path, "only tcp and udp endpoints have stream options",
                "remove it");
  const auto& check = endpoint.stream->health_check;
  if (!check) return;
  const bool is_udp_probe = std::holds_alternative<UdpProbeCheck>(*check);
  checks.expect(is_udp_probe == (endpoint.protocol == Protocol::Udp), path + ".health_check.type",
                "does not fit the protocol", "write tcp_connect for tcp, udp_probe for udp");
}

void check_endpoint_tunnel(Checks& checks, const std::string& path, const EndpointTunnel& tunnel) {
  if (!tunnel.access || !tunnel.access->max_ttl) return;
  checks.expect(*tunnel.access->max_ttl > Duration::zero(), path + ".access.max_ttl", "is 0",
                "write one such as 1h");
}

void check_ports(Checks& checks, const std::string& path, const Service& service) {
  std::set<std::pair<std::uint16_t, Transport>> taken;
  for (std::size_t i = 0; i < service.port_mappings.size(); ++i) {
    const auto& mapping = service.port_mappings[i];
    const auto here = element(path + ".port_mappings", i);
    checks.expect(mapping.container_port != 0, here + ".container_port", "is 0",
                  "write 1 to 65535");
    checks.expect(is_ip_address(mapping.host_ip), here + ".host_ip",
                  quoted(mapping.host_ip) + " is no address", "write one such as 127.0.0.1");
    const auto host_port = mapping.host_port.value_or(0);
    if (host_port == 0) continue;
    checks.expect(taken.emplace(host_port, mapping.protocol).second, here + ".host_port",
                  std::to_string(host_port) + " is given twice", "choose another");
  }
  for (std::size_t i = 0; i < service.expose.size(); ++i) {
    checks.expect(is_port_range(service.expose[i]), element(path + ".expose", i),
                  quoted(service.expose[i]) + " is no port", "write one such as 3000/tcp");
  }
}

void check_extra_host(Checks& checks, const std::string& path, const std::string& entry) {
  const auto colon = entry.find(':');
  const auto address = colon == std::string::npos ? "" : entry.substr(colon + 1);
  const bool is_right =
      is_host_name(entry.substr(0, colon)) && (address == "host-gateway" || is_ip_address(address));
  checks.expect(is_right, path, quoted(entry) + " is no entry for hosts",
                "write name:address or name:host-gateway");
}

}  // namespace

void check_endpoints(Checks& checks, const std::string& path,
                     const std::vector<Endpoint>& endpoints) {
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < endpoints.size(); ++i) {
    const auto& endpoint = endpoints[i];
    const auto here = element(path, i);
    checks.expect(check(ContainerId{endpoint.name, 1}).has_value(), here + ".name",
                  quoted(endpoint.name) + " is no name for an endpoint",
                  "begin with a letter or digit and go on with these, '-', '_' or '.'");
    checks.expect(names.insert(endpoint.name).second, here + ".name",
                  quoted(endpoint.name) + " is given twice", "choose another");
    checks.expect(endpoint.port != 0, here + ".port", "is 0", "write 1 to 65535");
    checks.expect(endpoint.target_port != 0, here + ".target_port", "is 0", "write 1 to 65535");
    checks.expect(!endpoint.path || endpoint.path->starts_with('/'), here + ".path",
                  "does not begin with /", "write one such as /api");
    checks.expect(!endpoint.path || is_url_path(*endpoint.path), here + ".path",
                  quoted(endpoint.path.value_or("")) + " has a character that no address has",
                  "write one such as /api, anything else as %XX");
    if (endpoint.host) {
      auto host = std::string_view{*endpoint.host};
      if (host.starts_with("*.")) host.remove_prefix(2);
      checks.expect(is_host_name(host), here + ".host", quoted(*endpoint.host) + " is no host",
                    "write a name such as example.org or *.example.org");
    }
    check_stream(checks, here + ".stream", endpoint);
    if (endpoint.socket_activation) {
      checks.expect(endpoint.protocol != Protocol::Udp, here + ".socket_activation",
                    "is for streams, and udp has none", "leave it out");
      checks.expect(&endpoint == activated_endpoint(endpoints), here + ".socket_activation",
                    "is given twice, and a container has one port of its own", "leave it out here");
    }
    if (endpoint.tunnel) check_endpoint_tunnel(checks, here + ".tunnel", *endpoint.tunnel);
  }
}

void check_network(Checks& checks, const std::string& path, const Service& service) {
  check_ports(checks, path, service);
  const auto& mode = service.network_mode;
  checks.expect(mode.name.empty() || check(ContainerId{mode.name, 1}), path + ".network_mode",
                quoted(mode.name) + " is no name", "write bridge:NAME or container:ID");
  checks.expect(mode.kind != NetworkModeKind::Container || !mode.name.empty(),
                path + ".network_mode", "does not say which container", "write container:ID");
  if (service.hostname) {
    checks.expect(is_host_name(*service.hostname), path + ".hostname",
                  quoted(*service.hostname) + " is no host name",
                  "write letters, digits, hyphens and dots");
  }
  for (std::size_t i = 0; i < service.dns.size(); ++i) {
    checks.expect(is_ip_address(service.dns[i]), element(path + ".dns", i),
                  quoted(service.dns[i]) + " is no address", "write one such as 9.9.9.9");
  }
  for (std::size_t i = 0; i < service.extra_hosts.size(); ++i) {
    check_extra_host(checks, element(path + ".extra_hosts", i), service.extra_hosts[i]);
  }
}

}  // namespace ringfort::specs
