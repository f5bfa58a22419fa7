#include "ringfort/specs/container_record.hpp"
#include "runtime_test.hpp"

namespace ringfort::actors {
namespace {

using namespace messages;
using namespace std::chrono_literals;

struct SupervisorTest : fakes::RuntimeTest {
  Reply<Status> shut_down(OnExit how) { return system.ask<Status>(supervisor, Shutdown{how}); }
};

TEST_F(SupervisorTest, KnowsNothingOfUnknownContainers) {
  EXPECT_EQ(call<Result<ContainerState>>(GetState{})->error().kind, ErrorKind::NotFound);
  EXPECT_EQ(call<Result<Started>>(Start{})->error().kind, ErrorKind::NotFound);
  EXPECT_TRUE(call<Status>(Remove{})->has_value());
}

TEST_F(SupervisorTest, RemovesADeadLeftoverByName) {
  fake.files->present.insert("web-1");

  EXPECT_TRUE(call<Status>(Remove{})->has_value());

  EXPECT_TRUE(fake.files->present.empty());
}

TEST_F(SupervisorTest, LeavesWhatAnotherRuntimeOwns) {
  fake.files->present.insert("web-1");
  fake.files->held_elsewhere.insert("web-1");

  auto removed = call<Status>(Remove{});

  EXPECT_EQ(removed->error().kind, ErrorKind::Conflict);
  EXPECT_FALSE(fake.files->present.empty());
}

TEST_F(SupervisorTest, RefusesHostileNames) {
  for (const char* name : {"../../x", "", "a\nb", "a/b"}) {
    id.service = name;
    EXPECT_EQ(create()->error().kind, ErrorKind::InvalidSpec) << name;
    EXPECT_EQ(call<Status>(Remove{})->error().kind, ErrorKind::InvalidSpec) << name;
  }
}

TEST_F(SupervisorTest, NeverGivesOnePortToTwoContainers) {
  std::set<std::uint16_t> ports;
  for (id.replica = 1; id.replica <= 50; ++id.replica) ports.insert(*create()->value().port);

  EXPECT_EQ(ports.size(), 50U);
}

TEST_F(SupervisorTest, NeverGivesOneUserIdToTwoContainers) {
  fake.host.root = true;
  actors::Settings settings;
  settings.uid_count = 3;
  restart(settings);
  for (id.replica = 1; id.replica <= 3; ++id.replica) EXPECT_TRUE(create()->has_value());

  const auto refused = create();
  id.replica = 2;
  EXPECT_TRUE(call<Status>(Remove{})->has_value());
  id.replica = 4;

  EXPECT_EQ(refused->error().kind, ErrorKind::CreateFailed);
  EXPECT_TRUE(create()->has_value());
}

TEST_F(SupervisorTest, ListsAllContainersInOrder) {
  for (id.replica = 600; id.replica > 0; --id.replica) create();

  auto list = system.ask<Result<std::vector<ContainerEntry>>>(supervisor, ListContainers{});

  ASSERT_TRUE(list && list->has_value());
  ASSERT_EQ((*list)->size(), 600U);
  EXPECT_EQ((*list)->front().id.replica, 1U);
  EXPECT_EQ((*list)->front().state.state, State::Created);
}

TEST_F(SupervisorTest, TellsThoseWhoWatchAllOfEveryEnd) {
  auto heard = std::make_shared<std::vector<ContainerExited>>();
  auto listener = system.actors().spawn([heard](caf::event_based_actor*) -> caf::behavior {
    return {[heard](const ContainerExited& news) { heard->push_back(news); }};
  });
  post(supervisor, Watch{weak(listener)});
  run_it();

  end({false, 5, false});

  ASSERT_EQ(heard->size(), 1U);
  EXPECT_EQ(heard->front().exit.code, 5);
}

TEST_F(SupervisorTest, KillsEverythingWhenItsRuntimeEndsAndKeepsTheFiles) {
  run_it();
  id.replica = 2;
  create();

  auto farewell = shut_down(OnExit::Kill);
  EXPECT_FALSE(farewell);
  EXPECT_EQ(fake.spawner->last().calls, std::vector<std::string>{"kill"});
  end({true, 9, false});

  EXPECT_TRUE(farewell && farewell->has_value());
  EXPECT_EQ(fake.files->present, (std::set<std::string>{"web-1", "web-2"}));
}

TEST_F(SupervisorTest, TakesFilesAlongThatShouldOutliveNothing) {
  RunOptions options;
  options.durability = Durability::None;
  create(service(), options);

  EXPECT_TRUE(shut_down(OnExit::Kill));

  EXPECT_TRUE(fake.files->present.empty());
}

TEST_F(SupervisorTest, LeavesDetachedProgramsAlone) {
  Settings settings;
  settings.on_exit = OnExit::Keep;
  restart(settings);
  run_it();
  EXPECT_FALSE(fake.spawner->launched.back().request.attached);

  EXPECT_TRUE(shut_down(OnExit::Keep));

  EXPECT_TRUE(fake.spawner->last().calls.empty());
}

TEST_F(SupervisorTest, EndsEvenWhenAProgramDoesNotDie) {
  run_it();
  auto farewell = shut_down(OnExit::Kill);

  system.advance(5900ms);
  EXPECT_FALSE(farewell);
  system.advance(300ms);

  EXPECT_TRUE(farewell);
}

TEST_F(SupervisorTest, RefusesNewContainersWhileItEnds) {
  shut_down(OnExit::Kill);

  EXPECT_EQ(create()->error().kind, ErrorKind::Conflict);
}

TEST_F(SupervisorTest, FindsAContainerWhoseActorDiedByItsRecord) {
  create();
  const auto lookup = [this] {
    return system.ask<Result<ContainerHandle>>(supervisor, Lookup{id})->value();
  };
  const auto first = lookup();
  auto wait = call<Result<ExitRecord>>(Wait{});

  caf::anon_send_exit(first, caf::exit_reason::kill);
  system.run();

  EXPECT_TRUE(wait && !wait->has_value());
  EXPECT_EQ(state(), State::Created);
  const auto second = lookup();
  EXPECT_NE(second, first) << "it has an actor again";
  EXPECT_EQ(second, lookup());
}

TEST_F(SupervisorTest, SeesThatSomebodyElseHasRemovedAContainer) {
  run_it();
  end();
  fake.files->present.clear();
  fake.files->records.clear();

  auto wait = send<Result<ExitRecord>>(Wait{});
  auto stop = send<Status>(Stop{});
  system.run();

  EXPECT_EQ(wait->error().kind, ErrorKind::NotFound);
  EXPECT_EQ(stop->error().kind, ErrorKind::NotFound);
  auto list = system.ask<Result<std::vector<ContainerEntry>>>(supervisor, ListContainers{});
  EXPECT_TRUE((*list)->empty());
  EXPECT_TRUE(create()->has_value());
  EXPECT_EQ(state(), State::Created);
}

TEST_F(SupervisorTest, FinishesARemovalThatSomebodyElseHasBegun) {
  create();
  fake.files->records["web-1"].replace(0, 6, "leave ");

  const auto list = system.ask<Result<std::vector<ContainerEntry>>>(supervisor, ListContainers{});
  system.run();

  EXPECT_TRUE(fake.files->present.empty());
  EXPECT_FALSE(is_known());
}

/// Another runtime made and left a container: this one knows only its record and traces.
struct RecoveryTest : SupervisorTest {
  RecoveryTest() {
    create();
    restart({});
    fake.traces->locked = true;
  }
  ContainerEntry entry() { return call<Result<ContainerEntry>>(GetEntry{})->value(); }
  void give_to(const std::string& owner) {
    auto& text = fake.files->records["web-1"];
    auto record = specs::parse_container_record(text).value();
    record.owner = owner;
    text = specs::to_text(record);
  }
  /// Its shim is gone, and has written this.
  void end_with(int code) {
    fake.traces->locked = false;
    fake.traces->shim.emplace();
    fake.traces->exit.emplace().status = code << 8;
    if (!fake.spawner->launched.empty()) end({false, code, false});
  }
};

TEST_F(RecoveryTest, AdoptsWhatRunsAndHearsItsEnd) {
  EXPECT_EQ(state(), State::Running);
  auto wait = send<Result<ExitRecord>>(Wait{});
  end_with(7);
  ASSERT_TRUE(wait && wait->has_value());
  EXPECT_EQ((*wait)->code, 7);
  EXPECT_EQ(state(), State::Exited);
}

TEST_F(RecoveryTest, SeesWhatOthersMakeOfAContainerThatItKnows) {
  end_with(7);
  give_to("other");
  EXPECT_EQ(state(), State::Exited);
  EXPECT_FALSE(entry().is_others);
  fake.files->live_owners.insert("other");
  EXPECT_TRUE(entry().is_others) << "its owner is there again";
  fake.traces->locked = true;
  EXPECT_EQ(state(), State::Running) << "started";
  end_with(9);
  EXPECT_EQ((*call<Result<ExitRecord>>(Wait{}))->code, 9);
  fake.traces->shim.reset();
  fake.traces->exit.reset();
  EXPECT_EQ(state(), State::Created) << "made anew";
  fake.files->records["web-1"].at(60) ^= 1;
  auto all = system.ask<Result<std::vector<ContainerEntry>>>(supervisor, ListContainers{});
  ASSERT_EQ((*all)->size(), 1U);
  EXPECT_TRUE((*all)->front().damaged);
  fake.files->records.clear();
  EXPECT_FALSE(is_known()) << "removed";
}

TEST_F(RecoveryTest, WaitsForWhatOthersStart) {
  fake.traces->locked = false;
  auto wait = send<Result<ExitRecord>>(Wait{});
  auto short_wait = send<Result<ExitRecord>>(Wait{500ms});
  system.advance(150ms);
  EXPECT_FALSE(wait);

  fake.traces->locked = true;
  system.advance(100ms);
  ASSERT_EQ(fake.spawner->launched.size(), 1U);
  system.advance(300ms);
  EXPECT_EQ(short_wait->error().kind, ErrorKind::Timeout);
  end_with(9);
  EXPECT_EQ((*wait)->code, 9);

  fake.traces->shim.reset();
  fake.traces->exit.reset();
  wait = send<Result<ExitRecord>>(Wait{});
  system.advance(150ms);
  EXPECT_FALSE(wait);
  fake.files->records.clear();
  system.advance(100ms);
  EXPECT_EQ(wait->error().kind, ErrorKind::NotFound);
}

TEST_F(RecoveryTest, AStopHoldsThoughOthersRemoveWhatItStopped) {
  EXPECT_EQ(state(), State::Running);
  auto stop = send<Status>(Stop{});
  system.run();
  EXPECT_THAT(fake.spawner->last().calls, testing::ElementsAre("stop 0s"));
  fake.files->records.clear();
  end_with(9);
  EXPECT_TRUE(stop->has_value());
  EXPECT_EQ(call<Status>(Stop{})->error().kind, ErrorKind::NotFound);
}

TEST_F(RecoveryTest, AStopThatComesTooLateIsAnsweredByTheDisk) {
  EXPECT_EQ(state(), State::Running);
  fake.traces->locked = false;
  auto stop = send<Status>(Stop{});
  system.run();
  EXPECT_FALSE(stop) << "the end is about to be heard";
  end_with(9);
  EXPECT_TRUE(stop->has_value()) << "it has ended";

  fake.traces->exit.reset();
  fake.traces->locked = true;
  EXPECT_EQ(state(), State::Running) << "started";
  fake.traces->locked = false;
  fake.files->records.clear();
  stop = send<Status>(Stop{});
  system.run();
  end_with(9);
  EXPECT_EQ(stop->error().kind, ErrorKind::NotFound) << "removed before the stop came";
}

TEST_F(RecoveryTest, AStopForARunThatOthersHaveBegunSinceIsForThatRun) {
  fake.traces->shim.emplace().cookie = 1;
  EXPECT_EQ(state(), State::Running);
  fake.traces->shim->cookie = 2;
  auto stop = send<Status>(Stop{});
  system.run();
  const auto first = fake.spawner->launched.size();
  EXPECT_TRUE(fake.spawner->last().calls.empty());
  end({false, 9, false});
  EXPECT_FALSE(stop);
  ASSERT_EQ(fake.spawner->launched.size(), first + 1);
  EXPECT_THAT(fake.spawner->last().calls, testing::ElementsAre("stop 0s"));
  end_with(9);
  EXPECT_TRUE(stop->has_value());
}

TEST_F(RecoveryTest, AStopIsForARunThatHadNoNameYetAndWhoseStarterHasGone) {
  give_to("starter");
  fake.files->live_owners.insert("starter");
  EXPECT_EQ(state(), State::Running) << "its shim has the lock, and has written nothing yet";
  fake.traces->shim.emplace().cookie = 1;
  fake.files->live_owners.clear();

  auto stop = send<Status>(Stop{});
  system.run();

  EXPECT_THAT(fake.spawner->last().calls, testing::ElementsAre("stop 0s"));
  end_with(9);
  EXPECT_TRUE(stop->has_value());
}

TEST_F(RecoveryTest, AStopDoesNotWaitForTheEndOfARunThatHadTheNameOfTheOneBefore) {
  fake.traces->shim.emplace().cookie = 1;
  EXPECT_EQ(state(), State::Running) << "a new one, but what is written is of the run before";
  fake.traces->shim->cookie = 2;
  auto stop = send<Status>(Stop{});
  system.run();
  EXPECT_TRUE(fake.spawner->last().calls.empty());

  system.advance(2s);

  EXPECT_THAT(fake.spawner->last().calls, testing::ElementsAre("stop 0s"));
  EXPECT_FALSE(stop);
  end_with(9);
  EXPECT_TRUE(stop->has_value());
}

TEST_F(RecoveryTest, AnswersCallsThatComeWhileACreateOfItsNameFails) {
  fake.files->create_error = Error{ErrorKind::Conflict, "exists", "remove it", {}, 0};
  auto made = system.send<Result<Created>>(supervisor, Create{id, service(), {}});
  auto wait = send<Result<ExitRecord>>(Wait{});
  system.run();
  EXPECT_EQ(made->error().kind, ErrorKind::Conflict);
  ASSERT_FALSE(wait) << "another runtime's container of that name runs";
  end_with(7);
  EXPECT_EQ((*wait)->code, 7);
}

TEST_F(RecoveryTest, KillsWhatOthersHaveStartedBeforeItRemovesIt) {
  end_with(7);
  give_to("other");
  EXPECT_EQ(state(), State::Exited);
  fake.files->live_owners.insert("other");
  fake.traces->locked = true;

  auto removed = send<Status>(Remove{});
  system.run();

  EXPECT_THAT(fake.spawner->last().calls, testing::ElementsAre("kill"));
}

TEST_F(RecoveryTest, LeavesWhatItOnlyLookedAtAloneWhenItGoes) {
  EXPECT_EQ(state(), State::Running);
  shut_down(OnExit::Kill);
  EXPECT_TRUE(fake.spawner->last().calls.empty());
  EXPECT_FALSE(fake.files->present.empty());
}

TEST_F(RecoveryTest, ListsThoseOfOthersOnlyWhenAsked) {
  auto own = system.ask<Result<std::vector<ContainerEntry>>>(supervisor, ListContainers{});
  EXPECT_TRUE((*own)->empty());
  auto all = system.ask<Result<std::vector<ContainerEntry>>>(supervisor, ListContainers{true});
  ASSERT_EQ((*all)->size(), 1U);
  EXPECT_EQ((*all)->front().state.state, State::Running);
}

TEST_F(RecoveryTest, RemovesALiveOwnersByAskingItsShim) {
  give_to("other");
  fake.files->live_owners.insert("other");
  auto removed = send<Status>(Remove{});
  system.run();
  EXPECT_TRUE(fake.files->marked.contains("web-1"));
  EXPECT_THAT(fake.spawner->last().calls, testing::ElementsAre("kill"));
  fake.spawner->end(0);
  system.run();
  EXPECT_TRUE(fake.files->present.empty());
}

TEST_F(RecoveryTest, DoesNotKillWhenTheRemovalCannotBeRecorded) {
  give_to("dead");
  fake.files->mark_error = Error{ErrorKind::Io, "disk full", "make room", {}, 0};
  EXPECT_EQ(call<Status>(Remove{})->error().kind, ErrorKind::Io);
  EXPECT_TRUE(fake.spawner->last().calls.empty());
  EXPECT_EQ(state(), State::Running);
}

TEST_F(RecoveryTest, FinishesARemovalThatWasCutShort) {
  give_to("dead");
  fake.traces->locked = false;
  fake.files->cut_short.insert("web-1");
  (void)state();
  system.run();
  EXPECT_TRUE(fake.files->present.empty());
}

TEST_F(RecoveryTest, LeavesALiveOwnerToItsCreationOrRemoval) {
  give_to("other");
  fake.files->live_owners.insert("other");
  fake.files->cut_short.insert("web-1");
  EXPECT_EQ(call<Status>(Remove{})->error().kind, ErrorKind::Conflict);
  EXPECT_FALSE(fake.files->present.empty());
}

TEST_F(RecoveryTest, NobodyElseGetsThePortOfOneThatSleeps) {
  fake.traces->locked = false;
  const auto port = *entry().port;
  EXPECT_TRUE(fake.files->ports().has(port));
  EXPECT_TRUE(*call<Status>(Remove{}));
  EXPECT_FALSE(fake.files->ports().has(port));
}

TEST_F(RecoveryTest, ListsWhatItCannotReadAsDamaged) {
  give_to("dead");
  fake.files->records["web-1"].back() = '!';
  fake.files->records["web-1"].insert(60, "x");
  auto all = system.ask<Result<std::vector<ContainerEntry>>>(supervisor, ListContainers{true});
  ASSERT_EQ((*all)->size(), 1U);
  EXPECT_TRUE((*all)->front().damaged);
  EXPECT_THAT((*all)->front().state.reason, testing::HasSubstr("damaged"));
}

TEST_F(RecoveryTest, TakesADeadOwnersContainerOverWhenItStartsIt) {
  give_to("dead");
  fake.traces->locked = false;
  EXPECT_EQ(state(), State::Created);
  auto started = send<Result<Started>>(Start{});
  system.run();
  EXPECT_TRUE(fake.files->records["web-1"].starts_with("owner nonce\n"));
  ASSERT_EQ(fake.spawner->launched.size(), 1U);
  fake.spawner->begin(0);
  system.run();
  EXPECT_EQ(state(), State::Running);
}

TEST_F(RecoveryTest, TakesAnotherPortWhenItsOwnIsTaken) {
  give_to("dead");
  fake.traces->locked = false;
  const auto before = *entry().port;
  fake.taken_ports.insert(before);
  restart({});
  send<Result<Started>>(Start{});
  system.run();
  EXPECT_NE(*entry().port, before);
  const auto record = specs::parse_container_record(fake.files->records["web-1"]).value();
  EXPECT_EQ(record.port, entry().port);
}

TEST_F(RecoveryTest, TellsHowItEndedBefore) {
  fake.traces->locked = false;
  fake.traces->exit.emplace();
  fake.traces->exit->status = 5 << 8;
  EXPECT_EQ(state(), State::Exited);
  EXPECT_EQ(call<Result<ExitRecord>>(Wait{})->value().code, 5);
  EXPECT_TRUE(call<Status>(Remove{})->has_value());
  EXPECT_TRUE(fake.files->present.empty());
}

TEST_F(RecoveryTest, SaysWhatIsWrongWithARecord) {
  fake.files->records["web-1"] = "owner nonce\nrubbish\n";
  const auto answer = call<Result<ContainerState>>(GetState{});
  ASSERT_FALSE(answer->has_value());
  EXPECT_EQ(answer->error().kind, ErrorKind::Internal);
}

}  // namespace
}  // namespace ringfort::actors
