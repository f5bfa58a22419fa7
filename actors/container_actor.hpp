// The state of the container actor. Only for container.cpp (calls), container_effects.cpp,
// container_restart.cpp, container_look.cpp and container_behavior.cpp.
#pragma once

#include "ringfort/actors/container_machine.hpp"
#include "ringfort/actors/context.hpp"
#include "ringfort/actors/recovery.hpp"
#include "ringfort/actors/site.hpp"
#include "ringfort/messages/container.hpp"
#include "ringfort/platform/fd.hpp"
#include "ringfort/specs/restart.hpp"

#include <array>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace ringfort::actors {

class Container {
 public:
  using Handle = messages::ContainerInbox;
  static constexpr const char* name = "ringfort.container";

  Container(messages::Self<Handle> self, ContextPtr context, messages::SupervisorInbox supervisor,
            ContainerId id);
  ~Container();
  Container(const Container&) = delete;
  Container& operator=(const Container&) = delete;

  Handle::behavior_type make_behavior();  ///< in container_behavior.cpp

 private:
  template <class T>
  using Answer = messages::Answer<T>;
  template <class T>
  using Promise = messages::Promise<T>;

  // Calls, in container.cpp.
  Answer<Result<Created>> on_create(messages::CreateCall& call);
  Answer<Result<Started>> on_start(messages::Start& call);
  Answer<Status> on_stop(messages::Stop& call);
  Answer<Status> on_kill(messages::Kill& call);
  Answer<Status> on_pause(messages::Pause& call);
  Answer<Status> on_unpause(messages::Unpause& call);
  Answer<Status> on_remove(messages::Remove& call);
  void remove_marked();
  void give_up_unless(const Status& asked);
  Answer<Status> on_shutdown(const messages::Shutdown& call);
  void on_restore(const messages::Restore& call);
  Answer<Result<bool>> on_adopt();
  Answer<Result<ExitRecord>> on_wait(messages::Wait& call);
  Answer<Result<ExecResult>> on_exec(messages::Exec& call);
  Answer<Result<ContainerState>> on_get_state(messages::GetState& call);
  Answer<Result<ContainerEntry>> on_get_entry(messages::GetEntry& call);
  Answer<Result<Stats>> on_get_stats(messages::GetStats& call);
  Answer<Result<std::vector<LogEntry>>> on_get_logs(messages::GetLogs& call);
  ContainerState state() const;
  void on_watch(const messages::Watch& call);

  // News, in container.cpp.
  void on_launched(messages::Launched& news);
  void on_began(const messages::Began& news);
  void on_exited(messages::Exited& news);
  void on_restart_due(const messages::RestartDue& news);
  void on_kill_overdue(const messages::KillOverdue& news);
  void on_wait_overdue(const messages::WaitOverdue& news);
  void on_exec_ended(messages::ExecEnded& news);

  // Which call is for whom, in container_behavior.cpp.
  template <class T, class Message>
  using Handler = Answer<T> (Container::*)(Message& call);
  template <class T, class Message>
  auto after_look(Handler<T, Message> handler);
  template <class T, class Message>
  auto at_once(Handler<T, Message> handler);
  template <class T, class Message>
  auto passed_on();
  template <class T, class Message>
  auto passed_on_as_found();
  template <class T, class Message>
  Answer<T> keep(Message& call);
  void ask_supervisor(Promise<Result<Created>>& promise, messages::CreateCall& call);
  template <class T, class Message>
  void ask_supervisor(Promise<T>& promise, Message& call);
  Handle::behavior_type make_last_behavior();

  // Looking at what others may have done, in container_look.cpp.
  bool may_be_overtaken() const;
  bool is_watched() const;
  bool is_still_ours() const;
  void look();
  void on_look(bool is_as_known);
  void look_later();
  void on_look_due();
  void on_end_due();

  // Feeding the machine and doing what it says, in container_effects.cpp.
  Status feed(Event event, messages::Generation generation = 0);
  Status apply(const Step& step);
  Status perform(Effect effect);
  void build();
  void build_with_port();
  void build_failed(Error error);
  bool wants_record() const;
  void open();
  void open_as_ours();
  void open_recorded();
  void take_over();
  void open_files();
  bool hold_port_again();
  void launch(messages::Generation generation);
  void start_failed(messages::Generation generation, Error error);
  Status stop_run();
  Status kill_tree(bool oom);
  void expect_death(Duration patience);
  void guard();
  void unguard();
  void store_exit();

