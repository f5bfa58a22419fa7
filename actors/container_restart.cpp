// What the container actor does about its restart policy. The schedule itself is specs/restart.
#include "ringfort/actors/container_actor.hpp"

#include <functional>
#include <string>
#include <utility>
#include <variant>

namespace ringfort::actors {

using namespace messages;

bool Container::has_policy() const {
  return service_ && service_->restart_policy &&
         service_->restart_policy->kind != specs::RestartKind::No;
}

bool Container::wants_record() const {
  return options_.durability.value_or(context_->settings.durability) != Durability::None;
}

bool Container::is_recorded() const {
  return site_ ? site_->durability != Durability::None : wants_record();
}

/// What the caller lent for the first start is needed for each of the policy's.
void Container::keep_streams() {
  kept_streams_ = {};
  if (!has_policy()) return;
  const std::array<int, 3> lent{options_.stdin_fd, options_.stdout_fd, options_.stderr_fd};
  for (std::size_t i = 0; i < lent.size(); ++i)
    if (lent[i] >= 0) kept_streams_[i] = context_->seams.duplicate(lent[i]);
}

void Container::note_start() {
  const auto now = context_->seams.boot_time();
  restarts_ = by_policy_
                  ? specs::started_again(std::move(restarts_), context_->settings.restart, now)
                  : specs::started_by_hand(now);
}

/// One write at a time: workers run side by side, and an older history must not come last. Those
/// who ask meanwhile share the next one, which holds what is true then.
void Container::write_restarts(Written then) {
  unwritten_.push_back(std::move(then));
  if (!is_writing_) write_next();
}

void Container::write_next() {
  is_writing_ = true;
  const auto done = [this, asked = std::exchange(unwritten_, {})](const Status& written) {
    is_writing_ = false;
    for (const auto& then : asked) then(written);
    if (!is_writing_ && !unwritten_.empty()) write_next();
  };
  request(self_, context_->rootfs, KeepRestarts{id_, restarts_})
      .then([done](Status& written) { done(written); },
            [this, done](caf::error&) { done(fail(helper_gone("the rootfs actor"))); });
}

/// A stop holds across supervisors, so it is written down before it is answered.
void Container::stop_noted(const Stop& call) {
  const bool is_waiting = machine_.state == State::Backoff;
  // A shim that was asked to stop says so in its exit record, whoever reads it. Only one who waits
  // has no shim.
  if (found_ && !is_waiting) return stop_now(call);
  if (found_ && found_->has_live_owner)
    return refuse_stops(error(ErrorKind::Conflict,
                              "waits to be started again by another runtime, which is alive",
                              "stop it there, or ask again once it runs"));
  restarts_.stopped_by_user = true;
  restarts_.next_start.reset();
  restarts_.next_start_wall.reset();
  ++restart_ticket_;
  if (!site_ || !is_recorded()) return stop_now(call);
  if (!found_) return write_stop(call);
  take_over_then([this, call](const Status& taken) {
    if (!taken) return refuse_stops(taken.error());
    port_unheld_ = port_ != nullptr;
    write_stop(call);
  });
}

void Container::write_stop(const Stop& call) {
  write_restarts([this, call](const Status& written) {
    if (!written && machine_.state == State::Backoff) return refuse_stops(written.error());
    // What runs is stopped all the same: its exit record will tell.
    stop_now(call);
  });
}

void Container::refuse_stops(Error why) { answer_all(stops_, fail(named(std::move(why)))); }

std::optional<std::uint16_t> Container::port_number() const {
  return port_ ? std::optional{port_->port} : std::nullopt;
}

// ---------------------------------------------------------------- an end is judged

Duration Container::ran() const {
  if (restarts_.starts.empty()) return Duration{0};
  const auto now = context_->seams.boot_time();
  if (now.boot_id == restarts_.boot_id) return now.since_boot - restarts_.starts.back();
  return Duration{0};
}

/// In [-1, 1], the same for the same runtime, container and restart: tests need no other seed.
double Container::dice() const {
  const auto seed = std::hash<std::string>{}(context_->seams.files->owner_nonce() + id_.str() +
                                             std::to_string(restarts_.restarts));
  return static_cast<double>(seed % 2001) / 1000.0 - 1.0;
}

void Container::consider_restart(Duration ran) {
  const bool is_over = machine_.state == State::Exited || machine_.state == State::Failed ||
                       machine_.state == State::Created;
  // Whoever only looks at a container is not its supervisor.
  if (!has_policy() || !is_over || found_) return;
  const auto& rules = context_->settings.restart;
  const bool was_by_hand = restarts_.restarts == 0;
  specs::RestartDecision decision = specs::Stay{};
  if (!exit_) {
    decision = specs::Restart{Duration{0}};  // recorded as begun, and never seen
  } else {
    if (exit_->reason == EndReason::Stopped && !exit_->abandoned) restarts_.stopped_by_user = true;
    // Who started it by hand has heard why it did not, and is there to decide.
    if (exit_->reason != EndReason::StartFailed || !was_by_hand)
      decision = specs::after_end(*service_->restart_policy, rules, restarts_, *exit_, ran, dice());
  }
  restarts_ = specs::decided(std::move(restarts_), rules, decision, exit_.value_or(ExitRecord{}),
                             ran, context_->seams.boot_time(), context_->seams.now());
  if (const auto* again = std::get_if<specs::Restart>(&decision)) {
    (void)feed(Event::RestartPlanned);
    wait_for_restart(again->delay);
  } else {
    if (std::holds_alternative<specs::GiveUp>(decision)) {
      failure_ = given_up();
      (void)feed(Event::RestartGivenUp);
    }
    kept_streams_ = {};
  }
  // A full disk must not keep a program down; the record of the next start says it all.
  if (is_recorded()) write_restarts([](const Status&) {});
}

void Container::wait_for_restart(Duration delay) {
  post_after(Handle{self_}, delay, RestartDue{++restart_ticket_});
}

void Container::on_restart_due(const RestartDue& news) {
  if (news.ticket != restart_ticket_ || machine_.state != State::Backoff) return;
  by_policy_ = true;
  (void)feed(Event::RestartDue);
}

Error Container::given_up() const {
  return error(ErrorKind::StartFailed, restarts_.gave_up,
               "read its log, then start it again: ringfort logs " + id_.str() +
                   "; ringfort start " + id_.str());
}

// ---------------------------------------------------------------- another supervisor goes on

void Container::take_over_then(Taken then) {
  is_taking_over_ = true;
  const auto done = [this, then = std::move(then)](const Status& taken) {
    is_taking_over_ = false;
    if (machine_.gone) return;  // removed meanwhile, and whoever asked has been answered
    then(taken);
    // Its end may have been heard meanwhile: it is what it is on disk.
    if (!taken && may_be_overtaken() && !is_looking_) look();
  };
  request(self_, context_->rootfs, TakeOver{id_, port_number()})
      .then(
          [this, done](Result<std::shared_ptr<const Recovered>>& taken) {
            if (!taken) return done(fail(named(std::move(taken.error()))));
            become_owner(**taken);
            done({});
          },
          [this, done](caf::error&) { done(fail(helper_gone("the rootfs actor"))); });
}

void Container::become_owner(const Recovered& taken) {
  if (site_->cgroup) site_->cgroup->keep();
  site_ = taken.site;
  found_.reset();
}

Answer<Result<bool>> Container::on_adopt() {
  if (!found_ || !has_policy() || !is_recorded() || found_->has_live_owner || found_->leaving)
    return Result<bool>{false};
  adoptions_.push_back(make_promise<Result<bool>, Handle>(self_));
  auto promise = adoptions_.back();
  if (adoptions_.size() > 1) return promise;
  take_over_then([this](const Status& taken) {
    if (taken) {
      port_unheld_ = port_ != nullptr;
      resume();
    }
    for (auto& adoption : std::exchange(adoptions_, {}))
      adoption.deliver(taken ? Result<bool>{true} : Result<bool>{fail(taken.error())});
  });
  return promise;
}

void Container::resume() {
  if (machine_.alive) return;  // its end will be judged as any other
  const bool has_run = exit_ || !restarts_.starts.empty();
  const auto now = context_->seams.boot_time();
  switch (specs::after_takeover(*service_->restart_policy, restarts_, has_run, now)) {
    case specs::Resumption::Stay:
      return;
    case specs::Resumption::Wait:
      return wait_for_restart(specs::time_to_start(restarts_, now));
    case specs::Resumption::StartNow:
      restarts_.gave_up.clear();
      restarts_.stopped_by_user = false;
      (void)feed(Event::RestartPlanned);  // it may wait already
      return wait_for_restart(Duration{0});
    case specs::Resumption::Judge: {
      const bool is_timed = exit_ && exit_->started_at && exit_->finished_at;
      return consider_restart(is_timed ? Duration{*exit_->finished_at - *exit_->started_at}
                                       : Duration{0});
    }
  }
}

}  // namespace ringfort::actors
