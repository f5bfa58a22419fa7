// What other processes may have done to a container, seen before a call on it is answered.
#include "ringfort/actors/container_actor.hpp"

#include <utility>

namespace ringfort::actors {

using namespace messages;

namespace {

constexpr Duration kLookAgain = std::chrono::milliseconds(100);

}  // namespace

/// What lives is heard of. What does not can be removed by anybody, and another put in its place;
/// and what is not ours can be started.
bool Container::may_be_overtaken() const {
  const bool is_idle = machine_.state == State::Created || machine_.state == State::Exited ||
                       machine_.state == State::Failed || machine_.state == State::Backoff;
  return is_idle && site_ && is_recorded();
}

/// For calls from outside.
template <class T, class Message>
auto Container::after_look(Handler<T, Message> handler) {
  return [this, handler](Message& call) -> Answer<T> {
    // These two look themselves at what is ours, when they open or remove its files.
    constexpr bool kLooksItself = std::is_same_v<Message, Start> || std::is_same_v<Message, Remove>;
    const bool must_look = may_be_overtaken() && (found_ || !kLooksItself);
    if (!must_look && !is_looking_) return (this->*handler)(call);
    auto answer = keep<T>(call);
    if (!is_looking_) look();
    return answer;
  };
}

/// For calls on what has just been looked at.
template <class T, class Message>
auto Container::at_once(Handler<T, Message> handler) {
  return [this, handler](Current<Message>& call) -> Answer<T> {
    return is_looking_ ? keep<T>(call.message) : (this->*handler)(call.message);
  };
}

template <class T, class Message>
auto Container::keep(Message& call) -> Answer<T> {
  auto promise = make_promise<T, Handle>(self_);
  kept_calls_.push_back([this, promise, call = std::move(call)](bool is_as_known) mutable {
    if (is_as_known) {
      messages::delegate(promise, Handle{self_}, Current<Message>{std::move(call)});
    } else {
      ask_supervisor(promise, call);
    }
  });
  return promise;
}

void Container::ask_supervisor(Promise<Result<Created>>& promise, CreateCall& call) {
  messages::delegate(promise, supervisor_,
                     Create{id_, std::move(call.service), std::move(call.options)});
}

template <class T, class Message>
void Container::ask_supervisor(Promise<T>& promise, Message& call) {
  messages::delegate(promise, supervisor_, On<Message>{id_, std::move(call)});
}

void Container::look() {
  is_looking_ = true;
  request(self_, context_->rootfs, Compare{id_, found_})
      .then(
          // In doubt it is the one that we know.
          [this](Result<bool>& is_as_known) { on_look(is_as_known.value_or(true)); },
          [this](caf::error&) { on_look(true); });
}

void Container::on_look(bool is_as_known) {
  is_looking_ = false;
  // What has begun meanwhile looks for itself.
  if (!is_as_known && may_be_overtaken()) return hand_over();
  for (auto& call : std::exchange(kept_calls_, {})) call(true);
  look_later();
}

/// Nobody tells a waiter of a start or a removal by another process.
void Container::look_later() {
  if (waits_.empty() || !may_be_overtaken() || is_look_due_) return;
  is_look_due_ = true;
  post_after(Handle{self_}, kLookAgain, LookDue{});
}

void Container::on_look_due() {
  is_look_due_ = false;
  if (!waits_.empty() && may_be_overtaken() && !is_looking_) look();
}

/// Somebody else has changed it, and whose the name is now this actor does not know: it goes, and
/// the supervisor looks anew for those who wait.
void Container::hand_over() {
  auto start = std::exchange(start_, std::nullopt);
  auto removes = std::exchange(removes_, {});
  auto kept = std::exchange(kept_calls_, {});
  auto waits = std::exchange(waits_, {});
  quit();
  if (start) messages::delegate(*start, supervisor_, On<Start>{id_, {}});
  for (auto& remove : removes) messages::delegate(remove, supervisor_, On<Remove>{id_, {}});
  for (auto& call : kept) call(false);
  const auto now = context_->seams.uptime();
  for (auto& [ticket, wait] : waits) {
    Wait call;
    if (wait.until) call.patience = std::chrono::floor<Duration>(*wait.until - now);
    ask_supervisor(wait.promise, call);
  }
}

Container::Handle::behavior_type Container::make_behavior() {
  return {
      after_look(&Container::on_create),
      after_look(&Container::on_start),
      after_look(&Container::on_stop),
      after_look(&Container::on_kill),
      after_look(&Container::on_pause),
      after_look(&Container::on_unpause),
      after_look(&Container::on_remove),
      after_look(&Container::on_wait),
      after_look(&Container::on_exec),
      after_look(&Container::on_get_state),
      after_look(&Container::on_get_entry),
      after_look(&Container::on_get_stats),
      after_look(&Container::on_get_logs),
      at_once(&Container::on_create),
      at_once(&Container::on_start),
      at_once(&Container::on_stop),
      at_once(&Container::on_kill),
      at_once(&Container::on_pause),
      at_once(&Container::on_unpause),
      at_once(&Container::on_remove),
      at_once(&Container::on_wait),
      at_once(&Container::on_exec),
      at_once(&Container::on_get_state),
      at_once(&Container::on_get_entry),
      at_once(&Container::on_get_stats),
      at_once(&Container::on_get_logs),
      [this](const Watch& call) { on_watch(call); },
      [this](const Shutdown& call) { return on_shutdown(call); },
      [this](Adopt) { return on_adopt(); },
      [this](const Restore& call) { on_restore(call); },
      [this](const RestartDue& news) { on_restart_due(news); },
      [this](Launched& news) { on_launched(news); },
      [this](const Began& news) { on_began(news); },
      [this](Exited& news) { on_exited(news); },
      [this](const OverLimit& news) { (void)feed(Event::OverLimit, news.generation); },
      [this](const KillOverdue& news) { on_kill_overdue(news); },
      [this](LookDue) { on_look_due(); },
      [this](const WaitOverdue& news) { on_wait_overdue(news); },
      [this](ExecEnded& news) { on_exec_ended(news); },
  };
}

}  // namespace ringfort::actors
