// Restart policies in virtual time.
#include "ringfort/specs/container_record.hpp"
#include "runtime_test.hpp"

#include <gmock/gmock.h>

namespace ringfort::actors {
namespace {

using namespace messages;
using namespace std::chrono_literals;
using testing::HasSubstr;

struct ContainerRestart : fakes::RuntimeTest {
  static std::shared_ptr<const specs::Service> with(specs::RestartKind kind,
                                                    std::optional<std::uint32_t> most = {}) {
    auto copy = std::make_shared<specs::Service>(*service());
    copy->restart_policy = specs::RestartPolicy{kind, most, {}};
    return copy;
  }
  void run_with(specs::RestartKind kind, std::optional<std::uint32_t> most = {}) {
    ASSERT_TRUE(create(with(kind, most))->has_value());
    start();
  }
  void start() {
    const auto before = launches();
    auto started = call<Result<Started>>(Start{});
    ASSERT_EQ(launches(), before + 1);
    begin();
    ASSERT_TRUE(started && started->has_value());
  }
  void begin() {
    fake.spawner->begin(launches() - 1);
    system.run();
  }
  std::size_t launches() const { return fake.spawner->launched.size(); }
  /// Lets time pass until there is one more start; how long that took.
  Duration until_next_start() {
    const auto before = launches();
    Duration passed{0};
    while (launches() == before && passed < 70s) {
      system.advance(5ms);
      passed += 5ms;
    }
    return passed;
  }
  specs::RestartHistory recorded() {
    const auto record = specs::parse_container_record(fake.files->records.at(id.str()));
    EXPECT_TRUE(record.has_value());
    return record && record->restarts ? *record->restarts : specs::RestartHistory{};
  }
  ContainerEntry shown() {
    auto answer = call<Result<ContainerEntry>>(GetEntry{});
    EXPECT_TRUE(answer && answer->has_value());
    return **answer;
  }
  std::vector<ContainerId> adopt() {
    auto adopted = system.ask<Result<std::vector<ContainerId>>>(supervisor, AdoptAll{});
    EXPECT_TRUE(adopted && adopted->has_value());
    return **adopted;
  }
  /// As if the process had been killed: the next runtime finds what is on disk.
  void die() {
    auto records = fake.files->records;
    restart({});
    fake.files->records = records;
    for (auto& [name, text] : fake.files->records) text = with_owner(text, "dead");
  }
  static std::string with_owner(const std::string& text, const std::string& owner) {
    auto record = specs::parse_container_record(text);
    record->owner = owner;
    return specs::to_text(*record);
  }
};

TEST_F(ContainerRestart, StartsAgainWithGrowingDelays) {
  run_with(specs::RestartKind::Always);
  Duration wanted = 100ms;
  for (int i = 0; i < 5; ++i, wanted *= 2) {
    end({false, 1, false});
    EXPECT_EQ(state(), State::Backoff);
    EXPECT_EQ(shown().restarts, static_cast<std::uint32_t>(i));
    EXPECT_TRUE(shown().next_start.has_value());
    const auto took = until_next_start();
    EXPECT_GE(took, wanted * 9 / 10);
    EXPECT_LE(took, wanted * 11 / 10 + 5ms);
    begin();
    EXPECT_EQ(state(), State::Running);
    EXPECT_FALSE(shown().next_start.has_value());
  }
}

TEST_F(ContainerRestart, BeginsAnewAfterAStableRun) {
  run_with(specs::RestartKind::Always);
  for (int i = 0; i < 3; ++i) {
    end({false, 1, false});
    until_next_start();
    begin();
  }
  system.advance(10s);
  end({false, 1, false});
  EXPECT_LE(until_next_start(), 115ms);
}

TEST_F(ContainerRestart, FailsAtTheLimitAndSaysWhatToDo) {
  run_with(specs::RestartKind::Always);
  for (int i = 0; i < 9; ++i) {
    end();
    until_next_start();
    begin();
  }
  end();
  auto answer = call<Result<ContainerState>>(GetState{});
  EXPECT_EQ((*answer)->state, State::Failed);
  EXPECT_THAT((*answer)->reason, HasSubstr("was started 10 times within 5m"));
  EXPECT_THAT((*answer)->reason, HasSubstr("ringfort start web-1"));
  EXPECT_EQ(call<Result<ExitRecord>>(Wait{})->value().code, 0);
  EXPECT_THAT(recorded().gave_up, HasSubstr("10 times"));

  start();
  EXPECT_EQ(recorded().starts.size(), 1U);
  EXPECT_EQ(recorded().gave_up, "");
  end();
  EXPECT_EQ(state(), State::Backoff);
}

TEST_F(ContainerRestart, OnFailureLeavesSuccessAlone) {
  run_with(specs::RestartKind::OnFailure);
  end();
  EXPECT_EQ(state(), State::Exited);
  start();
  end({true, 9, false}, {true, false, false});
  EXPECT_EQ(state(), State::Backoff);
}

TEST_F(ContainerRestart, OnFailureStopsAtItsMaximum) {
  run_with(specs::RestartKind::OnFailure, 1);
  end({false, 1, false});
  until_next_start();
  begin();
  end({false, 1, false});
  EXPECT_EQ(state(), State::Failed);
}

TEST_F(ContainerRestart, AStopEndsTheWaitAndItsTimerIsStale) {
  run_with(specs::RestartKind::UnlessStopped);
  end({false, 1, false});
  ASSERT_EQ(state(), State::Backoff);
  EXPECT_TRUE(call<Status>(Stop{1s})->has_value());
  EXPECT_EQ(state(), State::Exited);
  EXPECT_TRUE(recorded().stopped_by_user);
  EXPECT_FALSE(recorded().next_start.has_value());
  const auto before = launches();
  system.advance(2s);
  EXPECT_EQ(launches(), before);

  start();
  EXPECT_FALSE(recorded().stopped_by_user);
}

TEST_F(ContainerRestart, AStopOfWhatRunsIsNotFollowedByAStart) {
  for (const auto kind : {specs::RestartKind::Always, specs::RestartKind::UnlessStopped}) {
    run_with(kind);
    auto stopped = call<Status>(Stop{1s});
    EXPECT_TRUE(recorded().stopped_by_user);
    end({true, 15, false}, {false, false, true});
    EXPECT_TRUE(stopped && stopped->has_value());
    EXPECT_EQ(state(), State::Exited);
    call<Status>(Remove{});
  }
}

TEST_F(ContainerRestart, AStopByAnotherProcessCountsAndTheEndOfARuntimeDoesNot) {
  run_with(specs::RestartKind::Always);
  end({true, 15, false}, {false, false, true});  // its shim was asked, we were not
  EXPECT_EQ(state(), State::Exited);
  EXPECT_TRUE(recorded().stopped_by_user);
}

TEST_F(ContainerRestart, AManualStartEndsTheWaitAndClearsTheCounters) {
  run_with(specs::RestartKind::Always);
  for (int i = 0; i < 3; ++i) {
    end({false, 1, false});
    until_next_start();
    begin();
  }
  end({false, 1, false});
  start();
  EXPECT_EQ(shown().restarts, 0U);
  const auto before = launches();
  system.advance(2s);  // the old timer
  EXPECT_EQ(launches(), before);
  end({false, 1, false});
  EXPECT_LE(until_next_start(), 115ms);
}

TEST_F(ContainerRestart, DoesNotRetryAStartByHandThatFailed) {
  ASSERT_TRUE(create(with(specs::RestartKind::Always))->has_value());
  auto started = call<Result<Started>>(Start{});
  fake.spawner->fail_start(0, 127, {ErrorKind::NotFound, "not found", "look", {}, 0});
  system.run();
  EXPECT_FALSE(started->has_value());
  EXPECT_EQ(state(), State::Failed);
}

TEST_F(ContainerRestart, TriesAProgramThatHasGoneThreeTimesMore) {
  run_with(specs::RestartKind::Always);
  end({false, 1, false});
  for (int i = 0; i < 4; ++i) {
    ASSERT_LT(until_next_start(), 70s) << i;
    fake.spawner->fail_start(launches() - 1, 127, {ErrorKind::NotFound, "gone", "look", {}, 0});
    system.run();
  }
  EXPECT_EQ(state(), State::Failed);
  EXPECT_THAT(recorded().gave_up, HasSubstr("could not be started 4 times"));
}

TEST_F(ContainerRestart, AnswersWaitAtEachEnd) {
  run_with(specs::RestartKind::Always);
  auto first = send<Result<ExitRecord>>(Wait{});
  end({false, 3, false});
  ASSERT_TRUE(first && first->has_value());
  EXPECT_EQ((*first)->code, 3);
  EXPECT_EQ(call<Result<ExitRecord>>(Wait{})->value().code, 3);  // between two runs
  until_next_start();
  begin();
  auto second = send<Result<ExitRecord>>(Wait{});
  system.run();
  EXPECT_FALSE(second);
  end({false, 4, false});
  ASSERT_TRUE(second && second->has_value());
  EXPECT_EQ((*second)->code, 4);
}

TEST_F(ContainerRestart, IsRemovedWhileItWaits) {
  run_with(specs::RestartKind::Always);
  end();
  EXPECT_TRUE(call<Status>(Remove{})->has_value());
  const auto before = launches();
  system.advance(1s);
  EXPECT_EQ(launches(), before);
  EXPECT_FALSE(is_known());
}

TEST_F(ContainerRestart, WritesAStartDownBeforeItIsMade) {
  run_with(specs::RestartKind::Always);
  end();
  fake.files->rewrite_error = Error{ErrorKind::Conflict, "is being removed", "create it", {}, 0};
  const auto before = launches();
  system.advance(1s);
  EXPECT_EQ(launches(), before);
  EXPECT_EQ(state(), State::Failed);
}

TEST_F(ContainerRestart, StartsThoughTheDiskIsFull) {
  run_with(specs::RestartKind::Always);
  fake.files->rewrite_error = Error{ErrorKind::Io, "no space", "free some", {}, 28};
  end();
  EXPECT_LE(until_next_start(), 115ms);
}

TEST_F(ContainerRestart, GoesOnInANewSupervisorWhereTheOldOneWas) {
  run_with(specs::RestartKind::Always);
  for (int i = 0; i < 4; ++i) {
    end({false, 1, false});
    if (i < 3) {
      until_next_start();
      begin();
    }
  }
  ASSERT_EQ(state(), State::Backoff);
  const auto old = recorded();
  const auto port = shown().port;
  fake.traces->exit.emplace();
  fake.traces->shim.emplace();
  die();

  EXPECT_EQ(shown().state.state, State::Backoff);  // looking does not change anything
  const auto before = launches();
  system.advance(2s);
  EXPECT_EQ(launches(), before);

  EXPECT_EQ(adopt(), std::vector<ContainerId>{id});
  EXPECT_EQ(adopt(), std::vector<ContainerId>{});
  until_next_start();
  begin();
  EXPECT_EQ(state(), State::Running);
  EXPECT_EQ(recorded().restarts, old.restarts + 1);
  EXPECT_EQ(recorded().attempts, old.attempts);
  EXPECT_EQ(recorded().starts.size(), old.starts.size() + 1);
  EXPECT_EQ(shown().port, port);
}

TEST_F(ContainerRestart, ANewSupervisorJudgesAnEndThatNobodyJudged) {
  run_with(specs::RestartKind::OnFailure);
  fake.traces->shim.emplace();
  fake.traces->exit.emplace();
  fake.traces->exit->status = 1 << 8;
  die();
  adopt();
  EXPECT_EQ(state(), State::Backoff);

  die();
  fake.traces->exit->status = 0;
  auto again = recorded();
  again.next_start.reset();
  auto record = specs::parse_container_record(fake.files->records.at("web-1"));
  record->restarts = again;
  fake.files->records["web-1"] = specs::to_text(*record);
  adopt();
  EXPECT_EQ(state(), State::Exited);
}

/// A dead supervisor's program whose end is heard, or whose record is read, while it is taken over.
struct TakeOverRace : ContainerRestart {
  TakeOverRace() {
    run_with(specs::RestartKind::Always);
    fake.traces->shim.emplace();
  }
  void end_on_disk() {
    fake.traces->locked = false;
    fake.traces->exit.emplace();
    fake.traces->exit->status = 1 << 8;
  }
  /// What it does at this moment reaches the container before the take-over has its answer.
  void while_taken_over(std::function<void()> what) { fake.files->on_take_over = std::move(what); }
};

TEST_F(TakeOverRace, AnEndThatIsHeardMeanwhileIsJudged) {
  fake.traces->locked = true;
  die();
  while_taken_over([this] {
    end_on_disk();
    fake.spawner->end(launches() - 1, {false, 1, false});
  });
  EXPECT_EQ(adopt(), std::vector<ContainerId>{id});
  EXPECT_EQ(state(), State::Backoff);
  until_next_start();
  begin();
  EXPECT_EQ(state(), State::Running);
  EXPECT_EQ(recorded().restarts, 1U);
}

TEST_F(TakeOverRace, ATakeOverThatFailsLeavesWhatIsOnDisk) {
  fake.traces->locked = true;
  die();
  fake.files->take_over_error = Error{ErrorKind::Io, "no space", "free some", {}, 28};
  while_taken_over([this] {
    end_on_disk();
    fake.spawner->end(launches() - 1, {false, 1, false});
  });
  EXPECT_TRUE(adopt().empty());
  EXPECT_EQ(state(), State::Exited);
  fake.files->records.clear();
  EXPECT_FALSE(is_known());
}

/// Between any two messages of a call another one comes: each must be answered.
TEST_F(TakeOverRace, EveryCallIsAnsweredWhateverComesBetween) {
  end_on_disk();
  end({false, 1, false});
  ASSERT_EQ(state(), State::Backoff);
  die();
  const auto records = fake.files->records;
  std::size_t between = 0;
  const auto anew = [&] {
    fake.files->records = records;
    restart({});
    ASSERT_EQ(state(), State::Backoff);
  };
  const auto moves_on = [&] {
    for (std::size_t i = 0; i < between; ++i)
      if (!system.run_once()) return false;
    return true;
  };
  using Ids = Result<std::vector<ContainerId>>;
  bool more = true;
  for (; more; ++between) {
    SCOPED_TRACE(between);
    anew();
    auto stop = send<Status>(Stop{1s});
    more = moves_on();
    auto seen = send<Result<ContainerState>>(GetState{});
    auto adopted = system.send<Ids>(supervisor, AdoptAll{});
    system.run();
    EXPECT_TRUE(stop && stop->has_value() && seen && adopted);
    EXPECT_TRUE(recorded().stopped_by_user);
    EXPECT_EQ(state(), State::Exited);

    anew();
    adopted = system.send<Ids>(supervisor, AdoptAll{});
    moves_on();
    auto removed = send<Status>(Remove{});
    system.run();
    EXPECT_TRUE(adopted && removed && removed->has_value());
    EXPECT_FALSE(is_known());
  }
  EXPECT_GT(between, 10U);
}

TEST_F(ContainerRestart, AStopHoldsInANewSupervisorAndAlwaysForgetsItAtBoot) {
  run_with(specs::RestartKind::Always);
  call<Status>(Stop{1s});
  end({true, 15, false}, {false, false, true});
  fake.traces->shim.emplace();
  fake.traces->exit.emplace();
  fake.traces->exit->exit_flags = wire::kStopped;
  die();
  adopt();
  EXPECT_EQ(state(), State::Exited);

  *fake.boot_id = "another boot";
  die();
  adopt();
  until_next_start();
  begin();
  EXPECT_EQ(state(), State::Running);
}

TEST_F(ContainerRestart, LeavesWhatALiveRuntimeOwnsOrWhatHasNoPolicy) {
  run_with(specs::RestartKind::Always);
  fake.traces->shim.emplace();
  fake.traces->exit.emplace();
  fake.traces->exit->status = 1 << 8;
  die();
  fake.files->live_owners.insert("dead");
  EXPECT_TRUE(adopt().empty());
  EXPECT_EQ(state(), State::Exited);

  restart({});
  fake.files->live_owners.clear();
  auto record = specs::parse_container_record(fake.files->records.at("web-1"));
  record->service.restart_policy.reset();
  fake.files->records["web-1"] = specs::to_text(*record);
  EXPECT_TRUE(adopt().empty());
}

TEST_F(ContainerRestart, RefusesToStopWhatWaitsElsewhere) {
  run_with(specs::RestartKind::Always);
  end({false, 1, false});
  fake.traces->shim.emplace();
  fake.traces->exit.emplace();
  die();
  fake.files->live_owners.insert("dead");
  auto refused = call<Status>(Stop{1s});
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->error().kind, ErrorKind::Conflict);

