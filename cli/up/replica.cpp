#include "ringfort/cli/up/replica.hpp"

#include "ringfort/cli/pipes.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>

#include <fcntl.h>
#include <unistd.h>

namespace ringfort::cli {

Result<Created> Replica::start(Runtime& runtime, const specs::Service& service, UpOutput& output) {
  RunOptions options;
  std::array<platform::Fd, 2> far;
  for (std::size_t i = 0; i < streams_.size(); ++i) {
    auto pipe = make_pipe();
    if (!pipe) return fail(pipe.error());
    ::fcntl(pipe->read.get(), F_SETFL, O_NONBLOCK);
    streams_[i].fd = std::move(pipe->read);
    far[i] = std::move(pipe->write);
  }
  options.stdout_fd = far[0].get();
  options.stderr_fd = far[1].get();

  has_policy_ = service.restart_policy && service.restart_policy->kind != specs::RestartKind::No;
  // Its history is to survive us, and other commands are to see that it waits.
  if (has_policy_) options.durability = Durability::Process;
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
  return created;
}

bool Replica::read(std::size_t stream, UpOutput& output) {
  auto& [fd, lines] = streams_[stream];
  const auto take = [&](std::string_view line) {
    output.line(id_, stream == 0 ? LogStream::Stdout : LogStream::Stderr, line);
  };
  std::array<char, 65536> buffer;  // NOLINT: filled by read(2)
  const auto count = ::read(fd.get(), buffer.data(), buffer.size());
  if (count > 0) {
    lines.add({buffer.data(), static_cast<std::size_t>(count)}, take);
  } else if (count == 0 || (errno != EAGAIN && errno != EINTR)) {
    lines.finish(take);
    fd.reset();
  }
  return count > 0;
}

/// What the container is by now decides: the news may be older. False = it lives, or will again.
bool Replica::settle(Runtime& runtime, bool is_expected) {
  const auto now = runtime.container_state(id_);
  if (!now || (now->state != State::Exited && now->state != State::Failed) || !now->exit)
    return false;
  exit_ = now->exit;
  is_expected_ = is_expected;
  if (now->state == State::Failed) gave_up_ = now->reason;
  return true;
}

void Replica::on_end(Runtime& runtime, const ExitRecord& exit, bool is_expected, UpOutput& output) {
  if (!has_policy_) {
    exit_ = exit;
    is_expected_ = is_expected;
    return;
  }
  if (settle(runtime, is_expected)) return;
  // Its own streams stay open for the next run; what it wrote so far comes first.
  for (std::size_t stream = 0; stream < streams_.size(); ++stream)
    while (streams_[stream].fd && read(stream, output)) {
    }
  output.ended(id_, exit);
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

void Replica::announce_end(UpOutput& output) {
  if (!exit_ || is_announced_ || streams_[0].fd || streams_[1].fd) return;
  is_announced_ = true;
  output.ended(id_, *exit_);
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
