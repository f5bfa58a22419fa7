#include "ringfort/cli/up/replica.hpp"

#include "ringfort/cli/containers.hpp"

#include <algorithm>
#include <chrono>

namespace ringfort::cli {

Result<Created> Replica::start(Runtime& runtime, const specs::Service& service, RunOptions options,
                               UpOutput& output) {
  has_policy_ = service.restart_policy && service.restart_policy->kind != specs::RestartKind::No;
  // Other commands are to see it, and its log.
  options.durability = Durability::Process;
  auto created = runtime.create_container(id_, service, options);
  if (!created) return fail(created.error());
  port_ = created->port;
  memory_limit_ = service.resources.memory;
  const auto started = runtime.start_container(id_);
  if (!started) {
    (void)runtime.remove_container(id_);
    return fail(started.error());
  }
  is_started_ = true;
  output.started(id_, *created, *started);
  auto follower = follow_log(runtime.config().data_dir, id_, {});
  if (follower)
    follower_ = std::move(*follower);
  else
    output.warning(id_.str() + ": what it writes can't be shown: " + follower.error().what);
  read(output);  // nothing tells of what was there before the follower
  return created;
}

std::optional<Duration> Replica::when_to_look() const {
  if (!has_more_to_say()) return std::nullopt;
  // The shim lets go of its lock a moment after it has told the end, and nothing tells that.
  if (exit_) return std::chrono::milliseconds(5);
  if (follower_->fd() < 0) return platform::LogFollower::kLookAgain;
  return std::nullopt;
}

void Replica::read(UpOutput& output) {
  if (!follower_) return;
  if (!exit_) follower_->resume();  // between two lives nothing is at its end
  for (const auto& entry : follower_->read()) take(entry, output);
}

void Replica::take(const LogEntry& entry, UpOutput& output) {
  const auto line = [&](std::string_view text) { output.line(id_, entry.stream, text); };
  auto& lines = lines_[entry.stream == LogStream::Stderr ? 1 : 0];
  if (entry.is_notice) {
    lines.finish(line);
    output.warning(id_.str() + ": " + entry.message);
    return;
  }
  last_lines_.add(entry);
  lines.add(entry.message, line);
  if (!entry.is_partial) lines.add("\n", line);
}

/// What the container is by now decides: the news may be older. False = it lives, or will again.
bool Replica::settle(Runtime& runtime, bool is_expected) {
  const auto now = runtime.container_state(id_);
  if (!now || (now->state != State::Exited && now->state != State::Failed) || !now->exit)
    return false;
  set_end(*now->exit, is_expected);
  if (now->state == State::Failed) gave_up_ = now->reason;
  return true;
}

void Replica::set_end(const ExitRecord& exit, bool is_expected) {
  exit_ = exit;
  is_expected_ = is_expected;
  // It may have come to the end of the life before, and this one's lines are still to be read.
  if (follower_) follower_->resume();
}

void Replica::on_end(Runtime& runtime, const ExitRecord& exit, bool is_expected, UpOutput& output) {
  if (!has_policy_) return set_end(exit, is_expected);
  if (settle(runtime, is_expected)) return;
  read(output);  // what it wrote comes first
  output.ended(id_, exit);
  explain(runtime, exit, output);
  const auto entry = runtime.container_entry(id_);
  if (!entry || !entry->next_start) return;  // it has begun again already
  const auto now = std::chrono::system_clock::now();
  const auto delay = std::chrono::duration_cast<Duration>(*entry->next_start - now);
  output.restarting(id_, entry->restarts + 1, std::max(Duration{0}, delay));
}

void Replica::on_stopped(Runtime& runtime) {
  if (has_policy_ && is_running())
    (void)settle(runtime, true);  // else its end is still to be heard
}

void Replica::explain(Runtime& runtime, const ExitRecord& exit, UpOutput& output) {
  const auto lines = last_lines_.take();
  if (!is_to_explain(exit)) return;
  for (const auto& denial : probable_denials(runtime.config().data_dir, id_, lines))
    output.denied(id_, denial, "probable");
}

void Replica::announce_end(Runtime& runtime, UpOutput& output) {
  if (!exit_ || is_announced_ || has_more_to_say()) return;
  is_announced_ = true;
  output.ended(id_, *exit_);
  if (!is_expected_) explain(runtime, *exit_, output);
  if (!gave_up_.empty() && !is_expected_)
    output.failed(id_.str(), {ErrorKind::StartFailed, gave_up_, {}, {}, 0});
}

void Replica::set_failed(std::string why) {
  is_failed_ = true;
  note_ = std::move(why);
}

bool Replica::has_failed() const {
  if (is_failed_ || (!gave_up_.empty() && !is_expected_)) return true;
  return exit_ && !is_expected_ && exit_->code != 0 && exit_->reason != EndReason::Stopped;
}

BoardRow Replica::row(Runtime& runtime) const {
  BoardRow row{id_.str(), "waiting", port_, {}, {}, note_};
  if (is_failed_) {
    row.state = "failed";
  } else if (exit_) {
    row.state = "exited";
    row.note = std::to_string(exit_->code) + " " + std::string{to_string(exit_->reason)};
  } else if (is_started_) {
    row.state = "running";
    if (has_policy_)
      if (const auto entry = runtime.container_entry(id_)) {
        row.state = to_string(entry->state.state);
        if (entry->restarts > 0) row.note = std::to_string(entry->restarts) + " restarts";
        if (entry->next_start) {
          const auto left = *entry->next_start - std::chrono::system_clock::now();
          row.note = "next start in " +
                     short_time(std::max(Duration{0}, std::chrono::duration_cast<Duration>(left)));
        }
      }
    if (memory_limit_) row.memory_limit = memory_limit_->count;
    if (const auto stats = runtime.get_container_stats(id_)) row.memory = stats->memory_bytes;
  }
  return row;
}

}  // namespace ringfort::cli