  // What the restart policy says, in container_restart.cpp.
  bool has_policy() const;
  bool is_recorded() const;  ///< what was built, or found, has one
  void keep_streams();
  void note_start();
  void consider_restart(Duration ran);
  Duration ran() const;
  double dice() const;
  void resume();
  using Taken = std::function<void(const Status&)>;
  void take_over_then(Taken then);
  void become_owner(const Recovered& taken);
  void wait_for_restart(Duration delay);
  using Written = std::function<void(const Status&)>;
  void write_restarts(Written then);
  void write_next();
  void stop_noted(const messages::Stop& call);
  void write_stop(const messages::Stop& call);
  void refuse_stops(Error why);
  std::optional<std::uint16_t> port_number() const;
  void stop_now(const messages::Stop& call);

  void leave();
  void lose_name();
  void answer_create();
  void answer_start();
  void answer_stop();
  void answer_remove();
  void discard();
  void quit();
  void hand_over();
  void answer_everything();
  static void answer_all(std::vector<Promise<Status>>& callers, const Status& answer);
  Error given_up() const;
  Error helper_gone(const char* which) const;
  Error error(ErrorKind kind, std::string what, std::string hint) const;
  Error named(Error error) const;

  messages::Self<Handle> self_;
  ContextPtr context_;
  messages::SupervisorInbox supervisor_;
  ContainerId id_;
  Machine machine_;

  // What it is.
  std::shared_ptr<const specs::Service> service_;
  RunOptions options_;
  std::optional<std::uint32_t> uid_;
  std::shared_ptr<const platform::HeldPort> port_;
  std::shared_ptr<const Site> site_;
  std::shared_ptr<const Recovered> found_;  ///< it was found on disk and is not ours yet

  // The run of the present generation.
  std::shared_ptr<platform::RunRequest> request_;
  std::shared_ptr<void> turn_;  ///< to start, until it has begun or has not
  Duration queued_{};           ///< until that turn
  std::shared_ptr<platform::Run> run_;
  std::optional<messages::Began> began_;
  std::optional<messages::Exited> ending_;
  std::optional<ExitRecord> exit_;
  std::optional<Error> failure_;  ///< why the last create, start or remove failed
  Duration patience_{};           ///< of the last stop
  std::uint64_t death_ticket_ = 0;
  bool guarded_ = false;
  bool limit_is_ours_ = false;  ///< else its shim holds the tree to it
  bool is_removed_ = false;
  bool port_unheld_ = false;                  ///< taken over: its port was held by the shim only
  std::array<platform::Fd, 3> kept_streams_;  ///< for further starts by the policy
  specs::RestartHistory restarts_;
  bool by_policy_ = false;  ///< the present start
  std::uint64_t restart_ticket_ = 0;
  bool is_writing_ = false;         ///< of the history
  std::vector<Written> unwritten_;  ///< who waits for the write after that
  bool is_taking_over_ = false;     ///< what was found is about to be ours
  bool streams_lent_ = false;       ///< the caller's descriptors are still good

  // Calls that wait for a look at the disk; each hears whether the container is the one we know.
  bool is_looking_ = false;
  bool is_look_due_ = false;
  std::vector<std::function<void(bool)>> kept_calls_;

  // Who waits for what.
  std::optional<Promise<Result<Created>>> create_;
  std::optional<Promise<Result<Started>>> start_;
  std::vector<Promise<Status>> stops_;
  std::vector<Promise<Status>> removes_;
  std::vector<Promise<Result<bool>>> adoptions_;
  struct Waiting {
    Promise<Result<ExitRecord>> promise;
    std::optional<std::chrono::steady_clock::time_point> until;
  };
  std::map<std::uint64_t, Waiting> waits_;
  std::map<std::uint64_t, Promise<Result<ExecResult>>> execs_;
  std::vector<caf::weak_actor_ptr> watchers_;
  std::uint64_t next_ticket_ = 1;
};

}  // namespace ringfort::actors
