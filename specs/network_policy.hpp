// Two documents beside the deployment: who may reach which service, and a registry's credentials.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace ringfort::specs {

enum class MemberKind { User, Group, Node, Cidr };
enum class AccessAction { Allow, Deny };

struct NetworkMember {
  std::string name;
  MemberKind kind = MemberKind::User;
  bool operator==(const NetworkMember&) const = default;
};

struct AccessRule {
  std::string service = "*";
  std::string deployment = "*";
  std::optional<std::vector<std::uint16_t>> ports;  ///< absent = all
  AccessAction action = AccessAction::Allow;
  bool operator==(const AccessRule&) const = default;
};

/// No network that matches = allowed; deny wins; a member without a matching rule = denied.
struct NetworkPolicy {
  std::string name;
  std::optional<std::string> description;
  std::vector<std::string> cidrs;
  std::vector<NetworkMember> members;
  std::vector<AccessRule> access_rules;
  bool operator==(const NetworkPolicy&) const = default;
};

enum class RegistryAuthType { Basic, Token };

struct RegistryAuth {
  std::string username;
  std::string password;
  RegistryAuthType auth_type = RegistryAuthType::Basic;
  bool operator==(const RegistryAuth&) const = default;
};

}  // namespace ringfort::specs
