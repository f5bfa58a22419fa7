// Every difference between CAF 0.17 and its successors that ringfort meets, and nothing else. To
// move to another CAF, edit this file; no other one spells a name that CAF has changed.
#pragma once

#include "ringfort/specs/result.hpp"

#include <caf/all.hpp>

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <mutex>
#include <optional>
#include <system_error>
#include <tuple>
#include <type_traits>
#include <utility>

/// Declares a type that travels in messages. Ours stay within one process, so they need no
/// serialization. Use it outside of every namespace.
#define RINGFORT_MESSAGE(type) CAF_ALLOW_UNSAFE_MESSAGE_TYPE(type)

namespace caf {
template <class T>
struct allowed_unsafe_message_type<tl::expected<T, ringfort::Error>> : std::true_type {};
}  // namespace caf

namespace ringfort::messages {

namespace detail {
template <class Signature>
struct SignatureOf;
template <class Reply, class... In>
struct SignatureOf<Reply(In...)> {
  using type = typename caf::replies_to<In...>::template with<Reply>;
};

/// Where CAF keeps our state: emplaced late, because CAF 0.17 gives a state's constructor no
/// arguments but the actor.
template <class State>
struct Room {
  static inline const char* name = State::name;
  std::optional<State> state;
};
}  // namespace detail

/// A typed handle: `Actor<Result<Started>(Start), void(Tick)>`.
template <class... Signatures>
using Actor = caf::typed_actor<typename detail::SignatureOf<Signatures>::type...>;

/// `More` in addition to what a handle understands.
template <class Handle, class... More>
using Extend = typename Handle::template extend<typename detail::SignatureOf<More>::type...>;

/// What a handler returns when it answers at once, delegates, or keeps a promise.
template <class T>
using Answer = caf::result<T>;
template <class T>
using Promise = caf::typed_response_promise<T>;

template <class Handle>
using Self = typename Handle::pointer;

/// Spawns the actor that `State` describes: `State::Handle`, `State::name`, a constructor that
/// takes the actor first, and make_behavior().
template <class State, caf::spawn_options Options = caf::no_spawn_options, class Parent,
          class... Args>
typename State::Handle spawn_state(Parent& parent, Args... args) {
  using Handle = typename State::Handle;
  using Actor = typename Handle::template stateful_pointer<detail::Room<State>>;
  auto body = [kept = std::make_tuple(std::move(args)...)](Actor self) mutable ->
      typename Handle::behavior_type {
        std::optional<State>& state = self->state.state;
        std::apply([&](Args&... given) { state.emplace(Self<Handle>{self}, std::move(given)...); },
                   kept);
        return state->make_behavior();
      };
  return parent.template spawn<Options>(std::move(body));
}

/// The same with a thread of its own for blocking work. Where the system allows no more threads,
/// those of the scheduler do the work.
template <class State, class... Args>
typename State::Handle spawn_blocking_state(caf::actor_system& system, const Args&... args) {
  try {
    return spawn_state<State, caf::detached, caf::actor_system, Args...>(system, args...);
  } catch (const std::system_error&) {
    // CAF 0.17 has counted both before it asked for the thread, and would wait for them at its end.
    system.dec_detached_threads();
    system.registry().dec_running();
  }
  return spawn_state<State, caf::no_spawn_options, caf::actor_system, Args...>(system, args...);
}

template <class T, class Handle>
Promise<T> make_promise(Self<Handle> self) {
  return self->template make_response_promise<T>();
}

/// Sends without a sender: an answer, if there is one, is dropped.
template <class Handle, class Message>
void post(const Handle& to, Message&& message) {
  caf::anon_send(to, std::forward<Message>(message));
}

/// CAF 0.17 cannot cancel it: put a number into the message that tells a stale one.
template <class Handle, class Message>
void post_after(const Handle& to, std::chrono::microseconds delay, Message&& message) {
  caf::delayed_anon_send(to, delay, std::forward<Message>(message));
}

/// A request without a timeout: only for actors that always answer.
template <class SelfPointer, class Handle, class Message>
auto request(SelfPointer self, const Handle& to, Message&& message) {
  return self->request(to, caf::infinite, std::forward<Message>(message));
}

template <class SelfPointer, class Handle, class Message>
auto delegate(SelfPointer self, const Handle& to, Message&& message) {
  return self->delegate(to, std::forward<Message>(message));
}

/// Hands an open promise on to another actor, who answers instead.
template <class T, class Handle, class Message>
void delegate(Promise<T>& promise, const Handle& to, Message&& message) {
  promise.delegate(to, std::forward<Message>(message));
}

/// `given`, or whoever sent the message that is being handled.
template <class SelfPointer>
caf::weak_actor_ptr or_sender(const caf::weak_actor_ptr& given, SelfPointer self) {
  return given ? given : caf::actor_cast<caf::weak_actor_ptr>(self->current_sender());
}

/// A reference that does not keep the actor in memory.
template <class Handle>
caf::weak_actor_ptr weak(const Handle& handle) {
  return caf::actor_cast<caf::weak_actor_ptr>(handle);
}

/// Sends to an actor of unknown interface. False when it is gone.
template <class Message>
bool post_to(const caf::weak_actor_ptr& whom, Message&& message) {
  auto strong = caf::actor_cast<caf::strong_actor_ptr>(whom);
  if (!strong) return false;
  caf::anon_send(caf::actor_cast<caf::actor>(strong), std::forward<Message>(message));
  return true;
}

template <class SelfPointer>
void on_down(SelfPointer self, std::function<void(const caf::actor_addr&)> heard) {
  self->set_down_handler([heard = std::move(heard)](caf::down_msg& down) { heard(down.source); });
}

template <class SelfPointer, class Handle>
void monitor(SelfPointer self, const Handle& whom) {
  self->monitor(whom);
}

/// `heard` decides about exit messages instead of CAF, which would end the actor at once.
template <class SelfPointer>
void on_exit_message(SelfPointer self, std::function<void()> heard) {
  self->set_exit_handler([heard = std::move(heard)](caf::exit_msg&) { heard(); });
}

inline constexpr std::chrono::microseconds kForEver = std::chrono::microseconds::max();

/// Where a waiting thread gets the one answer to its question. An actor without mailbox, context or
/// entry in CAF's registry: a scoped actor has all of them, wakes its thread while it holds the
/// lock that this one wants first, and wakes the thread of CAF's clock at its end.
class LetterBox final : public caf::monitorable_actor {
 public:
  explicit LetterBox(caf::actor_config& config) : monitorable_actor(config) {}

