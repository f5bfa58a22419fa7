#include "ringfort/actors/container_machine.hpp"

#include "ringfort/support/golden.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace ringfort::actors {
namespace {

bool has(const Effects& effects, Effect wanted) {
  return std::ranges::find(effects, wanted) != effects.end();
}

Machine in(State state) {
  bool alive = state == State::Running || state == State::Paused || state == State::Stopping ||
               state == State::Stuck;
  return {state, 1, 0, alive, false, false, false};
}

TEST(ContainerMachine, HasAtMostOneRowForAStateAndAnEvent) {
  std::set<std::pair<State, Event>> seen;
  for (const Row& row : rows())
    EXPECT_TRUE(seen.emplace(row.from, row.on).second)
        << to_string(row.from) << " / " << to_string(row.on);
}

TEST(ContainerMachine, DoesWhatEachRowSays) {
  for (const Row& row : rows()) {
    Step result = step(in(row.from), row.on, 1);

    EXPECT_FALSE(result.refusal.has_value());
    EXPECT_EQ(result.next.state, row.to) << to_string(row.from) << " / " << to_string(row.on);
    EXPECT_EQ(result.effects, row.effects);
  }
}

TEST(ContainerMachine, RefusesEveryCallThatHasNoRowWithARemedy) {
  for (std::size_t state = 0; state < kStateCount; ++state) {
    for (std::size_t call = 0; call < kCallCount; ++call) {
      auto before = in(static_cast<State>(state));
      bool known = std::ranges::any_of(rows(), [&](const Row& row) {
        return row.from == before.state && row.on == static_cast<Event>(call);
      });
      Step result = step(before, static_cast<Event>(call));
      EXPECT_EQ(result.refusal.has_value(), !known);
      if (!result.refusal) continue;
      EXPECT_FALSE(result.refusal->fact.empty());
      EXPECT_FALSE(result.refusal->remedy.empty());
      EXPECT_EQ(result.next, before);
    }
  }
}

TEST(ContainerMachine, IgnoresNewsOfAnOlderStart) {
  for (const Row& row : rows()) {
    if (!is_about_a_run(row.on)) continue;
    Machine before = in(row.from);
    before.generation = 2;

    Step result = step(before, row.on, 1);

    EXPECT_EQ(result.next, before);
    EXPECT_EQ(result.effects, Effects{});
  }
}

TEST(ContainerMachine, HearsOfOneEndOnly) {
  Step first = step(in(State::Running), Event::Ended, 1);
  Step asked = step(first.next, Event::Remove);

  Step second = step(asked.next, Event::Ended, 1);

  EXPECT_EQ(second.effects, Effects{});
}

TEST(ContainerMachine, AnswersStopAtOnceWhereNothingRuns) {
  for (State state : {State::Created, State::Exited, State::Failed}) {
    Step result = step(in(state), Event::Stop);
    EXPECT_EQ(result.next.state, state);
    EXPECT_EQ(result.effects, Effects{Effect::AnswerStop});
  }
}

TEST(ContainerMachine, RunsCommandsOnlyWhileRunning) {
  for (std::size_t state = 0; state < kStateCount; ++state) {
    auto before = in(static_cast<State>(state));
    EXPECT_EQ(step(before, Event::Exec).refusal.has_value(), before.state != State::Running);
  }
}

TEST(ContainerMachine, StartsAgainWithANewGeneration) {
  Step result = step(in(State::Exited), Event::Start);

  EXPECT_EQ(result.next.state, State::Starting);
  EXPECT_EQ(result.next.generation, 2U);
}

TEST(ContainerMachine, KeepsFilesWhenItsRuntimeEnds) {
  Step killed = shut_down(in(State::Running), Farewell::KillAndKeepFiles);
  EXPECT_TRUE(has(killed.effects, Effect::KillTree));
  Step ended = step(killed.next, Event::Ended, 1);

  EXPECT_TRUE(has(ended.effects, Effect::Quit));
  EXPECT_FALSE(has(ended.effects, Effect::Discard));
  EXPECT_TRUE(ended.next.gone);
}

TEST(ContainerMachine, DiscardsFilesOfAContainerThatLeavesNothing) {
  Step asked = shut_down(in(State::Exited), Farewell::KillAndDiscard);

  EXPECT_TRUE(has(asked.effects, Effect::Discard));
  EXPECT_TRUE(has(step(asked.next, Event::Discarded).effects, Effect::Quit));
}

TEST(ContainerMachine, LeavesADetachedProgramAlone) {
  Step result = shut_down(in(State::Running), Farewell::LetRun);

  EXPECT_EQ(result.effects, Effects{Effect::Quit});
}

TEST(ContainerMachine, DoesNotStayForFilesThatResistWhenItsRuntimeEnds) {
  Step asked = shut_down(in(State::Created), Farewell::KillAndDiscard);

  EXPECT_TRUE(step(asked.next, Event::DiscardFailed).next.gone);
}

TEST(ContainerMachine, PrintsItsTableForTheDocumentation) {
  EXPECT_TRUE(support::matches_golden(machine_markdown(), "../../docs/states.md"));
}

/// A world that behaves as launcher, disk and clock do: it answers effects later, in any order.
struct World {
  Machine machine;
  std::vector<std::pair<Event, std::uint32_t>> pending{{Event::Built, 0}};
  std::set<std::uint32_t> living;
  std::set<std::uint32_t> recorded;

