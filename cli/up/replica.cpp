#include "ringfort/cli/up/replica.hpp"

#include "ringfort/cli/pipes.hpp"

#include <cerrno>

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

void Replica::read(std::size_t stream, UpOutput& output) {
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
}

void Replica::announce_end(UpOutput& output) {
  if (!exit_ || is_announced_ || streams_[0].fd || streams_[1].fd) return;
  is_announced_ = true;
  output.ended(id_, *exit_);
}

void Replica::set_failed(std::string why) {
  is_failed_ = true;
  note_ = std::move(why);
}

bool Replica::has_failed() const {
  if (is_failed_) return true;
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
    if (memory_limit_) row.memory_limit = memory_limit_->count;
    if (const auto stats = runtime.get_container_stats(id_)) row.memory = stats->memory_bytes;
  }
  return row;
}

}  // namespace ringfort::cli
