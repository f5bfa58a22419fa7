#include "ringfort/actors/container.hpp"

#include "ringfort/actors/container_actor.hpp"
#include "ringfort/actors/signals.hpp"

#include <algorithm>

namespace ringfort::actors {

using namespace messages;

namespace {

/// Timers take no more than this, and no less than nothing.
Duration bounded(Duration patience) {
  return std::clamp(patience, Duration{0}, Duration{std::chrono::hours(24 * 365)});
}

}  // namespace

Container::Container(Self<Handle> self, ContextPtr context, SupervisorInbox supervisor,
                     ContainerId id)
    : self_(self),
      context_(std::move(context)),
      supervisor_(std::move(supervisor)),
      id_(std::move(id)) {}

// ---------------------------------------------------------------- calls that change something

Answer<Result<Created>> Container::on_create(CreateCall& call) {
  bool first = !service_;
  Step step = first ? Step{machine_, {Effect::Build}, {}} : actors::step(machine_, Event::Create);
  if (step.refusal) return fail(apply(step).error());
  if (!first && (!call.options.replace || call.options.origin != options_.origin))
    return fail(
        error(ErrorKind::Conflict, "exists already", "remove it first, or choose another id"));
  service_ = std::move(call.service);
  options_ = std::move(call.options);
  // What is handed over must be held first.
  if (specs::activated_endpoint(service_->endpoints) != nullptr) options_.own_port = true;
  uid_ = call.uid;
  streams_lent_ = true;
  restarts_ = {};
  keep_streams();
  auto promise = make_promise<Result<Created>, Handle>(self_);
  create_ = promise;
  (void)apply(step);
  return promise;
}

Answer<Result<Started>> Container::on_start(Start&) {
  Step step = actors::step(machine_, Event::Start);
  if (!step.refusal) by_policy_ = false;
  if (Status legal = apply(step); !legal) return fail(std::move(legal.error()));
  start_ = make_promise<Result<Started>, Handle>(self_);
  return *start_;
}

Answer<Status> Container::on_stop(Stop& call) {
  Step step = actors::step(machine_, Event::Stop);
  if (step.refusal) return Status{apply(step)};
  auto promise = make_promise<Status, Handle>(self_);
  stops_.push_back(promise);
  if (has_policy()) {
    stop_noted(call);
  } else {
    stop_now(call);
  }
  return promise;
}

void Container::stop_now(const Stop& call) {
  Step step = actors::step(machine_, Event::Stop);
  if (step.refusal) return refuse_stops(apply(step).error());
  patience_ = bounded(call.patience);
  give_up_unless(apply(step));
  if (machine_.state == State::Exited)
    kept_streams_ = {};  // it waited, and there is no further run
}

Answer<Status> Container::on_kill(Kill& call) {
  auto number = parse_signal(call.signal);
  if (!number) return fail(named(std::move(number.error())));
  if (Status legal = feed(Event::Kill); !legal) return legal;
  if (!run_) return fail(error(ErrorKind::Conflict, "is not running yet", "call again"));
  return run_->signal(*number, call.whole_tree);
}

Answer<Status> Container::on_pause(Pause&) {
  Step step = actors::step(machine_, Event::Pause);
  Status done = apply(step);
  if (!done && !step.refusal) (void)feed(Event::FreezeFailed, machine_.generation);
  return done;
}

Answer<Status> Container::on_unpause(Unpause&) { return feed(Event::Unpause); }

Answer<Status> Container::on_remove(Remove&) {
  auto promise = make_promise<Status, Handle>(self_);
  removes_.push_back(promise);
  // What has ended is removed in one step. Between a kill and that step this process may die.
  if (machine_.alive && site_ && site_->durability != Durability::None) {
    remove_marked();
  } else {
    (void)feed(Event::Remove);
  }
  return promise;
}

/// A shim of a newer version can't be asked. One that is gone is about to be heard of: no failure.
void Container::give_up_unless(const Status& asked) {
  if (asked || asked.error().kind != ErrorKind::Unsupported) return;
  answer_all(stops_, asked);
  answer_all(removes_, asked);
}

void Container::remove_marked() {
  request(self_, context_->rootfs, MarkLeaving{id_, site_})
      .then(
          [this](Status& marked) {
            if (!marked) return answer_all(removes_, fail(named(std::move(marked.error()))));
            give_up_unless(feed(Event::Remove));
          },
          [this](caf::error&) { answer_all(removes_, fail(helper_gone("the rootfs actor"))); });
}

Answer<Status> Container::on_shutdown(const Shutdown& call) {
  auto farewell = Farewell::LetRun;
  bool leaves_nothing =
      options_.durability.value_or(context_->settings.durability) == Durability::None;
  if (call.how == OnExit::Kill || leaves_nothing)
    farewell = leaves_nothing ? Farewell::KillAndDiscard : Farewell::KillAndKeepFiles;
  if (found_) farewell = Farewell::LetRun;  // only looked at
  if (farewell == Farewell::LetRun && site_ && site_->cgroup) site_->cgroup->keep();
  auto promise = make_promise<Status, Handle>(self_);
  removes_.push_back(promise);
  (void)apply(shut_down(machine_, farewell));
  return promise;
}

void Container::on_restore(const Restore& call) {
  found_ = call.found;
  service_ = found_->service;
  options_ = found_->options;
  uid_ = found_->uid;
  site_ = found_->site;
  if (found_->port) {
    platform::HeldPort held;  // the shim holds it, if anybody does
    held.port = *found_->port;
    port_ = std::make_shared<const platform::HeldPort>(std::move(held));
  }
  exit_ = found_->exit;
  restarts_ = found_->restarts;
  const bool paused = found_->found == platform::Found::Paused;
  if (paused || found_->found == platform::Found::Running) {
    const auto state_dir = state_directory(*context_->seams.files, id_);
    Handle me{self_};
    auto run = context_->seams.spawner->adopt(
        id_.str(), state_dir,
        {[me](const platform::ProgramStarted& began) {
           post(me, Began{1, began.shim_pid, began.main_pid, began.at});
         },
         [me](const platform::ProgramEnded& ended) {
           post(me, Exited{1, ended.exit, ended.start_error});
         }});
    if (run) {
      run_ = std::move(*run);
      began_ = found_->began;
      machine_ = found_as(paused ? State::Paused : State::Running);
      if (!paused) guard();
      if (found_->leaving) (void)feed(Event::Remove);
      return;
    }
    // It ended since it was looked at, and may be gone: who asks gets another look.
    machine_ = found_as(State::Created);
    return look();
  }
  const bool waits = has_policy() && restarts_.next_start && !restarts_.stopped_by_user;
  if (waits) {
    machine_ = found_as(State::Backoff);
  } else if (!exit_) {
    machine_ = found_as(State::Created);
  } else if (!restarts_.gave_up.empty()) {
    failure_ = given_up();
    machine_ = found_as(State::Failed);
  } else if (exit_->reason == EndReason::StartFailed) {
    failure_ = error(ErrorKind::StartFailed, "could not be started", "look at its exit record");
    machine_ = found_as(State::Failed);
  } else {
    machine_ = found_as(State::Exited);
  }
  // Who began its removal is dead, or at it still: either way it can be finished here.
  if (found_->leaving) (void)feed(Event::Remove);
}

Answer<Result<ExitRecord>> Container::on_wait(Wait& call) {
  if (Status legal = feed(Event::Wait); !legal) return fail(std::move(legal.error()));
  bool ended = machine_.state == State::Exited || machine_.state == State::Failed ||
               machine_.state == State::Backoff;
  if (ended && exit_) return Result<ExitRecord>{*exit_};
  auto promise = make_promise<Result<ExitRecord>, Handle>(self_);
  auto ticket = next_ticket_++;
  Waiting waiting{promise, {}};
  if (call.patience) {
    waiting.until = context_->seams.uptime() + bounded(*call.patience);
    post_after(Handle{self_}, bounded(*call.patience), WaitOverdue{ticket});
  }
  waits_.emplace(ticket, std::move(waiting));
  look_later();
  return promise;
}

Answer<Result<ExecResult>> Container::on_exec(Exec& call) {
  if (call.command.empty())
    return fail(error(ErrorKind::InvalidSpec, "the command to run is empty", "name a program"));
  const ExecOptions& options = call.options;
  const int lent = (options.stdin_fd >= 0) + (options.stdout_fd >= 0) + (options.stderr_fd >= 0);
  if ((lent != 0 && lent != 3) || (options.terminal && lent == 0))
    return fail(error(ErrorKind::InvalidSpec, "only some of the command's streams are given",
                      "give stdin_fd, stdout_fd and stderr_fd, or none and no terminal"));
  if (Status legal = feed(Event::Exec); !legal) return fail(std::move(legal.error()));

  platform::Command command;
  command.argv = std::move(call.command);
  command.env = std::move(call.options.env);
  command.workdir = std::move(call.options.workdir);
  command.own_port = port_ ? std::optional{port_->port} : std::nullopt;
  command.deadline = call.options.timeout;
  command.terminal = call.options.terminal;
  auto plan = platform::make_exec_plan(site_->plan, site_->policy, command, context_->host);
  if (!plan) return fail(named(std::move(plan.error())));

  auto promise = make_promise<Result<ExecResult>, Handle>(self_);
  auto ticket = next_ticket_++;
  execs_.emplace(ticket, promise);
  Handle me{self_};
  run_->exec(
      {std::move(*plan), context_->settings.exec_output_limit, std::move(call.options.stdin_text),
       options.stdin_fd, options.stdout_fd, options.stderr_fd, options.cancel_fd},
      [me, ticket](Result<ExecResult> result) {
        post(me, ExecEnded{ticket, std::move(result)});
      });
  return promise;
}

// ---------------------------------------------------------------- questions

ContainerState Container::state() const {
  ContainerState state{machine_.state, exit_, {}};
  if (failure_ && machine_.state == State::Failed) state.reason = to_string(*failure_);
  return state;
}

Answer<Result<ContainerState>> Container::on_get_state(GetState&) {
  return Result<ContainerState>{state()};
}

Answer<Result<ContainerEntry>> Container::on_get_entry(GetEntry&) {
  ContainerEntry entry;
  entry.id = id_;
  if (service_) entry.image = service_->image.name;
  entry.state = state();
  if (port_) entry.port = port_->port;
  if (began_ && machine_.alive) entry.pid = began_->main_pid;
  if (service_) entry.command = command_line(service_->command);
  entry.restarts = restarts_.restarts;
  if (machine_.state == State::Backoff) entry.next_start = restarts_.next_start_wall;
  entry.is_others = found_ && found_->has_live_owner;
  if (site_) {
    entry.level = site_->level;
    entry.lowered = site_->lowered;
    entry.overlay = site_->has_overlay();
    entry.layers = site_->layers;
    entry.missing = site_->missing;
    entry.not_enforced = site_->not_enforced;
  }
  const bool may_wait = machine_.state == State::Creating || machine_.state == State::Starting;
  if (!may_wait) return Result<ContainerEntry>{std::move(entry)};
  auto promise = make_promise<Result<ContainerEntry>, Handle>(self_);
  request(self_, context_->rootfs, AskPlace{id_})
      .then(
          [promise, entry](Result<std::optional<QueuePlace>>& place) mutable {
            entry.queued = *place;
            promise.deliver(Result<ContainerEntry>{std::move(entry)});
          },
          [promise, entry](caf::error&) mutable {
            promise.deliver(Result<ContainerEntry>{std::move(entry)});
          });
  return promise;
}

Answer<Result<Stats>> Container::on_get_stats(GetStats&) {
  if (Status legal = feed(Event::ReadStats); !legal) return fail(std::move(legal.error()));
  if (!began_) return fail(error(ErrorKind::Conflict, "is not running yet", "call again"));
  return messages::delegate(self_, context_->watchdog(), Measure{began_->shim_pid, site_});
}

Answer<Result<std::vector<LogEntry>>> Container::on_get_logs(GetLogs& call) {
  // No lines would say that it is there, and its create may yet fail.
  if (machine_.state == State::Creating)
    return fail(error(ErrorKind::Conflict, "is being created", "wait until create has answered"));
  return messages::delegate(self_, context_->rootfs, ReadLog{id_, call.query});
}

void Container::on_watch(const Watch& call) {
  auto watcher = or_sender(call.who, self_);
  if (exit_) post_to(watcher, ContainerExited{id_, *exit_, machine_.generation});
  watchers_.push_back(std::move(watcher));
}

// ---------------------------------------------------------------- news

void Container::on_launched(Launched& news) {
  if (news.generation != machine_.generation) return;
  if (!news.run) return start_failed(news.generation, std::move(news.run.error()));
  run_ = std::move(*news.run);
  (void)feed(Event::Launched, news.generation);
}

void Container::on_began(const Began& news) {
  if (news.generation != machine_.generation) return;
  turn_.reset();
  began_ = news;
  (void)feed(Event::Began, news.generation);
  if (found_ && machine_.state == State::Running) guard();
}

void Container::on_exited(Exited& news) {
  if (news.generation != machine_.generation || !machine_.alive) return;
  turn_.reset();
  auto event = news.start_error ? Event::StartFailed : Event::Ended;
  constexpr int kNotSetUp = 125;  // 126 and 127: its program's fault
  if (news.start_error && news.exit.code == kNotSetUp) context_->seams.doubt_levels();
  ending_ = std::move(news);
  (void)feed(event, ending_->generation);
  // It may have been removed, or started again, long before this is heard. While it is taken over,
  // its end is judged by who has got it.
  if (found_ && may_be_overtaken()) return hand_over();
  consider_restart(ran());
}

void Container::on_kill_overdue(const KillOverdue& news) {
  if (news.ticket == death_ticket_) (void)feed(Event::KillOverdue, news.generation);
}

void Container::on_wait_overdue(const WaitOverdue& news) {
  auto waiting = waits_.find(news.ticket);
  if (waiting == waits_.end()) return;
  waiting->second.promise.deliver(Result<ExitRecord>{fail(
      error(ErrorKind::Timeout, "has not ended in the time given", "wait longer, or stop it"))});
  waits_.erase(waiting);
}

void Container::on_exec_ended(ExecEnded& news) {
  auto waiting = execs_.find(news.ticket);
  if (waiting == execs_.end()) return;
  if (!news.result) news.result = fail(named(std::move(news.result.error())));
  waiting->second.deliver(std::move(news.result));
  execs_.erase(waiting);
}

ContainerInbox spawn_container(caf::actor_system& system, ContextPtr context,
                               SupervisorInbox supervisor, ContainerId id) {
  return spawn_state<Container>(system, std::move(context), std::move(supervisor), std::move(id));
}

}  // namespace ringfort::actors