  void feed(Event event, std::uint32_t generation) {
    Step result = step(machine, event, generation);
    if (event == Event::Ended || event == Event::StartFailed) living.erase(generation);
    machine = result.next;
    for (Effect effect : result.effects) perform(effect);
  }

  void perform(Effect effect) {
    std::uint32_t now = machine.generation;
    switch (effect) {
      case Effect::Build:
        pending.emplace_back(Event::Built, 0);
        break;
      case Effect::Open:
        pending.emplace_back(mostly(Event::Opened, Event::StartFailed), now);
        break;
      case Effect::Launch:
        RC_ASSERT(living.empty());
        living.insert(now);
        feed(Event::Launched, now);
        pending.emplace_back(mostly(Event::Began, Event::StartFailed), now);
        break;
      case Effect::StopRun:
      case Effect::KillTree:
      case Effect::KillForMemory:
        if (living.contains(now)) {
          pending.emplace_back(Event::Ended, now);
          pending.emplace_back(Event::KillOverdue, now);
        }
        break;
      case Effect::StoreExit:
        RC_ASSERT(recorded.insert(now).second);
        break;
      case Effect::Discard:
        RC_ASSERT(living.empty());
        pending.emplace_back(mostly(Event::Discarded, Event::DiscardFailed), 0);
        break;
      default:
        break;
    }
  }

  static Event mostly(Event usual, Event rare) {
    return *rc::gen::weightedElement<Event>({{9, usual}, {1, rare}});
  }

  void live() {
    if (*rc::gen::inRange(0, 3) != 0) return hear();
    if (*rc::gen::inRange(0, 3) == 0) return feed(Event::Start, 0);
    auto call = static_cast<Event>(*rc::gen::inRange<std::size_t>(0, kCallCount));
    if (call != Event::Shutdown) feed(call, 0);
  }

  /// One of the pending news, or the death of the program by itself.
  void hear() {
    if (!living.empty() && *rc::gen::inRange(0, 4) == 0) {
      bool begun = machine.state == State::Running || machine.state == State::Paused;
      if (begun) return feed(Event::Ended, *living.begin());
    }
    if (pending.empty()) return;
    auto at = pending.begin() + *rc::gen::inRange<std::size_t>(0, pending.size());
    auto [event, generation] = *at;
    // A dead run says nothing more, and a tree that is gone cannot be overdue.
    bool of_the_dead =
        is_about_a_run(event) && event != Event::Opened && !living.contains(generation) &&
        !(event == Event::StartFailed && machine.generation == generation && !machine.alive);
    pending.erase(at);
    if (!of_the_dead) feed(event, generation);
  }
};

RC_GTEST_PROP(ContainerMachine, NeverHasTwoLivesNorTwoRecordsOfOne, ()) {
  World world;
  auto length = *rc::gen::inRange(0, 80);
  for (int i = 0; i < length && !world.machine.gone; ++i) {
    world.live();
    RC_ASSERT(world.living.size() <= 1U);
    RC_ASSERT(world.machine.generation >= 1U || world.machine.state == State::Creating ||
              world.machine.state == State::Created || world.machine.state == State::Removing ||
              world.machine.state == State::Failed || world.machine.gone);
  }
}

RC_GTEST_PROP(ContainerMachine, EndsAfterStopWhateverHappenedBefore, ()) {
  World world;
  auto length = *rc::gen::inRange(0, 60);
  for (int i = 0; i < length && !world.machine.gone; ++i) world.live();
  world.feed(Event::Stop, 0);
  for (int i = 0; i < 400 && !world.pending.empty(); ++i) world.hear();
  RC_ASSERT(world.pending.empty());

  constexpr State resting[] = {State::Created, State::Exited, State::Failed, State::Stuck,
                               State::Backoff};
  RC_ASSERT(world.machine.gone ||
            std::ranges::find(resting, world.machine.state) != std::end(resting));
}

}  // namespace
}  // namespace ringfort::actors
