// Small grammars of the schema's texts: names, paths, addresses. Pure predicates.
#pragma once

#include "ringfort/specs/result.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace ringfort::specs {

bool is_lower(char c);
bool is_digit(char c);
bool is_alphanumeric(char c);

/// `[A-Za-z_][A-Za-z0-9_]*`
bool is_env_name(std::string_view text);
/// 3 to 63 letters, digits or hyphens, the first no hyphen.
bool is_deployment_name(std::string_view text);
/// `[a-z0-9]([a-z0-9-]*[a-z0-9])?`, at most 63.
bool is_storage_name(std::string_view text);
/// `[a-z]([a-z0-9-]{0,28}[a-z0-9])?`
bool is_role(std::string_view text);
/// Labels of letters, digits and hyphens, joined by dots.
bool is_host_name(std::string_view text);
bool is_ip_address(std::string_view text);
/// HOST:PORT, where HOST is a name, an IPv4 address or an IPv6 address in brackets.
bool is_host_and_port(std::string_view text);
/// `http://` or `https://` and something after it.
bool is_http_url(std::string_view text);
/// "0-3,6"
bool is_cpu_set(std::string_view text);
/// A name or number, and the same for a group after a colon.
bool is_user(std::string_view text);
/// `NET_ADMIN`, `CAP_NET_ADMIN` or `ALL`.
bool is_capability(std::string_view text);
/// `SIGTERM`, `TERM` or a number from 1 to 64.
bool is_signal(std::string_view text);
/// "3000", "3000-3010", each also with /tcp or /udp.
bool is_port_range(std::string_view text);
/// A number of the range, in plain decimal.
std::optional<int> number_between(std::string_view text, int least, int most);

/// What is wrong with an absolute path that stays where it says; nothing if all is well.
std::optional<std::string> fault_of_path(std::string_view path);

enum class ReferenceKind { Literal, Environment, Secret };

/// `$E:VAR`, `$S:name`, `$S:@service/name`; everything else is a literal.
struct Reference {
  ReferenceKind kind = ReferenceKind::Literal;
  std::string service;  ///< whose secret; empty = the deployment's
  std::string name;
  bool operator==(const Reference&) const = default;
};

Result<Reference> parse_reference(std::string_view value);

}  // namespace ringfort::specs
