// What the container actor understands, and which calls wait for a look at the disk first.
#include "ringfort/actors/container_actor.hpp"

#include <type_traits>
#include <utility>

namespace ringfort::actors {

using namespace messages;

void Container::ask_supervisor(Promise<Result<Created>>& promise, CreateCall& call) {
  messages::delegate(promise, supervisor_,
                     Create{id_, std::move(call.service), std::move(call.options)});
}

template <class T, class Message>
void Container::ask_supervisor(Promise<T>& promise, Message& call) {
  messages::delegate(promise, supervisor_, On<Message>{id_, std::move(call)});
}

/// For calls from outside.
template <class T, class Message>
auto Container::after_look(Handler<T, Message> handler) {
  return [this, handler](Message& call) -> Answer<T> {
    // These two look themselves at what is ours, when they open or remove its files.
    constexpr bool kLooksItself = std::is_same_v<Message, Start> || std::is_same_v<Message, Remove>;
    // A stop is answered by the end of the run that lives now, not of one whose end is yet to be
    // heard.
    const bool must_look = may_be_overtaken() ? found_ || !kLooksItself
                                              : std::is_same_v<Message, Stop> && is_watched();
    if (!is_looking_ && (!must_look || is_still_ours())) return (this->*handler)(call);
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

template <class T, class Message>
auto Container::passed_on() {
  return [this](Message& call) -> Answer<T> {
    auto promise = make_promise<T, Handle>(self_);
    ask_supervisor(promise, call);
    return promise;
  };
}

template <class T, class Message>
auto Container::passed_on_as_found() {
  return [on = passed_on<T, Message>()](Current<Message>& call) { return on(call.message); };
}

Container::Handle::behavior_type Container::make_behavior() {
  // CAF 0.17 tries one after the other, a comparison of names each: what comes often goes first.
  return {
      after_look(&Container::on_get_state),
      after_look(&Container::on_create),
      after_look(&Container::on_start),
      after_look(&Container::on_wait),
      after_look(&Container::on_remove),
      [this](Launched& news) { on_launched(news); },
      [this](const Began& news) { on_began(news); },
      [this](Exited& news) { on_exited(news); },
      after_look(&Container::on_stop),
      after_look(&Container::on_kill),
      after_look(&Container::on_pause),
      after_look(&Container::on_unpause),
      after_look(&Container::on_exec),
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
      [this](const OverLimit& news) { (void)feed(Event::OverLimit, news.generation); },
      [this](const KillOverdue& news) { on_kill_overdue(news); },
      [this](LookDue) { on_look_due(); },
      [this](EndDue) { on_end_due(); },
      [this](const WaitOverdue& news) { on_wait_overdue(news); },
      [this](ExecEnded& news) { on_exec_ended(news); },
      [](Goodbye) {},
  };
}

/// Nobody knows this actor any more but those whose calls are under way already: they are the
/// supervisor's, which sends Goodbye after the last of them.
Container::Handle::behavior_type Container::make_last_behavior() {
  return {
      passed_on<Result<Created>, CreateCall>(),
      passed_on<Result<Started>, Start>(),
      passed_on<Status, Stop>(),
      passed_on<Status, Kill>(),
      passed_on<Status, Pause>(),
      passed_on<Status, Unpause>(),
      passed_on<Status, Remove>(),
      passed_on<Result<ExitRecord>, Wait>(),
      passed_on<Result<ExecResult>, Exec>(),
      passed_on<Result<ContainerState>, GetState>(),
      passed_on<Result<ContainerEntry>, GetEntry>(),
      passed_on<Result<Stats>, GetStats>(),
      passed_on<Result<std::vector<LogEntry>>, GetLogs>(),
      passed_on_as_found<Result<Created>, CreateCall>(),
      passed_on_as_found<Result<Started>, Start>(),
      passed_on_as_found<Status, Stop>(),
      passed_on_as_found<Status, Kill>(),
      passed_on_as_found<Status, Pause>(),
      passed_on_as_found<Status, Unpause>(),
      passed_on_as_found<Status, Remove>(),
      passed_on_as_found<Result<ExitRecord>, Wait>(),
      passed_on_as_found<Result<ExecResult>, Exec>(),
      passed_on_as_found<Result<ContainerState>, GetState>(),
      passed_on_as_found<Result<ContainerEntry>, GetEntry>(),
      passed_on_as_found<Result<Stats>, GetStats>(),
      passed_on_as_found<Result<std::vector<LogEntry>>, GetLogs>(),
      [](const Watch&) {},
      [](const Shutdown&) { return Status{}; },
      [](Adopt) { return Result<bool>{false}; },
      [](const Restore&) {},
      [](const RestartDue&) {},
      [](LookDue) {},
      [](EndDue) {},
      [](const Launched&) {},
      [](const Began&) {},
      [](const Exited&) {},
      [](const OverLimit&) {},
      [](const KillOverdue&) {},
      [](const WaitOverdue&) {},
      [](const ExecEnded&) {},
      [this](Goodbye) { self_->quit(); },
  };
}

}  // namespace ringfort::actors
