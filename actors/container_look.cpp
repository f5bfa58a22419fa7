// What other processes may have done to a container, seen before a call on it is answered.
#include "ringfort/actors/container_actor.hpp"

#include <utility>

namespace ringfort::actors {

using namespace messages;

namespace {

constexpr Duration kLookAgain = std::chrono::milliseconds(100);
// Far more than it takes to hear of an end.
constexpr Duration kEndPatience = std::chrono::seconds(2);

}  // namespace

/// What lives is heard of. What does not can be removed by anybody, and another put in its place;
/// and what is not ours can be started.
bool Container::may_be_overtaken() const {
  const bool is_idle = machine_.state == State::Created || machine_.state == State::Exited ||
                       machine_.state == State::Failed || machine_.state == State::Backoff;
  // What is being taken over is decided by that, not by a look at what it writes.
  return is_idle && !is_taking_over_ && site_ && is_recorded();
}

/// It runs, and neither its start nor its end is told to us first.
bool Container::is_watched() const { return found_ && machine_.alive; }

/// A question through the rootfs actor would wait behind everybody's files: with 64 lives at once
/// 38 ms for three system calls.
bool Container::is_still_ours() const {
  return !found_ && !context_->seams.files->is_overtaken(id_);
}

void Container::look() {
  is_looking_ = true;
  if (!found_) return on_look(is_still_ours());
  request(self_, context_->rootfs, Compare{id_, found_})
      .then(
          // In doubt it is the one that we know.
          [this](Result<bool>& is_as_known) { on_look(is_as_known.value_or(true)); },
          [this](caf::error&) { on_look(true); });
}

void Container::on_look(bool is_as_known) {
  if (!std::exchange(is_looking_, false)) return;  // it has gone meanwhile
  // Then its end is about to be heard.
  if (!is_as_known && is_watched()) return post_after(Handle{self_}, kEndPatience, EndDue{});
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

/// No end came: what was found had no name yet, or still that of the run before, and is the run
/// that lives. Who waits is to hear of that one.
void Container::on_end_due() {
  if (!is_watched() || is_looking_ || kept_calls_.empty()) return;
  unguard();
  hand_over();
}

/// Somebody else has changed it, and whose the name is now this actor does not know: it goes, and
/// the supervisor looks anew for those who wait.
void Container::hand_over() {
  auto start = std::exchange(start_, std::nullopt);
  auto removes = std::exchange(removes_, {});
  auto kept = std::exchange(kept_calls_, {});
  auto waits = std::exchange(waits_, {});
  auto stops = std::exchange(stops_, {});
  quit();
  if (start) messages::delegate(*start, supervisor_, On<Start>{id_, {}});
  for (auto& remove : removes) messages::delegate(remove, supervisor_, On<Remove>{id_, {}});
  for (auto& stop : stops) messages::delegate(stop, supervisor_, On<Stop>{id_, {patience_}});
  for (auto& call : kept) call(false);
  const auto now = context_->seams.uptime();
  for (auto& [ticket, wait] : waits) {
    Wait call;
    if (wait.until) call.patience = std::chrono::floor<Duration>(*wait.until - now);
    messages::delegate(wait.promise, supervisor_, On<Wait>{id_, call});
  }
}

}  // namespace ringfort::actors