  const char* name() const override { return "ringfort.letter_box"; }

  using caf::abstract_actor::enqueue;
  void enqueue(caf::mailbox_element_ptr letter, caf::execution_unit*) override {
    if (!letter->mid.is_response()) return;
    {
      const std::lock_guard lock(mutex_);
      letter_ = std::move(letter);
    }
    came_.notify_one();
  }

  /// Null when the patience is over.
  caf::mailbox_element_ptr wait(std::chrono::microseconds patience) {
    std::unique_lock lock(mutex_);
    const auto is_there = [this] { return letter_ != nullptr; };
    // A bound beyond that would overflow the clock.
    constexpr std::chrono::microseconds kYear = std::chrono::hours(24 * 365);
    if (patience > kYear)
      came_.wait(lock, is_there);
    else
      came_.wait_until(lock, std::chrono::steady_clock::now() + patience, is_there);
    return std::move(letter_);
  }

 private:
  std::mutex mutex_;
  std::condition_variable came_;
  caf::mailbox_element_ptr letter_;
};

/// Asks as a plain thread and waits for the answer: null when there is none within `patience`, else
/// its content is an `Answered` or a caf::error.
template <class Answered, class Handle, class Message>
caf::mailbox_element_ptr answer_to(caf::actor_system& system, const Handle& to,
                                   std::chrono::microseconds patience, Message&& message) {
  using Given = caf::response_type_t<typename Handle::signatures, std::decay_t<Message>>;
  static_assert(std::is_same_v<Given, caf::detail::type_list<Answered>>);
  caf::actor_config config;
  const auto box = caf::make_actor<LetterBox, caf::strong_actor_ptr>(
      system.next_actor_id(), system.node(), &system, config);
  constexpr caf::message_id kFirst{caf::message_id::default_async_value + 1};
  caf::actor_cast<caf::abstract_actor*>(to)->enqueue(
      caf::make_mailbox_element(box, kFirst, {}, std::forward<Message>(message)), nullptr);
  return static_cast<LetterBox*>(box->get())->wait(patience);
}

}  // namespace ringfort::messages
