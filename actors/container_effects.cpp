// How the container actor does what its machine says.
#include "ringfort/actors/container_actor.hpp"

namespace ringfort::actors {

using namespace messages;

namespace {

// What the shim itself takes at most to kill a tree, and some slack. After that it is Stuck.
constexpr Duration kDeath = std::chrono::seconds(6);

ExitRecord record_of(const Exited& ending, WallTime now) {
  ExitRecord record = ending.exit;
  if (!record.finished_at) record.finished_at = now;
  return record;
}

}  // namespace

Container::~Container() { answer_everything(); }

Status Container::feed(Event event, Generation generation) {
  return apply(step(machine_, event, generation));
}

Status Container::apply(const Step& step) {
  if (step.refusal)
    return fail(error(ErrorKind::Conflict, std::string(step.refusal->fact),
                      std::string(step.refusal->remedy)));
  machine_ = step.next;
  Status outcome;
  for (Effect effect : step.effects) {
    Status done = perform(effect);
    if (!done && outcome) outcome = fail(named(std::move(done.error())));
  }
  return outcome;
}

Status Container::perform(Effect effect) {
  switch (effect) {
    case Effect::None:
      break;
    case Effect::Build:
      build();
      break;
    case Effect::Open:
      open();
      break;
    case Effect::Launch:
      launch(machine_.generation);
      break;
    case Effect::StopRun:
      return stop_run();
    case Effect::KillTree:
      return kill_tree(false);
    case Effect::KillForMemory:
      return kill_tree(true);
    case Effect::FreezeRun:
      return run_->freeze();
    case Effect::ThawRun:
      return run_->thaw();
    case Effect::Guard:
      guard();
      break;
    case Effect::Unguard:
      unguard();
      break;
    case Effect::StoreExit:
      store_exit();
      break;
    case Effect::AnswerCreate:
      answer_create();
      break;
    case Effect::AnswerStart:
      answer_start();
      break;
    case Effect::AnswerStop:
      answer_stop();
      break;
    case Effect::AnswerRemove:
      answer_remove();
      break;
    case Effect::Discard:
      discard();
      break;
    case Effect::Quit:
      leave();
      break;
    case Effect::SignalRun:
    case Effect::RunExec:
    case Effect::MeasureRun:
    case Effect::KeepWaiting:
    case Effect::AnswerWait:
      break;  // by the handler of the call, which has its arguments
  }
  return {};
}

// ---------------------------------------------------------------- create

void Container::build() {
  exit_.reset();
  failure_.reset();
  if (found_) port_.reset();  // it was not ours to hold
  if (!options_.own_port || port_) return build_with_port();
  request(self_, context_->ports, ClaimPort{wants_record()})
      .then(
          [this](Result<std::shared_ptr<const platform::HeldPort>>& claim) {
            if (!claim) return build_failed(std::move(claim.error()));
            port_ = std::move(*claim);
            build_with_port();
          },
          [this](caf::error&) { build_failed(helper_gone("the port broker")); });
}

void Container::build_with_port() {
  auto recipe = std::make_shared<Recipe>();
  recipe->id = id_;
  recipe->service = service_;
  recipe->options = options_;
  if (port_) recipe->port = port_->port;
  recipe->uid = uid_;
  if (!found_) recipe->replaced = site_;  // else whoever claims the name clears it away
  request(self_, context_->rootfs, Build{std::move(recipe)})
      .then(
          [this](Result<std::shared_ptr<const Site>>& site) {
            if (!site) return build_failed(std::move(site.error()));
            site_ = std::move(*site);
            found_.reset();
            (void)feed(Event::Built);
          },
          [this](caf::error&) { build_failed(helper_gone("the rootfs actor")); });
}

void Container::build_failed(Error error) {
  failure_ = named(std::move(error));
  (void)feed(Event::BuildFailed);
}

void Container::leave() {
  const bool name_is_anothers = !site_ && failure_ && failure_->kind == ErrorKind::Conflict;
  name_is_anothers ? lose_name() : quit();
}

/// The name is another's: so are all calls but the one that wanted it.
void Container::lose_name() {
  if (create_) create_->deliver(Result<Created>{fail(*failure_)});
  create_.reset();
  hand_over();
}

void Container::answer_create() {
  if (!create_) return;
  if (machine_.state == State::Removing) {
    create_->deliver(Result<Created>{
        fail(error(ErrorKind::Conflict, "was removed while it was created", "create it again"))});
  } else {
    Created created;
    created.level = site_->level;
    created.layers = site_->layers;
    created.missing = site_->missing;
    created.not_enforced = site_->not_enforced;
    created.lowered = site_->lowered;
    created.overlay = site_->has_overlay();
    created.uid = uid_;
    if (port_) created.port = port_->port;
    create_->deliver(Result<Created>{std::move(created)});
  }
  create_.reset();
}

// ---------------------------------------------------------------- start

void Container::open() {
  exit_.reset();
  failure_.reset();
  began_.reset();
  ending_.reset();
  ++restart_ticket_;
  if (has_policy()) note_start();
  if (found_ || port_unheld_) return open_as_ours();
  open_recorded();
}

/// Another process made it: from this start on it is ours. Nobody held its port since it ended.
void Container::open_as_ours() {
  const auto go_on = [this] { found_ ? take_over() : open_recorded(); };
  if (!port_ || hold_port_again()) return go_on();
  auto generation = machine_.generation;
  request(self_, context_->ports, ClaimPort{wants_record()})
      .then(
          [this, generation, go_on](Result<std::shared_ptr<const platform::HeldPort>>& claim) {
            if (!claim) return start_failed(generation, std::move(claim.error()));
            post(context_->ports, ReleasePort{port_->port, true});
            port_ = std::move(*claim);
            port_unheld_ = false;
            go_on();
          },
          [this, generation](caf::error&) {
            start_failed(generation, helper_gone("the port broker"));
          });
}

void Container::take_over() {
  take_over_then([this, generation = machine_.generation](const Status& taken) {
    if (!taken) return start_failed(generation, taken.error());
    open_recorded();
  });
}

bool Container::hold_port_again() {
  auto cursor = port_->port;
  auto held = context_->seams.claim_port({cursor, cursor}, cursor);
  if (!held) return false;
  port_ = std::make_shared<const platform::HeldPort>(std::move(*held));
  port_unheld_ = false;
  return true;
}

/// A start that counts for a policy is written down before it is made.
void Container::open_recorded() {
  if (!has_policy() || !is_recorded()) return open_files();
  write_restarts([this, generation = machine_.generation](const Status& written) {
    // A full disk must not keep a program down: the next record says it all. Somebody else's
    // container, or one that is being removed, must not be started.
    if (!written && written.error().kind == ErrorKind::Conflict) {
      restarts_.stopped_by_user = true;  // nor by the policy later on
      return start_failed(generation, written.error());
    }
    open_files();
  });
}

void Container::open_files() {
  auto generation = machine_.generation;
  request(self_, context_->rootfs, Open{site_, {}, {}})
      .then(
          [this, generation](Result<Opened>& opened) {
            if (!opened && opened.error().kind == ErrorKind::NotFound &&
                generation == machine_.generation)
              return hand_over();
            if (!opened) return start_failed(generation, std::move(opened.error()));
            if (generation == machine_.generation) {
              turn_ = std::move(opened->turn);
              queued_ = opened->queued;
            }
            request_ = std::move(opened->request);
            (void)feed(Event::Opened, generation);
          },
          [this, generation](caf::error&) {
            start_failed(generation, helper_gone("the rootfs actor"));
          });
}

void Container::launch(Generation generation) {
  request_->port_fd = port_ ? port_->socket.get() : -1;
  // Borrowed until the first start has answered; later their numbers may be anything.
  if (std::exchange(streams_lent_, false)) {
    request_->stdin_fd = options_.stdin_fd;
    request_->stdout_fd = options_.stdout_fd;
    request_->stderr_fd = options_.stderr_fd;
    request_->trace_fd = options_.trace_fd;
  } else if (by_policy_) {
    request_->stdin_fd = kept_streams_[0].get();
    request_->stdout_fd = kept_streams_[1].get();
    request_->stderr_fd = kept_streams_[2].get();
  } else {
    platform::remove_terminal(request_->plan);
  }
  request_->attached =
      context_->settings.on_exit == OnExit::Kill || site_->durability == Durability::None;
  // Who outlives us must not lose his limit with us.
  limit_is_ours_ = request_->attached;
  if (!limit_is_ours_ && site_->needs_watchdog())
    request_->plan.memory_limit = site_->policy.memory_limit->count;
  post(context_->launcher, Launch{std::move(request_), Handle{self_}, generation});
}

void Container::start_failed(Generation generation, Error why) {
  if (generation != machine_.generation) return;
  turn_.reset();
  ExitRecord record;
  record.code = 125;
  record.reason = EndReason::StartFailed;
  ending_ = Exited{generation, record, std::move(why)};
  (void)feed(Event::StartFailed, generation);
  consider_restart(Duration{0});
}

void Container::answer_start() {
  if (!start_) return;
  if (failure_) {
    start_->deliver(Result<Started>{fail(*failure_)});
  } else if (began_) {
    start_->deliver(Result<Started>{Started{began_->main_pid, began_->at, {}, queued_}});
  } else {
    start_->deliver(Result<Started>{fail(error(ErrorKind::StartFailed, "ended before it began",
                                               "look at its exit record with wait"))});
  }
  start_.reset();
}

// ---------------------------------------------------------------- stop and kill

Status Container::stop_run() {
  if (!run_) return {};  // comes again with Launched
  expect_death(patience_ + kDeath);
  return run_->stop(patience_);
}

Status Container::kill_tree(bool oom) {
  if (!run_) return {};  // comes again with Launched
  expect_death(kDeath);
  return run_->kill_tree(oom);
}

void Container::expect_death(Duration patience) {
  post_after(Handle{self_}, patience, KillOverdue{machine_.generation, ++death_ticket_});
}

void Container::answer_stop() {
  Status answer;
  if (machine_.state == State::Stuck)
    answer = fail(error(ErrorKind::Timeout, "was killed but does not end",
                        "look for processes in state D (ps), then remove it"));
  answer_all(stops_, answer);
}

void Container::guard() {
  if (guarded_ || !limit_is_ours_ || !site_->needs_watchdog() || !began_ || !run_) return;
  guarded_ = true;
  post(context_->watchdog(), Guard{Handle{self_}, machine_.generation, began_->shim_pid,
                                   *site_->policy.memory_limit, run_});
}

void Container::unguard() {
  if (!std::exchange(guarded_, false)) return;
  post(context_->watchdog(), Unguard{began_->shim_pid});
}

// ---------------------------------------------------------------- the end of a run

void Container::store_exit() {
  unguard();
  exit_ = record_of(*ending_, context_->seams.now());
  if (ending_->start_error) failure_ = named(*ending_->start_error);
  run_.reset();
  request_.reset();
  ++death_ticket_;
  for (auto& [ticket, wait] : waits_) wait.promise.deliver(Result<ExitRecord>{*exit_});
  waits_.clear();
  ContainerExited news{id_, *exit_, machine_.generation};
  std::erase_if(watchers_, [&](const auto& watcher) { return !post_to(watcher, news); });
  post(supervisor_, std::move(news));
}

// ---------------------------------------------------------------- remove

void Container::discard() {
  request_.reset();
  request(self_, context_->rootfs, Discard{id_, site_, static_cast<bool>(found_)})
      .then(
          [this](Status& gone) {
            is_removed_ = gone.has_value();
            if (gone) return void(feed(Event::Discarded));
            const bool is_anothers = gone.error().kind == ErrorKind::NotFound;
            if (is_anothers && !found_) return hand_over();
            if (is_anothers) return void(feed(Event::Discarded));  // what was found has gone
            failure_ = named(std::move(gone.error()));
            (void)feed(Event::DiscardFailed);
          },
          [this](caf::error&) {
            failure_ = helper_gone("the rootfs actor");
            (void)feed(Event::DiscardFailed);
          });
}

void Container::answer_remove() {
  Error why = machine_.state == State::Stuck || !failure_
                  ? error(ErrorKind::Timeout, "was killed but does not end",
                          "look for processes in state D (ps), then remove it once more")
                  : *failure_;
  answer_all(removes_, fail(std::move(why)));
}

void Container::quit() {
  // What was never made, or is no more, has no port.
  if (port_)
    post(context_->ports, ReleasePort{port_->port, wants_record() && (is_removed_ || !site_)});
  // Before any answer: whoever hears one may use the name again at once.
  post(supervisor_, Gone{id_, self_->address()});
  is_looking_ = false;
  machine_.gone = true;  // whatever it is told now changes nothing
  answer_everything();
  // What the supervisor has passed on and this actor has not read is not lost: see Goodbye.
  self_->become(make_last_behavior());
}

void Container::answer_everything() {
  Error gone = failure_ ? *failure_ : error(ErrorKind::NotFound, "was removed", "create it again");
  if (create_) create_->deliver(Result<Created>{fail(gone)});
  if (start_) start_->deliver(Result<Started>{fail(gone)});
  answer_all(stops_, {});
  answer_all(removes_, {});
  for (auto& adoption : std::exchange(adoptions_, {})) adoption.deliver(Result<bool>{false});
  for (auto& [ticket, wait] : waits_)
    wait.promise.deliver(exit_ ? Result<ExitRecord>{*exit_} : Result<ExitRecord>{fail(gone)});
  for (auto& [ticket, exec] : execs_) exec.deliver(Result<ExecResult>{fail(gone)});
  create_.reset();
  start_.reset();
  waits_.clear();
  execs_.clear();
  for (auto& call : std::exchange(kept_calls_, {})) call(false);
}

void Container::answer_all(std::vector<Promise<Status>>& callers, const Status& answer) {
  for (auto& caller : callers) caller.deliver(answer);
  callers.clear();
}

/// An actor that every runtime has.
Error Container::helper_gone(const char* which) const {
  return error(ErrorKind::Internal, std::string(which) + " is gone", "open a new runtime");
}

Error Container::error(ErrorKind kind, std::string what, std::string hint) const {
  return {kind, std::move(what), std::move(hint), id_.str(), 0};
}

Error Container::named(Error error) const {
  if (error.container.empty()) error.container = id_.str();
  return error;
}

}  // namespace ringfort::actors
