#include "ringfort/actors/watchdog.hpp"

#include "ringfort/actors/watchdog_schedule.hpp"
#include "runtime_test.hpp"

namespace ringfort::actors {
namespace {

using namespace messages;
using namespace std::chrono_literals;

constexpr Bytes kLimit{128ULL << 20};

TEST(WatchdogSchedule, LooksAsOftenAsTheTreeCouldGrow) {
  EXPECT_EQ(next_poll(0, Bytes{1ULL << 40}), kLongestPoll);
  EXPECT_EQ(next_poll(kLimit.count, kLimit), kShortestPoll);
  EXPECT_EQ(next_poll(kLimit.count * 2, kLimit), kShortestPoll);
  EXPECT_EQ(next_poll(kLimit.count - 1, kLimit), kShortestPoll);
  // 128 MiB at 0.8 GiB/s.
  EXPECT_NEAR(static_cast<double>(next_poll(0, kLimit).count()), 156250, 1);
}

TEST(WatchdogSchedule, NeverSleepsPastTheLimit) {
  for (std::uint64_t used = 0; used < kLimit.count; used += 1 << 20) {
    double wait = std::chrono::duration<double>(next_poll(used, kLimit)).count();
    double shortest = std::chrono::duration<double>(kShortestPoll).count();
    EXPECT_LE(static_cast<double>(used) + wait * kFastestGrowth,
              static_cast<double>(kLimit.count) + shortest * kFastestGrowth);
  }
}

struct WatchdogTest : fakes::RuntimeTest {
  void run_limited() {
    ASSERT_TRUE(create(limited(kLimit))->has_value());
    call<Result<Started>>(Start{});
    fake.spawner->begin(0);
    system.run();
  }
  std::vector<std::string>& calls() { return fake.spawner->last().calls; }
};

TEST_F(WatchdogTest, KillsATreeThatIsPastItsLimitAsOom) {
  run_limited();
  fake.tree->rss_bytes = kLimit.count + 1;
  *fake.pss = kLimit.count + 1;

  system.advance(200ms);

  EXPECT_EQ(calls(), (std::vector<std::string>{"freeze", "kill oom"}));
  end({true, 9, false}, {true, false, false});
  EXPECT_EQ(call<Result<ExitRecord>>(Wait{})->value().reason, EndReason::Oom);
}

TEST_F(WatchdogTest, LetsAPreforkServerLive) {
  run_limited();
  fake.tree->rss_bytes = kLimit.count * 4;  // each child counts the shared pages again
  *fake.pss = kLimit.count / 2;

  system.advance(2s);

  EXPECT_EQ(calls(), (std::vector<std::string>{"freeze", "thaw"}));  // stopped once, then trusted
  EXPECT_EQ(state(), State::Running);
}

TEST_F(WatchdogTest, StillCatchesATreeThatWasClearedOnce) {
  run_limited();
  fake.tree->rss_bytes = kLimit.count * 4;
  *fake.pss = kLimit.count / 2;
  system.advance(1s);

  *fake.pss = kLimit.count + 1;  // the children wrote to what they shared
  system.advance(300ms);

  EXPECT_EQ(calls().back(), "kill oom");
}

TEST_F(WatchdogTest, LeavesTreesInPeaceBelowTheLimit) {
  run_limited();

  system.advance(3s);

  EXPECT_TRUE(calls().empty());
  EXPECT_GT(*fake.looks, 10U);
  EXPECT_LT(*fake.looks, 40U);
}

TEST_F(WatchdogTest, LooksAtNobodyWhoHasNotRunAndAtOnceWhenHeHas) {
  run_limited();
  system.advance(1s);
  *fake.still = true;
  const auto looks = *fake.looks;
  fake.tree->rss_bytes = kLimit.count + 1;
  *fake.pss = kLimit.count + 1;

  system.advance(3s);
  EXPECT_EQ(*fake.looks, looks);

  *fake.still = false;
  system.advance(200ms);
  EXPECT_EQ(calls().back(), "kill oom");
}

TEST_F(WatchdogTest, ForgetsATreeThatHasEnded) {
  run_limited();
  end();
  auto looks = *fake.looks;

  system.advance(3s);

  EXPECT_LE(*fake.looks, looks + 1);
}

TEST_F(WatchdogTest, DoesNotTouchAPausedTree) {
  run_limited();
  call<Status>(Pause{});
  fake.tree->rss_bytes = kLimit.count * 4;

  system.advance(1s);
  EXPECT_EQ(calls(), std::vector<std::string>{"freeze"});
  call<Status>(Unpause{});
  *fake.pss = kLimit.count * 2;
  system.advance(300ms);

  EXPECT_EQ(calls().back(), "kill oom");
}

TEST_F(WatchdogTest, LooksAtManyTreesInOnePass) {
  for (id.replica = 1; id.replica <= 100; ++id.replica) {
    create(limited(kLimit));
    call<Result<Started>>(Start{});
    fake.spawner->begin(id.replica - 1);
    system.run();
  }
  *fake.looks = 0;

  system.advance(1s);

  EXPECT_LT(*fake.looks, 20U);
}

}  // namespace
}  // namespace ringfort::actors
