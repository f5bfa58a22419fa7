// How a service begins, stays up, scales and ends.
#pragma once

#include "ringfort/specs/units.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace ringfort::specs {

struct FixedScale {
  std::uint32_t replicas = 1;
  bool operator==(const FixedScale&) const = default;
};

struct ScaleTargets {
  std::optional<std::uint32_t> cpu;     ///< percent
  std::optional<std::uint32_t> memory;  ///< percent
  std::optional<std::uint32_t> rps;     ///< requests per second and replica
  bool operator==(const ScaleTargets&) const = default;
};

struct AdaptiveScale {
  std::uint32_t min = 1;
  std::uint32_t max = 10;
  Duration cooldown = std::chrono::seconds{30};
  std::optional<ScaleTargets> targets;
  bool operator==(const AdaptiveScale&) const = default;
};

struct ManualScale {
  bool operator==(const ManualScale&) const = default;
};

/// `mode` names the kind in YAML. Adaptive 1..10 unless said otherwise, as in the seed.
using Scale = std::variant<AdaptiveScale, FixedScale, ManualScale>;

/// How many replicas to start with: `replicas`, `min`, or one.
inline std::uint32_t initial_replicas(const Scale& scale) {
  if (const auto* fixed = std::get_if<FixedScale>(&scale)) return fixed->replicas;
  if (const auto* adaptive = std::get_if<AdaptiveScale>(&scale)) return adaptive->min;
  return 1;
}

struct TcpCheck {
  std::uint16_t port = 0;  ///< 0 = the first endpoint's
  bool operator==(const TcpCheck&) const = default;
};
struct HttpCheck {
  std::string url;
  std::uint16_t expect_status = 200;
  bool operator==(const HttpCheck&) const = default;
};
struct CommandCheck {
  std::string command;
  bool operator==(const CommandCheck&) const = default;
};
using HealthCheck = std::variant<TcpCheck, HttpCheck, CommandCheck>;

struct Health {
  Duration start_grace = std::chrono::seconds{5};
  std::optional<Duration> interval;  ///< 10 s at use
  std::optional<Duration> timeout;   ///< 5 s at use
  std::uint32_t retries = 3;
  HealthCheck check;
  bool operator==(const Health&) const = default;
};

enum class DependsCondition { Started, Healthy, Ready };
enum class OnFailure { Fail, Warn, Continue };

struct Depends {
  std::string service;
  DependsCondition condition = DependsCondition::Healthy;
  Duration timeout = std::chrono::seconds{300};
  OnFailure on_timeout = OnFailure::Fail;
  bool operator==(const Depends&) const = default;
};

struct InitStep {
  std::string id;
  std::string uses;                         ///< `init.wait_tcp`, `init.run`, ...
  std::map<std::string, std::string> with;  ///< the action's arguments as written
  std::optional<std::uint32_t> retry;
  std::optional<Duration> timeout;  ///< 300 s at use
  OnFailure on_failure = OnFailure::Fail;
  bool operator==(const InitStep&) const = default;
};

struct Init {
  std::vector<InitStep> steps;
  bool operator==(const Init&) const = default;
};

enum class InitFailureAction { Fail, Restart, Backoff };
enum class PanicAction { Restart, Shutdown, Isolate };

struct OnInitFailure {
  InitFailureAction action = InitFailureAction::Fail;
  bool operator==(const OnInitFailure&) const = default;
};
struct OnPanic {
  PanicAction action = PanicAction::Restart;
  bool operator==(const OnPanic&) const = default;
};
struct Errors {
  OnInitFailure on_init_failure;
  OnPanic on_panic;
  bool operator==(const Errors&) const = default;
};

struct Lifecycle {
  bool delete_on_exit = false;
  bool operator==(const Lifecycle&) const = default;
};

enum class RestartKind { No, Always, UnlessStopped, OnFailure };

struct RestartPolicy {
  RestartKind kind = RestartKind::No;
  std::optional<std::uint32_t> max_attempts;
  std::optional<Duration> delay;
  bool operator==(const RestartPolicy&) const = default;
};

}  // namespace ringfort::specs
