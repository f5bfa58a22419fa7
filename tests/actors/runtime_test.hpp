// Fixture: all actors of one runtime over fakes, in virtual time.
#pragma once

#include "fakes.hpp"
#include "ringfort/actors/launcher.hpp"
#include "ringfort/actors/port_broker.hpp"
#include "ringfort/actors/rootfs.hpp"
#include "ringfort/actors/supervisor.hpp"
#include "virtual_system.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

namespace ringfort::fakes {

class RuntimeTest : public testing::Test {
 protected:
  template <class T>
  using Reply = VirtualSystem::Reply<T>;

  RuntimeTest() { restart({}); }
  ~RuntimeTest() override { end_actors(); }

  /// All actors anew with other settings.
  void restart(actors::Settings settings) {
    end_actors();
    auto seams = fake.seams([this] { return system.now(); });
    auto context = std::make_shared<actors::Context>();
    context_ = context;
    context->settings = settings;
    context->seams = seams;
    context->host = seams.host_facts();
    context->system = &system.actors();
    context->rootfs = actors::spawn_rootfs(system.actors(), settings, seams, 2);
    context->ports = actors::spawn_port_broker(system.actors(), settings.ports, seams);
    context->launcher = actors::spawn_launcher(system.actors(), seams);
    supervisor = actors::spawn_supervisor(system.actors(), context);
    system.run();
  }

  static std::shared_ptr<const specs::Service> service() {
    auto service = std::make_shared<specs::Service>();
    service->image.name = "host";
    service->command.entrypoint = {"/bin/true"};
    return service;
  }
  static std::shared_ptr<const specs::Service> limited(Bytes limit) {
    auto copy = std::make_shared<specs::Service>(*service());
    copy->resources.memory = limit;
    return copy;
  }

  Reply<Result<Created>> create(std::shared_ptr<const specs::Service> what = service(),
                                RunOptions options = {}) {
    return system.ask<Result<Created>>(supervisor, messages::Create{id, std::move(what), options});
  }
  template <class T, class Message>
  Reply<T> call(Message message) {
    return system.ask<T>(supervisor, messages::On<Message>{id, std::move(message)});
  }
  template <class T, class Message>
  Reply<T> send(Message message) {
    return system.send<T>(supervisor, messages::On<Message>{id, std::move(message)});
  }
  State state() {
    auto answer = call<Result<ContainerState>>(messages::GetState{});
    EXPECT_TRUE(answer && answer->has_value());
    return (*answer)->state;
  }
  bool is_known() { return call<Result<ContainerState>>(messages::GetState{})->has_value(); }
  void run_it() {
    ASSERT_TRUE(create()->has_value());
    auto started = call<Result<Started>>(messages::Start{});
    fake.spawner->begin(fake.spawner->launched.size() - 1);
    system.run();
    ASSERT_TRUE(started && started->has_value());
  }
  void end(RawExit raw = {}, EndCauses causes = {}) {
    fake.spawner->end(fake.spawner->launched.size() - 1, raw, causes);
    system.run();
  }

  /// They hold each other, so they would stay for ever. A container that is killed tells nobody.
  void end_actors() {
    if (!context_) return;
    const auto entries =
        system.ask<Result<std::vector<ContainerEntry>>>(supervisor, messages::ListContainers{});
    std::vector<caf::actor> all;
    if (entries && *entries)
      for (const auto& entry : **entries)
        if (const auto found = system.ask<Result<messages::ContainerHandle>>(
                supervisor, messages::Lookup{entry.id});
            found && *found)
          all.push_back(caf::actor_cast<caf::actor>(**found));
    for (const auto& one : all) caf::anon_send_exit(one, caf::exit_reason::kill);
    system.run();
    for (const caf::actor& one :
         {caf::actor_cast<caf::actor>(supervisor), caf::actor_cast<caf::actor>(context_->launcher),
          caf::actor_cast<caf::actor>(context_->watchdog_if_any()),
          caf::actor_cast<caf::actor>(context_->ports),
          caf::actor_cast<caf::actor>(context_->rootfs)})
      if (one) caf::anon_send_exit(one, caf::exit_reason::user_shutdown);
    system.run();
    context_.reset();
  }

  ContainerId id{"web", 1};
  FakePlatform fake;
  VirtualSystem system;
  messages::SupervisorHandle supervisor;

 private:
  std::shared_ptr<actors::Context> context_;
};

}  // namespace ringfort::fakes
