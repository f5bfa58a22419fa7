// When a container that has ended is started again: the policy as a function of what happened.
// Pure.
#pragma once

#include "ringfort/specs/lifecycle.hpp"
#include "ringfort/specs/result.hpp"
#include "ringfort/specs/status.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace ringfort::specs {

/// The numbers of the schedule. A policy's own `delay` takes the place of `first_delay`.
struct RestartRules {
  Duration first_delay = std::chrono::milliseconds(100);  ///< doubled at each attempt
  Duration longest_delay = std::chrono::seconds(60);
  double jitter = 0.1;                         ///< a delay is off by this share at most
  Duration stable = std::chrono::seconds(10);  ///< who ran so long begins with the first delay
  std::uint32_t start_limit = 10;              ///< so many starts
  Duration window = std::chrono::minutes(5);   ///< within this time, and the policy gives up
  std::uint32_t exec_retries = 3;              ///< of a program that can't be executed
};

/// A moment that survives a process, but not the machine: time since boot, suspend included.
struct BootTime {
  std::string boot_id;
  Duration since_boot{};
};

/// What is remembered of one container; part of its record. Times are since the boot `boot_id`.
struct RestartHistory {
  std::string boot_id;
  std::uint32_t restarts = 0;       ///< by the policy, since the last start by hand
  std::uint32_t attempts = 0;       ///< of those, in a row without a stable run
  std::uint32_t exec_failures = 0;  ///< in a row
  std::vector<Duration> starts;     ///< within the window, oldest first
  std::optional<Duration> next_start;
  std::optional<WallTime> next_start_wall;  ///< for people
  bool stopped_by_user = false;
  std::string gave_up;  ///< why the policy did; empty = it did not

  bool operator==(const RestartHistory&) const = default;
};

struct Stay {
  bool operator==(const Stay&) const = default;
};
struct GiveUp {
  std::string reason;  ///< "ended 10 times within 5m"
  bool operator==(const GiveUp&) const = default;
};
struct Restart {
  Duration delay{};
  bool operator==(const Restart&) const = default;
};
using RestartDecision = std::variant<Stay, GiveUp, Restart>;

/// What follows from an end. `ran` = how long the program lived; `dice` in [-1, 1] moves the delay
/// within the jitter.
RestartDecision after_end(const RestartPolicy& policy, const RestartRules& rules,
                          const RestartHistory& history, const ExitRecord& exit, Duration ran,
                          double dice);

/// A person started it: all counters begin anew.
RestartHistory started_by_hand(const BootTime& now);
/// The policy's start is about to be made.
RestartHistory started_again(RestartHistory history, const RestartRules& rules,
                             const BootTime& now);
/// `decision` was taken at `now`, after a run of that length.
RestartHistory decided(RestartHistory history, const RestartRules& rules,
                       const RestartDecision& decision, const ExitRecord& exit, Duration ran,
                       const BootTime& now, WallTime wall);

/// What a new supervisor does with a container that does not run. After another boot `always` and
/// `unless_stopped` start once more, `always` even what was stopped by hand.
enum class Resumption {
  Stay,
  Wait,   ///< it was waiting: go on until `next_start`
  Judge,  ///< its end has not been judged yet
  StartNow
};
Resumption after_takeover(const RestartPolicy& policy, const RestartHistory& history, bool has_run,
                          const BootTime& now);

/// How long from `now` until the start that `history` waits for; never below zero.
Duration time_to_start(const RestartHistory& history, const BootTime& now);

/// "on_failure:3" and the like. Error: InvalidSpec.
Result<RestartPolicy> parse_restart_policy(std::string_view text);

/// The policy of a service, as a value.
inline RestartPolicy policy_or_none(const std::optional<RestartPolicy>& policy) {
  return policy.value_or(RestartPolicy{});
}

}  // namespace ringfort::specs
