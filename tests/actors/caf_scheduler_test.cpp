// Who runs where, and who must not be kept from it.
#include "ringfort/messages/caf_scheduler.hpp"

#include "ringfort/actors/listener.hpp"
#include "ringfort/messages/ask.hpp"
#include "ringfort/messages/configure.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

namespace ringfort::messages {
namespace {

using namespace std::chrono_literals;

struct Knock {};
struct Pass {
  int left = 0;
};

}  // namespace
}  // namespace ringfort::messages

RINGFORT_MESSAGE(ringfort::messages::Knock)
RINGFORT_MESSAGE(ringfort::messages::Pass)

namespace ringfort::messages {
namespace {

using Door = Actor<Result<int>(Knock)>;
using Bell = Actor<void(Knock)>;
using Player = Actor<void(Pass)>;

struct System {
  explicit System(std::size_t threads) {
    configure(config, threads);
    system.emplace(config);
    system->await_actors_before_shutdown(false);
  }
  caf::actor_system_config config;
  std::optional<caf::actor_system> system;
};

/// Sets its promise when it is rung.
Bell ring(caf::actor_system& system, std::promise<std::thread::id>& rung) {
  return system.spawn([&rung]() -> Bell::behavior_type {
    return {[&rung](Knock) { rung.set_value(std::this_thread::get_id()); }};
  });
}

/// Answers 1.
Door door(caf::actor_system& system) {
  return system.spawn(
      []() -> Door::behavior_type { return {[](Knock) { return Result<int>{1}; }}; });
}

/// Two that pass the ball to each other, for ever when `left` never comes to zero.
struct Match {
  explicit Match(caf::actor_system& system) {
    auto other = std::make_shared<caf::weak_actor_ptr>();
    const auto play = [other](Player::pointer self) -> Player::behavior_type {
      return {[self, other](Pass ball) {
        if (ball.left == 0) return;
        const auto next = caf::actor_cast<Player>(self->current_sender());
        self->send(next ? next : caf::actor_cast<Player>(*other), Pass{ball.left - 1});
      }};
    };
    first = system.spawn(play);
    second = system.spawn(play);
    *other = weak(second);
  }
  Player first, second;
};

constexpr int kForALongTime = 1'000'000'000;

TEST(CafScheduler, WhatIsWokenRidesOnTheSameThread) {
  System own(4);
  constexpr int kRounds = 100;
  int rode = 0;
  for (int round = 0; round < kRounds; ++round) {
    std::promise<std::thread::id> rung;
    std::promise<std::thread::id> rang;
    const auto bell = ring(*own.system, rung);
    const auto waker = own.system->spawn([&rang, bell]() -> Bell::behavior_type {
      return {[&rang, bell](Knock) {
        post(bell, Knock{});
        rang.set_value(std::this_thread::get_id());
      }};
    });
    // Both have begun and wait.
    (void)ask<Result<int>>(*own.system, door(*own.system), 30s, Knock{});
    post(waker, Knock{});
    rode += rung.get_future().get() == rang.get_future().get() ? 1 : 0;
  }
  // A thread may still be busy with the beginning of the bell.
  EXPECT_GT(rode, kRounds / 2);
}

TEST(CafScheduler, WhatRidesWithSomebodyWhoBlocksRunsElsewhere) {
  System own(2);
  std::promise<std::thread::id> before, during;
  std::promise<bool> both;
  const auto first = ring(*own.system, before);
  const auto second = ring(*own.system, during);
  const auto blocker = own.system->spawn([&, first, second]() -> Bell::behavior_type {
    return {[&, first, second](Knock) {
      post(first, Knock{});
      const Blocking others_go_on;
      auto rung = before.get_future();
      const bool first_ran = rung.wait_for(30s) == std::future_status::ready;
      post(second, Knock{});
      auto rung_too = during.get_future();
      both.set_value(first_ran && rung_too.wait_for(30s) == std::future_status::ready);
    }};
  });

  post(blocker, Knock{});

  EXPECT_TRUE(both.get_future().get());
}

TEST(CafScheduler, AListenersOwnCodeKeepsNobodyWaiting) {
  std::promise<void> began, enough;
  std::promise<std::thread::id> rung;
  System own(2);
  const auto listener =
      actors::spawn_listener(*own.system, [&](const ContainerId& id, const ExitRecord&) {
        if (id.service == "first") return began.set_value();
        (void)enough.get_future().wait_for(30s);
      });
  const auto bell = ring(*own.system, rung);
  const auto teller = own.system->spawn([listener, bell]() -> Bell::behavior_type {
    return {[listener, bell](Knock) {
      post(listener, ContainerExited{{"second", 1}, {}, 1});
      post(bell, Knock{});
    }};
  });
  // All have begun and wait.
  post(listener, ContainerExited{{"first", 1}, {}, 1});
  began.get_future().wait();
  (void)ask<Result<int>>(*own.system, door(*own.system), 30s, Knock{});

  post(teller, Knock{});

  EXPECT_EQ(rung.get_future().wait_for(10s), std::future_status::ready);
  enough.set_value();
}

TEST(CafScheduler, TwoThatTalkToEachOtherKeepTheOnlyThreadFromNobody) {
  System own(1);
  post(Match(*own.system).first, Pass{kForALongTime});

  EXPECT_EQ(ask<Result<int>>(*own.system, door(*own.system), 30s, Knock{}), 1);
}

TEST(CafScheduler, ASystemEndsThoughItsActorsStillTalk) {
  for (int round = 0; round < 20; ++round) {
    System own(2);
    for (int i = 0; i < 8; ++i) post(Match(*own.system).first, Pass{kForALongTime});
    EXPECT_EQ(ask<Result<int>>(*own.system, door(*own.system), 30s, Knock{}), 1);
  }
}

/// A container that has handed its calls over ends with the last message that it gets.
TEST(CafScheduler, WhatWasSentBeforeTheEndIsStillHeard) {
  constexpr int kRounds = 300;
  constexpr int kMessages = 100;  // more than an actor takes at once
  std::atomic<int> heard = 0;
  for (int round = 0; round < kRounds; ++round) {
    System own(2);
    const auto listener = own.system->spawn([&heard]() -> Player::behavior_type {
      return {[&heard](Pass ball) { heard += ball.left == 0 ? 1 : 0; }};
    });
    const auto teller = own.system->spawn([listener]() -> Door::behavior_type {
      return {[listener](Knock) {
        for (int left = kMessages - 1; left >= 0; --left) post(listener, Pass{left});
        return Result<int>{1};
      }};
    });
    ASSERT_EQ(ask<Result<int>>(*own.system, teller, 30s, Knock{}), 1);
  }
  EXPECT_EQ(heard, kRounds);
}

TEST(CafScheduler, NoMessageIsLostBetweenThreadsThatFallAsleepAndThoseThatWakeThem) {
  System own(3);
  const auto answerer = door(*own.system);
  std::vector<std::jthread> threads;
  std::atomic<int> answered = 0;
  for (int thread = 0; thread < 6; ++thread)
    threads.emplace_back([&] {
      for (int i = 0; i < 500; ++i)
        if (ask<Result<int>>(*own.system, answerer, 30s, Knock{}) == 1) ++answered;
    });
  threads.clear();
  EXPECT_EQ(answered, 3000);
}

}  // namespace
}  // namespace ringfort::messages