  fake.files->live_owners.clear();
  restart({});
  EXPECT_TRUE(call<Status>(Stop{1s})->has_value());
  EXPECT_TRUE(recorded().stopped_by_user);
  EXPECT_EQ(state(), State::Exited);
}

TEST_F(ContainerRestart, AStopOfWhatWaitsLetsTheCallersStreamsGo) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  RunOptions options;
  options.stdout_fd = ends[1];
  ASSERT_TRUE(create(with(specs::RestartKind::Always), options)->has_value());
  start();
  ::close(ends[1]);
  end({false, 1, false});
  EXPECT_TRUE(call<Status>(Stop{1s})->has_value());
  char byte;
  EXPECT_EQ(::read(ends[0], &byte, 1), 0);
  ::close(ends[0]);
}

TEST_F(ContainerRestart, KeepsTheCallersStreamsForEachStart) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  RunOptions options;
  options.stdout_fd = ends[1];
  ASSERT_TRUE(create(with(specs::RestartKind::OnFailure), options)->has_value());
  start();
  ::close(ends[1]);
  end({false, 1, false});
  until_next_start();
  const auto kept = fake.spawner->launched.back().request.stdout_fd;
  EXPECT_EQ(::write(kept, "x", 1), 1);
  begin();
  end();
  char byte[2];
  EXPECT_EQ(::read(ends[0], byte, 2), 1);
  EXPECT_EQ(::read(ends[0], byte, 2), 0);  // let go at the last end
  ::close(ends[0]);
}

}  // namespace
}  // namespace ringfort::actors
