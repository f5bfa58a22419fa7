#include "ringfort/specs/restart.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <string>

namespace ringfort::specs {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

const BootTime kBoot{"boot", 1h};

BootTime at(Duration since) { return {"boot", kBoot.since_boot + since}; }

ExitRecord ended(int code, EndReason reason = EndReason::Exited) {
  ExitRecord exit;
  exit.code = code;
  exit.reason = reason;
  return exit;
}

RestartPolicy policy(RestartKind kind) {
  RestartPolicy policy;
  policy.kind = kind;
  return policy;
}

/// A container over its whole life by the pure functions alone.
struct Life {
  explicit Life(RestartPolicy policy, RestartRules rules = {}) : policy(policy), rules(rules) {}

  RestartDecision end(const ExitRecord& exit, Duration ran, double dice = 0) {
    now.since_boot += ran;
    const auto decision = after_end(policy, rules, history, exit, ran, dice);
    history = decided(history, rules, decision, exit, ran, now, WallTime{});
    if (const auto* again = std::get_if<Restart>(&decision)) {
      now.since_boot += again->delay;
      history = started_again(history, rules, now);
    }
    return decision;
  }

  RestartPolicy policy;
  RestartRules rules;
  BootTime now = kBoot;
  RestartHistory history = started_by_hand(kBoot);
};

TEST(RestartSchedule, DoublesTheDelayUpToItsCap) {
  RestartRules rules;
  rules.start_limit = 1000;
  Life life(policy(RestartKind::Always), rules);
  for (const Duration wanted :
       {Duration{100ms}, Duration{200ms}, Duration{400ms}, Duration{800ms}, Duration{1600ms},
        Duration{3200ms}, Duration{6400ms}, Duration{12800ms}, Duration{25600ms}, Duration{51200ms},
        Duration{60s}, Duration{60s}})
    EXPECT_EQ(life.end(ended(1), 0s), RestartDecision{Restart{wanted}});
}

TEST(RestartSchedule, BeginsAnewAfterAStableRun) {
  Life life(policy(RestartKind::Always));
  for (int i = 0; i < 4; ++i) life.end(ended(1), 1s);
  EXPECT_EQ(life.end(ended(1), 10s), RestartDecision{Restart{100ms}});
  EXPECT_EQ(life.end(ended(1), 9999ms), RestartDecision{Restart{200ms}});
}

TEST(RestartSchedule, GivesUpWhenStartedTooOften) {
  Life life(policy(RestartKind::Always));
  for (int i = 0; i < 9; ++i)
    EXPECT_TRUE(std::holds_alternative<Restart>(life.end(ended(0), 0s))) << i;
  const auto last = life.end(ended(0), 0s);
  ASSERT_TRUE(std::holds_alternative<GiveUp>(last));
  EXPECT_THAT(std::get<GiveUp>(last).reason, HasSubstr("10 times within 5m"));
  EXPECT_EQ(life.history.gave_up, std::get<GiveUp>(last).reason);
}

TEST(RestartSchedule, NeverGivesUpOnWhatRunsLongEnough) {
  Life life(policy(RestartKind::Always));
  for (int i = 0; i < 100; ++i)
    EXPECT_TRUE(std::holds_alternative<Restart>(life.end(ended(1), 40s))) << i;
}

TEST(RestartSchedule, TakesTheDelayOfThePolicy) {
  auto patient = policy(RestartKind::Always);
  patient.delay = 3s;
  Life life(patient);
  EXPECT_EQ(life.end(ended(1), 0s), RestartDecision{Restart{3s}});
  EXPECT_EQ(life.end(ended(1), 0s), RestartDecision{Restart{6s}});
  patient.delay = 2min;
  EXPECT_EQ(Life(patient).end(ended(1), 0s), RestartDecision{Restart{2min}});
}

TEST(RestartSchedule, KnowsWhatAFailureIs) {
  Life life(policy(RestartKind::OnFailure));
  EXPECT_EQ(life.end(ended(0), 0s), RestartDecision{Stay{}});
  for (const auto& failure : {ended(1), ended(137, EndReason::Oom), ended(124, EndReason::Timeout),
                              ended(255, EndReason::Lost), ended(139, EndReason::Signaled)})
    EXPECT_TRUE(std::holds_alternative<Restart>(life.end(failure, 0s))) << failure.code;
}

TEST(RestartSchedule, StopsAtTheMostAttemptsOfThePolicy) {
  auto twice = policy(RestartKind::OnFailure);
  twice.max_attempts = 2;
  Life life(twice);
  EXPECT_TRUE(std::holds_alternative<Restart>(life.end(ended(1), 20s)));
  EXPECT_TRUE(std::holds_alternative<Restart>(life.end(ended(1), 20s)));
  EXPECT_TRUE(std::holds_alternative<GiveUp>(life.end(ended(1), 20s)));
}

TEST(RestartSchedule, TriesWhatCannotBeExecutedThreeTimesMore) {
  Life life(policy(RestartKind::Always));
  const auto refused = ended(127, EndReason::StartFailed);
  for (int i = 0; i < 3; ++i)
    EXPECT_TRUE(std::holds_alternative<Restart>(life.end(refused, 0s))) << i;
  const auto last = life.end(refused, 0s);
  ASSERT_TRUE(std::holds_alternative<GiveUp>(last));
  EXPECT_THAT(std::get<GiveUp>(last).reason, HasSubstr("could not be started 4 times"));
}

TEST(RestartSchedule, DoesNothingAfterAStopByHandAndWithoutAPolicy) {
  for (const auto kind : {RestartKind::Always, RestartKind::UnlessStopped}) {
    Life life(policy(kind));
    life.history.stopped_by_user = true;
    EXPECT_EQ(life.end(ended(1), 0s), RestartDecision{Stay{}});
  }
  EXPECT_EQ(Life(policy(RestartKind::No)).end(ended(1), 0s), RestartDecision{Stay{}});
}

TEST(RestartSchedule, GoesOnInANewSupervisor) {
  const auto always = policy(RestartKind::Always);
  auto history = started_by_hand(kBoot);
  EXPECT_EQ(after_takeover(always, history, true, at(1s)), Resumption::Judge);
  EXPECT_EQ(after_takeover(always, history, false, at(1s)), Resumption::Stay);
  EXPECT_EQ(after_takeover(policy(RestartKind::No), history, true, at(1s)), Resumption::Stay);
  history.next_start = kBoot.since_boot + 5s;
  EXPECT_EQ(after_takeover(always, history, true, at(1s)), Resumption::Wait);
  EXPECT_EQ(time_to_start(history, at(1s)), 4s);
  EXPECT_EQ(time_to_start(history, at(9s)), 0s);
  history.gave_up = "why";
  EXPECT_EQ(after_takeover(always, history, true, at(1s)), Resumption::Stay);
}

TEST(RestartSchedule, KeepsAStopByHandAcrossSupervisorsAndAlwaysForgetsItAtBoot) {
  auto stopped = started_by_hand(kBoot);
  stopped.stopped_by_user = true;
  const BootTime other{"other", 5s};
  for (const auto kind : {RestartKind::Always, RestartKind::UnlessStopped, RestartKind::OnFailure})
    EXPECT_EQ(after_takeover(policy(kind), stopped, true, at(1s)), Resumption::Stay);
  EXPECT_EQ(after_takeover(policy(RestartKind::Always), stopped, true, other),
            Resumption::StartNow);
  EXPECT_EQ(after_takeover(policy(RestartKind::UnlessStopped), stopped, true, other),
            Resumption::Stay);
  stopped.stopped_by_user = false;
  EXPECT_EQ(after_takeover(policy(RestartKind::UnlessStopped), stopped, true, other),
            Resumption::StartNow);
  EXPECT_EQ(after_takeover(policy(RestartKind::OnFailure), stopped, true, other),
            Resumption::Judge);
}

TEST(RestartSchedule, ForgetsTheStartsOfAnotherBoot) {
  Life life(policy(RestartKind::Always));
  for (int i = 0; i < 5; ++i) life.end(ended(1), 0s);
  const auto after = started_again(life.history, life.rules, {"other", 3s});
  EXPECT_EQ(after.boot_id, "other");
  EXPECT_EQ(after.starts, std::vector<Duration>{3s});
}

TEST(RestartPolicyFlag, ReadsEveryPolicy) {
  EXPECT_EQ(parse_restart_policy("no")->kind, RestartKind::No);
  EXPECT_EQ(parse_restart_policy("always")->kind, RestartKind::Always);
  EXPECT_EQ(parse_restart_policy("unless-stopped")->kind, RestartKind::UnlessStopped);
  EXPECT_EQ(parse_restart_policy("unless_stopped")->kind, RestartKind::UnlessStopped);
  EXPECT_EQ(parse_restart_policy("on_failure")->max_attempts, std::nullopt);
  EXPECT_EQ(parse_restart_policy("on-failure:3")->max_attempts, 3U);
  for (const char* bad : {"", "sometimes", "always:3", "on_failure:", "on_failure:x",
                          "on_failure:-1", "on_failure:99999999999", "on_failure:3 "})
    EXPECT_FALSE(parse_restart_policy(bad)) << bad;
}

RC_GTEST_PROP(RestartSchedule, StaysWithinItsBounds, ()) {
  RestartPolicy some;
  some.kind = static_cast<RestartKind>(*rc::gen::inRange(0, 4));
  RestartRules rules;
  rules.start_limit = *rc::gen::inRange(1U, 20U);
  rules.window = Duration{*rc::gen::inRange<std::int64_t>(1, 600'000'000)};
  Life life(some, rules);
  std::vector<Duration> starts = life.history.starts;
  std::uint32_t refused = 0;
  for (int i = 0; i < 100; ++i) {
    const bool starts_not = *rc::gen::inRange(0, 8) == 0;
    const auto exit =
        starts_not ? ended(127, EndReason::StartFailed) : ended(*rc::gen::inRange(0, 3));
    refused = starts_not ? refused + 1 : 0;
    const Duration ran{starts_not ? 0 : *rc::gen::inRange<std::int64_t>(0, 30'000'000)};
    const auto before = life.now.since_boot;
    const double dice = *rc::gen::inRange(-100, 101) / 100.0;
    const auto decision = life.end(exit, ran, dice);
    const auto* again = std::get_if<Restart>(&decision);
    if (again == nullptr) {
      RC_ASSERT(some.kind == RestartKind::No || std::holds_alternative<GiveUp>(decision) ||
                (some.kind == RestartKind::OnFailure && exit.code == 0));
      return;
    }
    RC_ASSERT(again->delay >= 90ms);
    RC_ASSERT(again->delay <= 66s);
    RC_ASSERT(life.now.since_boot == before + ran + again->delay);
    RC_ASSERT(refused <= rules.exec_retries);
    starts.push_back(life.now.since_boot);
    RC_ASSERT(life.history.restarts == starts.size() - 1);
    RC_ASSERT(life.history.starts.size() <= rules.start_limit);
    // The end that led to this start had fewer than the limit's starts within the window.
    if (starts.size() > rules.start_limit) {
      const auto oldest = starts[starts.size() - 1 - rules.start_limit];
      RC_ASSERT(before + ran - oldest >= rules.window);
    }
  }
}

}  // namespace
}  // namespace ringfort::specs
