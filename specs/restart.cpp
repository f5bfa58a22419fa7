#include "ringfort/specs/restart.hpp"

#include "ringfort/specs/names.hpp"
#include "ringfort/specs/words.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <utility>

namespace ringfort::specs {
namespace {

constexpr std::uint32_t kMostDoublings = 40;  // 100 ms x 2^40 is past any cap

bool could_not_start(const ExitRecord& exit) { return exit.reason == EndReason::StartFailed; }

Duration plain_delay(const RestartPolicy& policy, const RestartRules& rules,
                     std::uint32_t attempts) {
  const double first = static_cast<double>(policy.delay.value_or(rules.first_delay).count());
  const double delay = std::ldexp(first, static_cast<int>(std::min(attempts, kMostDoublings)));
  // A person who writes a delay above the cap means it.
  const auto cap = std::max(rules.longest_delay, policy.delay.value_or(Duration{0}));
  return delay < static_cast<double>(cap.count()) ? Duration{static_cast<Duration::rep>(delay)}
                                                  : cap;
}

std::uint32_t attempts_after(const RestartHistory& history, const RestartRules& rules,
                             Duration ran) {
  return ran >= rules.stable ? 0 : history.attempts;
}

/// Starts of another boot say nothing about this one.
void enter_boot(RestartHistory& history, const BootTime& now) {
  if (history.boot_id == now.boot_id) return;
  history.boot_id = now.boot_id;
  history.starts.clear();
  history.next_start.reset();
  history.next_start_wall.reset();
}

void add_start(RestartHistory& history, const RestartRules& rules, const BootTime& now) {
  std::erase_if(history.starts,
                [&](Duration start) { return now.since_boot - start >= rules.window; });
  history.starts.push_back(now.since_boot);
  // No more are ever counted; a record must not grow without an end.
  if (history.starts.size() > rules.start_limit)
    history.starts.erase(history.starts.begin(),
                         history.starts.end() - static_cast<std::ptrdiff_t>(rules.start_limit));
}

bool applies(const RestartPolicy& policy, const ExitRecord& exit) {
  switch (policy.kind) {
    case RestartKind::No:
      return false;
    case RestartKind::Always:
    case RestartKind::UnlessStopped:
      return true;
    case RestartKind::OnFailure:
      return exit.code != 0 || exit.reason == EndReason::Oom;
  }
  return false;
}

}  // namespace

RestartDecision after_end(const RestartPolicy& policy, const RestartRules& rules,
                          const RestartHistory& history, const ExitRecord& exit, Duration ran,
                          double dice) {
  if (history.stopped_by_user || !applies(policy, exit)) return Stay{};
  if (could_not_start(exit) && history.exec_failures >= rules.exec_retries)
    return GiveUp{"could not be started " + std::to_string(history.exec_failures + 1) +
                  " times in a row"};
  if (policy.max_attempts && history.restarts >= *policy.max_attempts)
    return GiveUp{"ended again after " + std::to_string(history.restarts) +
                  " restarts, as many as its policy allows"};
  if (history.starts.size() >= rules.start_limit && rules.start_limit > 0) {
    // The newest of them is the start that has ended just now.
    const auto oldest = *(history.starts.end() - static_cast<std::ptrdiff_t>(rules.start_limit));
    if (history.starts.back() + std::max(ran, Duration{0}) - oldest < rules.window)
      return GiveUp{"was started " + std::to_string(rules.start_limit) + " times within " +
                    to_string(rules.window)};
  }
  const auto delay = plain_delay(policy, rules, attempts_after(history, rules, ran));
  const double moved =
      static_cast<double>(delay.count()) * (1.0 + rules.jitter * std::clamp(dice, -1.0, 1.0));
  return Restart{Duration{static_cast<Duration::rep>(moved)}};
}

RestartHistory started_by_hand(const BootTime& now) {
  RestartHistory history;
  history.boot_id = now.boot_id;
  history.starts = {now.since_boot};
  return history;
}

RestartHistory started_again(RestartHistory history, const RestartRules& rules,
                             const BootTime& now) {
  enter_boot(history, now);
  add_start(history, rules, now);
  ++history.restarts;
  history.next_start.reset();
  history.next_start_wall.reset();
  history.stopped_by_user = false;
  return history;
}

RestartHistory decided(RestartHistory history, const RestartRules& rules,
                       const RestartDecision& decision, const ExitRecord& exit, Duration ran,
                       const BootTime& now, WallTime wall) {
  enter_boot(history, now);
  history.exec_failures = could_not_start(exit) ? history.exec_failures + 1 : 0;
  if (const auto* again = std::get_if<Restart>(&decision)) {
    history.attempts = attempts_after(history, rules, ran) + 1;
    history.next_start = now.since_boot + again->delay;
    history.next_start_wall = wall + again->delay;
  } else if (const auto* given_up = std::get_if<GiveUp>(&decision)) {
    history.gave_up = given_up->reason;
  }
  return history;
}

Resumption after_takeover(const RestartPolicy& policy, const RestartHistory& history, bool has_run,
                          const BootTime& now) {
  if (policy.kind == RestartKind::No || !has_run) return Resumption::Stay;
  const bool rebooted = !history.boot_id.empty() && history.boot_id != now.boot_id;
  const bool is_constant =
      policy.kind == RestartKind::Always || policy.kind == RestartKind::UnlessStopped;
  if (rebooted && is_constant)
    return history.stopped_by_user && policy.kind == RestartKind::UnlessStopped
               ? Resumption::Stay
               : Resumption::StartNow;
  if (history.stopped_by_user || !history.gave_up.empty()) return Resumption::Stay;
  if (history.next_start) return rebooted ? Resumption::StartNow : Resumption::Wait;
  return Resumption::Judge;
}

Duration time_to_start(const RestartHistory& history, const BootTime& now) {
  if (!history.next_start || history.boot_id != now.boot_id) return Duration{0};
  return std::max(Duration{0}, *history.next_start - now.since_boot);
}

Result<RestartPolicy> parse_restart_policy(std::string_view text) {
  const auto wrong = [&] {
    return fail(ErrorKind::InvalidSpec, "\"" + printable(text) + "\" is no restart policy",
                "write no, on_failure, on_failure:MAX, always or unless_stopped");
  };
  const auto colon = text.find(':');
  std::string kind{text.substr(0, colon)};
  std::ranges::replace(kind, '-', '_');
  const auto found = std::ranges::find(words<RestartKind>, kind);
  if (found == words<RestartKind>.end()) return wrong();
  RestartPolicy policy;
  policy.kind = static_cast<RestartKind>(found - words<RestartKind>.begin());
  if (colon == text.npos) return policy;
  if (policy.kind != RestartKind::OnFailure) return wrong();
  const auto digits = text.substr(colon + 1);
  std::uint32_t most = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), most);
  if (error != std::errc{} || end != digits.data() + digits.size()) return wrong();
  policy.max_attempts = most;
  return policy;
}

}  // namespace ringfort::specs
