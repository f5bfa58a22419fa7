#include "ringfort/api/runtime.hpp"

#include "open_runtime.hpp"
#include "ringfort/messages/ask.hpp"
#include "ringfort/messages/configure.hpp"
#include "ringfort/messages/supervisor.hpp"

#include <atomic>
#include <future>
#include <thread>
#include <vector>

namespace ringfort {
namespace {

using namespace std::chrono_literals;

struct RuntimeTest : OpenRuntime {};

TEST_F(RuntimeTest, MakesItsDirectories) {
  for (const char* name : {"data", "data/containers", "data/images", "data/logs"})
    EXPECT_TRUE(test::exists(dir / name)) << name;
  EXPECT_EQ(runtime->config().log_dir, dir / "data/logs");
}

TEST(RuntimeConfigTest, IsRefusedWithARemedy) {
  RuntimeConfig nowhere;
  RuntimeConfig no_ports;
  no_ports.data_dir = "/tmp/never-made";
  no_ports.port_range = {9, 8};
  for (const auto& config : {nowhere, no_ports}) {
    auto opened = Runtime::open(config);
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().kind, ErrorKind::InvalidSpec);
    EXPECT_FALSE(opened.error().hint.empty());
  }
}

TEST_F(RuntimeTest, TellsOfEveryEnd) {
  std::promise<int> heard;
  runtime->on_exit([&](const ContainerId&, const ExitRecord& exit) { heard.set_value(exit.code); });

  run("exit 6");

  auto answer = heard.get_future();
  ASSERT_EQ(answer.wait_for(30s), std::future_status::ready);
  EXPECT_EQ(answer.get(), 6);
}

TEST_F(RuntimeTest, RefusesToBlockAThreadOfTheActorSystem) {
  std::promise<ErrorKind> kind;
  runtime->on_exit([&](const ContainerId& ended, const ExitRecord&) {
    kind.set_value(runtime->container_state(ended).error().kind);
  });

  run("true");

  auto answer = kind.get_future();
  ASSERT_EQ(answer.wait_for(30s), std::future_status::ready);
  EXPECT_EQ(answer.get(), ErrorKind::Unsupported);
}

TEST_F(RuntimeTest, KillsWhatRunsAndKeepsItsFilesWhenItEnds) {
  std::atomic<int> ends = 0;
  runtime->on_exit([&](const ContainerId&, const ExitRecord&) { ++ends; });
  run("sleep 300 & sleep 300");

  runtime.reset();

  EXPECT_EQ(ends, 1);
  EXPECT_TRUE(test::exists(dir / "data/containers/web-1/pid"));
  open();
  create("true");  // a dead leftover does not stand in the way
}

TEST_F(RuntimeTest, LeavesTheContainersOfItsNeighbourAlone) {
  run("sleep 300");
  RuntimeConfig config;
  config.data_dir = dir / "data";
  auto neighbour = std::move(*Runtime::open(config));

  EXPECT_EQ(neighbour->create_container(id, shell("true")).error().kind, ErrorKind::Conflict);
  EXPECT_EQ(neighbour->start_container(id).error().kind, ErrorKind::Conflict);
  neighbour.reset();

  EXPECT_EQ(runtime->container_state(id)->state, State::Running);
}

TEST_F(RuntimeTest, HearsThatItsNeighbourHasRemovedAContainer) {
  std::promise<ExitRecord> heard;
  runtime->on_exit([&](const ContainerId&, const ExitRecord& exit) { heard.set_value(exit); });
  run("sleep 300");
  RuntimeConfig config;
  config.data_dir = dir / "data";
  auto neighbour = std::move(*Runtime::open(config));

  EXPECT_TRUE(neighbour->remove_container(id));

  EXPECT_EQ(heard.get_future().get().reason, EndReason::Stopped);
  EXPECT_EQ(runtime->wait_exit(id).error().kind, ErrorKind::NotFound);
  EXPECT_FALSE(test::exists(dir / "data/containers/web-1"));
  EXPECT_EQ(runtime->start_container(id).error().kind, ErrorKind::NotFound);
  EXPECT_TRUE(runtime->remove_container(id));
  create("true");
}

TEST_F(RuntimeTest, RunsOnTheActorSystemOfItsCaller) {
  runtime.reset();
  caf::actor_system_config config;
  messages::configure(config);
  caf::actor_system system{config};
  RuntimeConfig over;
  over.system = &system;
  open(over);
  // Whatever fails below, the runtime must go before the system that it runs on.
  std::shared_ptr<void> guard(nullptr, [this](void*) { runtime.reset(); });
  create("exit 9");

  auto supervisor = *static_cast<const messages::SupervisorHandle*>(runtime->supervisor_handle());
  auto found = messages::ask<Result<messages::ContainerHandle>>(system, supervisor, 10s,
                                                                messages::Lookup{id});
  ASSERT_TRUE(found);
  int code = 0;
  {
    caf::scoped_actor self{system};
    self->send(*found, messages::Watch{});
    ASSERT_TRUE(runtime->start_container(id));
    self->receive([&](const messages::ContainerExited& news) { code = news.exit.code; },
                  caf::after(std::chrono::seconds(30)) >> [] {});
  }
  EXPECT_EQ(code, 9);
}

TEST_F(RuntimeTest, ServesManyThreadsAtOnce) {
  std::atomic<int> good = 0;
  std::vector<std::thread> threads;
  for (std::uint32_t replica = 1; replica <= 16; ++replica)
    threads.emplace_back([&, replica] {
      ContainerId mine{"many", replica};
      for (int round = 0; round < 3; ++round) {
        bool made = runtime->create_container(mine, shell("exit 5")).has_value() &&
                    runtime->start_container(mine).has_value();
        if (made && runtime->wait_container(mine).value_or(0) == 5 &&
            runtime->remove_container(mine).has_value())
          ++good;
      }
    });
  for (auto& thread : threads) thread.join();

  EXPECT_EQ(good, 48);
  EXPECT_TRUE(runtime->list_containers()->empty());
}

TEST(Explain, ShowsPolicyAndPlanWithoutMakingAnything) {
  specs::Service service;
  service.image.name = "host";
  service.command.entrypoint = {"/bin/true"};

  auto text = explain(service, {}, Isolation::Auto);

  ASSERT_TRUE(text) << to_string(text.error());
  EXPECT_NE(text->seatbelt.find("(version 1)"), std::string::npos);
  EXPECT_NE(text->linux_plan.find("/bin/true"), std::string::npos);
  EXPECT_FALSE(text->policy.empty());
}

}  // namespace
}  // namespace ringfort
