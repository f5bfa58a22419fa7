#include "measure.hpp"
#include "ringfort/api/runtime.hpp"
#include "ringfort/cli/bench/contest.hpp"
#include "ringfort/messages/caf_version.hpp"
#include "ringfort/messages/configure.hpp"
#include "ringfort/messages/supervisor.hpp"

#include <caf/all.hpp>

#include <cstdio>

namespace ringfort::bench {
namespace {

using Clock = std::chrono::steady_clock;
using messages::GetState;
using messages::On;
using messages::SupervisorHandle;

constexpr std::size_t kContainers = 16;

/// What CAF itself is asked: an actor that answers at once.
using Echo = messages::Actor<int(int)>;

Echo::behavior_type echo() {
  return {[](int number) { return number; }};
}

/// Asks `ask(self, number, then)` one question after the other; the seconds that it took.
template <class Ask>
double questions(caf::actor_system& system, std::size_t count, Ask ask) {
  const auto begin = Clock::now();
  const auto asker = system.spawn([count, ask](caf::event_based_actor* self) {
    // Kept alive by the answers that are still to come.
    const auto next = std::make_shared<std::function<void(std::size_t)>>();
    *next = [self, count, ask, again = std::weak_ptr{next}](std::size_t number) {
      if (number == count) return;
      ask(self, number, [kept = again.lock(), number] { (*kept)(number + 1); });
    };
    (*next)(0);
  });
  caf::scoped_actor waiter{system};
  waiter->wait_for(asker);
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

Result<std::vector<ContainerId>> start_containers(Runtime& runtime) {
  std::vector<ContainerId> ids;
  for (std::size_t i = 0; i < kContainers; ++i) {
    ids.push_back({"asked-" + std::to_string(i), 1});
    // Of one that does not run the disk is asked, too, whether it is still the same.
    const auto made =
        runtime.create_container(ids.back(), cli::payload_service("stamp", {"sleep"}));
    if (!made) return fail(made.error());
    if (const auto begun = runtime.start_container(ids.back()); !begun) return fail(begun.error());
  }
  return ids;
}

int measure(const MessagesAsked& asked, caf::actor_system& system, Runtime& runtime) {
  const auto started = start_containers(runtime);
  if (!started) return refuse(started.error());
  const auto& ids = *started;
  const auto& supervisor = *static_cast<const SupervisorHandle*>(runtime.supervisor_handle());
  const auto partner = system.spawn(echo);
  std::vector<double> ours, theirs;
  std::atomic<std::size_t> failures = 0;
  for (std::size_t round = 0; round < asked.rounds; ++round) {
    theirs.push_back(questions(system, asked.messages, [&](auto* self, auto number, auto then) {
      self->request(partner, caf::infinite, static_cast<int>(number)).then([then](int) { then(); });
    }));
    ours.push_back(questions(system, asked.messages, [&](auto* self, auto number, auto then) {
      self->request(supervisor, caf::infinite, On{ids[number % ids.size()], GetState{}})
          .then([then, &failures](const Result<ContainerState>& state) {
            if (!state) ++failures;
            then();
          });
    }));
  }
  if (failures > 0)
    return refuse({ErrorKind::Internal, std::to_string(failures) + " failed", {}, {}, 0});
  const auto count = static_cast<double>(asked.messages);
  const double rate = count / median(ours);
  const double caf_rate = count / median(theirs);
  if (asked.is_json)
    cli::print(cli::Json{{"per_second", rate}, {"caf_per_second", caf_rate}});
  else
    std::printf("%zu questions: %.0f /s through the supervisor, CAF alone %.0f /s, ratio %.2f\n",
                asked.messages, rate, caf_rate, rate / caf_rate);
  return 0;
}

}  // namespace

int measure_messages(const MessagesAsked& asked) {
  const auto place = cli::Workplace::make();
  if (!place) return refuse(place.error());
  caf::actor_system_config config;
  messages::configure(config);
  caf::actor_system system{config};
  RuntimeConfig own;
  own.data_dir = place->data();
  own.system = &system;
  auto runtime = Runtime::open(std::move(own));
  if (!runtime) return refuse(runtime.error());
  if (auto added = (*runtime)->register_local_rootfs("stamp", place->image("stamp")); !added)
    return refuse(added.error());
  return measure(asked, system, **runtime);
}

}  // namespace ringfort::bench
