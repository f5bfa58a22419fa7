#include "runtime_test.hpp"

namespace ringfort::actors {
namespace {

using namespace messages;
using namespace std::chrono_literals;

struct ContainerTest : fakes::RuntimeTest {};

TEST_F(ContainerTest, IsCreatedWithAPortAndItsFiles) {
  auto created = create();

  ASSERT_TRUE(created && created->has_value());
  EXPECT_GE((*created)->port.value_or(0), 20000);
  EXPECT_EQ(state(), State::Created);
  EXPECT_TRUE(fake.files->present.contains("web-1"));
}

TEST_F(ContainerTest, LeavesNothingWhenItCannotBeCreated) {
  fake.files->create_error = Error{ErrorKind::Io, "disk full", "free some space", {}, 28};

  auto created = create();

  ASSERT_TRUE(created && !created->has_value());
  EXPECT_EQ(created->error().kind, ErrorKind::CreateFailed);
  EXPECT_EQ(created->error().container, "web-1");
  EXPECT_FALSE(is_known());
  fake.files->create_error.reset();
  EXPECT_TRUE(create()->has_value());
}

TEST_F(ContainerTest, HasNoLogsBeforeItsCreateHasSucceeded) {
  fake.files->create_error = Error{ErrorKind::Io, "disk full", "free some space", {}, 28};
  bool more = true;
  for (int between = 0; more; ++between) {
    auto created = system.send<Result<Created>>(supervisor, Create{id, service(), {}});
    for (int i = 0; more && i < between; ++i) more = system.run_once();
    auto logs = send<Result<std::vector<LogEntry>>>(GetLogs{});
    system.run();
    ASSERT_TRUE(created && logs);
    EXPECT_FALSE(created->has_value());
    EXPECT_FALSE(logs->has_value()) << "after " << between << " messages";
  }
}

TEST_F(ContainerTest, RefusesASecondCreateWhileItLives) {
  run_it();

  auto second = create();

  ASSERT_FALSE(second->has_value());
  EXPECT_EQ(second->error().kind, ErrorKind::Conflict);
  EXPECT_FALSE(second->error().hint.empty());
  EXPECT_EQ(state(), State::Running);
}

TEST_F(ContainerTest, IsReplacedByACreateAfterItsEnd) {
  run_it();
  end();

  EXPECT_TRUE(create()->has_value());

  EXPECT_EQ(state(), State::Created);
  EXPECT_FALSE(call<Result<ContainerState>>(GetState{})->value().exit.has_value());
}

TEST_F(ContainerTest, IsNotReplacedByWhoDoesNotWantThat) {
  run_it();
  end();
  RunOptions options;
  options.replace = false;

  auto second = create(service(), options);

  ASSERT_FALSE(second->has_value());
  EXPECT_EQ(second->error().kind, ErrorKind::Conflict);
  EXPECT_EQ(state(), State::Exited);
}

TEST_F(ContainerTest, AnswersStartOnceTheProgramRuns) {
  create();

  auto started = call<Result<Started>>(Start{});
  EXPECT_FALSE(started);
  EXPECT_EQ(state(), State::Starting);
  fake.spawner->begin(0);
  system.run();

  ASSERT_TRUE(started && started->has_value());
  EXPECT_EQ((*started)->pid, 101);
  EXPECT_EQ(state(), State::Running);
}

TEST_F(ContainerTest, RefusesASecondStart) {
  run_it();

  auto again = call<Result<Started>>(Start{});

  ASSERT_FALSE(again->has_value());
  EXPECT_EQ(again->error().kind, ErrorKind::Conflict);
  EXPECT_EQ(fake.spawner->launched.size(), 1U);
}

TEST_F(ContainerTest, HandsOnBorrowedDescriptorsAtTheFirstStartOnly) {
  RunOptions options;
  options.stdin_fd = 77;
  create(service(), options);
  call<Result<Started>>(Start{});
  fake.spawner->begin(0);
  system.run();
  end();

  call<Result<Started>>(Start{});

  EXPECT_EQ(fake.spawner->launched[0].request.stdin_fd, 77);
  EXPECT_EQ(fake.spawner->launched[1].request.stdin_fd, -1);
}

TEST_F(ContainerTest, TellsWhyAStartFailed) {
  create();
  auto started = call<Result<Started>>(Start{});
  fake.spawner->fail_start(0, 127, {ErrorKind::StartFailed, "no such program", "name one", {}, 2});
  system.run();

  ASSERT_TRUE(started && !started->has_value());
  EXPECT_EQ(started->error().kind, ErrorKind::StartFailed);
  auto state = call<Result<ContainerState>>(GetState{})->value();
  EXPECT_EQ(state.state, State::Failed);
  EXPECT_NE(state.reason.find("no such program"), std::string::npos);
  EXPECT_EQ(call<Result<ExitRecord>>(Wait{})->value().code, 127);
  EXPECT_EQ(*fake.doubts, 0U);
}

TEST_F(ContainerTest, TheFirstCreateBringsTheZygoteUp) {
  EXPECT_EQ(fake.spawner->prepared, 0U);
  create();
  id.replica = 2;
  create();
  EXPECT_EQ(fake.spawner->prepared, 1U);
}

TEST_F(ContainerTest, DoubtsItsLevelWhenItCouldNotBeSetUp) {
  create();
  (void)send<Result<Started>>(Start{});
  system.run();
  fake.spawner->fail_start(0, 125, {ErrorKind::StartFailed, "no user namespace", "see", {}, 1});
  system.run();

  EXPECT_EQ(*fake.doubts, 1U);
}

TEST_F(ContainerTest, FailsToStartWhenItsFilesCannotBeOpened) {
  create();
  fake.files->open_error = Error{ErrorKind::Io, "too many open files", "raise ulimit -n", {}, 24};

  auto started = call<Result<Started>>(Start{});

  ASSERT_TRUE(started && !started->has_value());
  EXPECT_EQ(state(), State::Failed);
  EXPECT_TRUE(fake.spawner->launched.empty());
}

TEST_F(ContainerTest, FailsToStartWithoutAZygote) {
  create();
  fake.spawner->run_error = Error{ErrorKind::Io, "no processes left", "raise ulimit -u", {}, 11};

  auto started = call<Result<Started>>(Start{});

  ASSERT_TRUE(started && !started->has_value());
  EXPECT_EQ(state(), State::Failed);
}

TEST_F(ContainerTest, ServesEveryWaiterFromOneRecord) {
  create();
  auto before_start = call<Result<ExitRecord>>(Wait{});
  auto started = call<Result<Started>>(Start{});
  fake.spawner->begin(0);
  auto while_running = call<Result<ExitRecord>>(Wait{});
  EXPECT_FALSE(before_start);
  EXPECT_FALSE(while_running);

  end({false, 3, false});
  auto afterwards = call<Result<ExitRecord>>(Wait{});

  for (const auto& wait : {before_start, while_running, afterwards}) {
    ASSERT_TRUE(wait && wait->has_value());
    EXPECT_EQ((*wait)->code, 3);
  }
}

TEST_F(ContainerTest, GivesUpWaitingWhenPatienceEnds) {
  run_it();
  auto wait = call<Result<ExitRecord>>(Wait{Duration{200ms}});

  system.advance(150ms);
  EXPECT_FALSE(wait);
  system.advance(100ms);

  ASSERT_TRUE(wait && !wait->has_value());
  EXPECT_EQ(wait->error().kind, ErrorKind::Timeout);
}

TEST_F(ContainerTest, StopsByAskingTheShim) {
  run_it();

  auto stopped = call<Status>(Stop{2s});
  EXPECT_EQ(fake.spawner->last().calls, std::vector<std::string>{"stop 2s"});
  EXPECT_FALSE(stopped);
  end({true, 15, false}, {false, false, true});

  ASSERT_TRUE(stopped && stopped->has_value());
  EXPECT_EQ(call<Result<ExitRecord>>(Wait{})->value().reason, EndReason::Stopped);
}

TEST_F(ContainerTest, KeepsItsCodeWhenStoppedAfterItsEnd) {
  run_it();
  end({false, 7, false});

  EXPECT_TRUE(call<Status>(Stop{2s})->has_value());

  EXPECT_EQ(call<Result<ExitRecord>>(Wait{})->value().code, 7);
}

TEST_F(ContainerTest, IsStuckWhenNotEvenKillHelps) {
  run_it();
  auto stopped = call<Status>(Stop{1s});

  system.advance(6900ms);
  EXPECT_FALSE(stopped);
  system.advance(300ms);

  ASSERT_TRUE(stopped && !stopped->has_value());
  EXPECT_EQ(stopped->error().kind, ErrorKind::Timeout);
  EXPECT_EQ(state(), State::Stuck);
}

TEST_F(ContainerTest, StopsAProgramThatIsJustBeingStarted) {
  create();
  auto started = call<Result<Started>>(Start{});
  auto stopped = call<Status>(Stop{1s});
  fake.spawner->begin(0);
  system.run();
  EXPECT_TRUE(started && started->has_value());
  end({true, 15, false}, {false, false, true});

  EXPECT_TRUE(stopped && stopped->has_value());
  EXPECT_EQ(state(), State::Exited);
}

TEST_F(ContainerTest, IgnoresNewsOfAnEarlierStart) {
  run_it();
  end();
  call<Result<Started>>(Start{});
  fake.spawner->begin(1);
  system.run();

  fake.spawner->end(0, {true, 9, false});
  system.run();

  EXPECT_EQ(state(), State::Running);
}

TEST_F(ContainerTest, SignalsOnlyWhatRuns) {
  create();
  auto early = call<Status>(Kill{"TERM", false});
  EXPECT_EQ(early->error().kind, ErrorKind::Conflict);
  call<Result<Started>>(Start{});
  fake.spawner->begin(0);
  system.run();

  EXPECT_TRUE(call<Status>(Kill{" sighup", false})->has_value());
  EXPECT_TRUE(call<Status>(Kill{"KILL", true})->has_value());
  EXPECT_EQ(call<Status>(Kill{"NOPE", false})->error().kind, ErrorKind::InvalidSpec);

  EXPECT_EQ(fake.spawner->last().calls, (std::vector<std::string>{"signal 1", "signal 9 tree"}));
}

TEST_F(ContainerTest, PausesAndGoesOn) {
  run_it();

  EXPECT_TRUE(call<Status>(Pause{})->has_value());
  EXPECT_EQ(state(), State::Paused);
  EXPECT_EQ(call<Result<ExecResult>>(Exec{{"/bin/true"}, {}})->error().kind, ErrorKind::Conflict);
  EXPECT_TRUE(call<Status>(Unpause{})->has_value());

  EXPECT_EQ(state(), State::Running);
  EXPECT_EQ(fake.spawner->last().calls, (std::vector<std::string>{"freeze", "thaw"}));
}

TEST_F(ContainerTest, IsNotPausedWhenItCannotBeFrozen) {
  run_it();
  fake.spawner->last().freeze_error = Error{ErrorKind::Io, "no shim", "", {}, 3};

  EXPECT_FALSE(call<Status>(Pause{})->has_value());

  EXPECT_EQ(state(), State::Running);
}

TEST_F(ContainerTest, RunsACommandBesideTheProgram) {
  run_it();

  auto result = call<Result<ExecResult>>(Exec{{"/bin/echo", "x"}, {}});
  EXPECT_FALSE(result);
  fake.spawner->last().exec_done(ExecResult{4, "x\n", "", false, false});
  system.run();

  ASSERT_TRUE(result && result->has_value());
  EXPECT_EQ((*result)->code, 4);
}

TEST_F(ContainerTest, RefusesAnEmptyCommand) {
  run_it();

  auto result = call<Result<ExecResult>>(Exec{});

  EXPECT_EQ(result->error().kind, ErrorKind::InvalidSpec);
  EXPECT_NE(result->error().what.find("empty"), std::string::npos);
}

TEST_F(ContainerTest, RunsNoCommandBeforeItsStart) {
  create();

  EXPECT_EQ(call<Result<ExecResult>>(Exec{{"/bin/true"}, {}})->error().kind, ErrorKind::Conflict);
}

TEST_F(ContainerTest, HasStatisticsOnlyWhileItRuns) {
  create(limited(Bytes{1 << 20}));
  EXPECT_EQ(call<Result<Stats>>(GetStats{})->error().kind, ErrorKind::Conflict);
  call<Result<Started>>(Start{});
  fake.spawner->begin(0);
  system.run();

  auto stats = call<Result<Stats>>(GetStats{});

  ASSERT_TRUE(stats && stats->has_value());
  EXPECT_EQ((*stats)->memory_bytes, 4096U);
  EXPECT_EQ((*stats)->memory_limit, 1U << 20);
}

TEST_F(ContainerTest, HasNoPidAfterItsEnd) {
  run_it();
  EXPECT_EQ(call<Result<ContainerEntry>>(GetEntry{})->value().pid, 101);

  end();

  EXPECT_EQ(call<Result<ContainerEntry>>(GetEntry{})->value().pid, std::nullopt);
}

TEST_F(ContainerTest, KillsTheWholeTreeBeforeItIsRemoved) {
  run_it();

  auto removed = call<Status>(Remove{});
  EXPECT_FALSE(removed);
  EXPECT_EQ(fake.spawner->last().calls, std::vector<std::string>{"kill"});
  EXPECT_TRUE(fake.files->present.contains("web-1"));
  end({true, 9, false});

  EXPECT_TRUE(removed && removed->has_value());
  EXPECT_TRUE(fake.files->present.empty());
  EXPECT_FALSE(is_known());
}

TEST_F(ContainerTest, AnswersWaitersWhenItIsRemoved) {
  create();
  auto wait = call<Result<ExitRecord>>(Wait{});

  call<Status>(Remove{});

  ASSERT_TRUE(wait && !wait->has_value());
  EXPECT_EQ(wait->error().kind, ErrorKind::NotFound);
}

TEST_F(ContainerTest, IsRemovedWhileItIsCreated) {
  auto created = system.send<Result<Created>>(supervisor, Create{id, service(), {}});
  auto removed = send<Status>(Remove{});
  system.run();

  EXPECT_TRUE(removed && removed->has_value());
  ASSERT_TRUE(created && !created->has_value());
  EXPECT_EQ(created->error().kind, ErrorKind::Conflict);
  EXPECT_TRUE(fake.files->present.empty());
  EXPECT_FALSE(is_known());
}

TEST_F(ContainerTest, IsRemovedAtAnyMomentOfItsStart) {
  for (int moment = 0; moment < 40; ++moment) {
    ASSERT_TRUE(create()->has_value());
    auto started = send<Result<Started>>(Start{});
    for (int i = 0; i < moment; ++i) system.run_once();
    auto removed = call<Status>(Remove{});
    for (std::size_t i = 0; i < fake.spawner->launched.size(); ++i)
      if (!fake.spawner->launched[i].over) fake.spawner->end(i, {true, 9, false});
    system.run();

    EXPECT_TRUE(removed && removed->has_value()) << moment;
    EXPECT_TRUE(started) << moment;
    EXPECT_TRUE(fake.files->present.empty()) << moment;
    EXPECT_EQ(fake.spawner->living(), 0U) << moment;
  }
}

TEST_F(ContainerTest, FreesItsNameBeforeRemoveAnswers) {
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(create()->has_value());
    // The second question is on its way before the first has been answered.
    auto removed = system.send<Status>(supervisor, On<Remove>{id, {}});
    while (!removed && system.run_once()) {
    }
    ASSERT_TRUE(removed->has_value());
  }
}

TEST_F(ContainerTest, CanBeRemovedAgainWhenTheFilesResisted) {
  create();
  fake.files->discard_error = Error{ErrorKind::Io, "read-only file system", "remount it", {}, 30};
  auto first = call<Status>(Remove{});
  ASSERT_TRUE(first && !first->has_value());
  EXPECT_EQ(state(), State::Failed);

  fake.files->discard_error.reset();
  EXPECT_TRUE(call<Status>(Remove{})->has_value());
  EXPECT_FALSE(is_known());
}

TEST_F(ContainerTest, TellsItsWatchersHowItEnded) {
  run_it();
  auto heard = std::make_shared<std::vector<ContainerExited>>();
  auto listener = system.actors().spawn([heard](caf::event_based_actor*) -> caf::behavior {
    return {[heard](const ContainerExited& news) { heard->push_back(news); }};
  });
  auto handle = system.ask<Result<ContainerHandle>>(supervisor, Lookup{id});
  post(handle->value(), Watch{weak(listener)});
  system.run();
  EXPECT_TRUE(heard->empty());

  end({true, 11, true});

  ASSERT_EQ(heard->size(), 1U);
  EXPECT_EQ(heard->front().id, id);
  EXPECT_EQ(heard->front().exit.code, 139);
  EXPECT_EQ(heard->front().generation, 1U);
  post(handle->value(), Watch{weak(listener)});
  system.run();
  EXPECT_EQ(heard->size(), 2U);
}

}  // namespace
}  // namespace ringfort::actors
