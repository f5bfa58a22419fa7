#include "ringfort/cli/pipes.hpp"

#include <algorithm>
#include <array>
#include <cerrno>

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

namespace ringfort::cli {
namespace {

/// Only our end: the program expects its own to block.
void set_nonblocking(const platform::Fd& fd) { ::fcntl(fd.get(), F_SETFL, O_NONBLOCK); }

}  // namespace

Result<Pipe> make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0)
    return fail(platform::os_error("cannot make a pipe", "lower -j, or raise ulimit -n"));
  return Pipe{platform::Fd{ends[0]}, platform::Fd{ends[1]}};
}

Result<CapturePipes> CapturePipes::open(std::optional<std::string> stdin_text, std::size_t limit) {
  CapturePipes pipes;
  pipes.limit_ = limit;
  for (auto* stream : {&pipes.out_, &pipes.err_}) {
    auto made = make_pipe();
    if (!made) return fail(made.error());
    stream->near = std::move(made->read);
    stream->far = std::move(made->write);
    set_nonblocking(stream->near);
  }
  if (!stdin_text) return pipes;
  auto made = make_pipe();
  if (!made) return fail(made.error());
  pipes.in_far_ = std::move(made->read);
  pipes.in_near_ = std::move(made->write);
  pipes.text_ = *std::move(stdin_text);
  set_nonblocking(pipes.in_near_);
  return pipes;
}

void CapturePipes::close_far_ends() {
  in_far_.reset();
  out_.far.reset();
  err_.far.reset();
}

void CapturePipes::feed() {
  const auto rest = std::string_view{text_}.substr(fed_);
  const auto count = rest.empty() ? 0 : ::write(in_near_.get(), rest.data(), rest.size());
  if (count > 0) fed_ += static_cast<std::size_t>(count);
  const bool is_broken = count < 0 && errno != EAGAIN && errno != EINTR;
  if (is_broken || fed_ == text_.size()) in_near_.reset();
}

void CapturePipes::read_from(Stream& stream) const {
  std::array<char, 65536> buffer;  // NOLINT: filled by read(2)
  const auto count = ::read(stream.near.get(), buffer.data(), buffer.size());
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (count <= 0) {
    stream.near.reset();
    return;
  }
  const auto had = static_cast<std::size_t>(count);
  const auto room = std::min(limit_ - stream.kept.bytes.size(), had);
  stream.kept.bytes.append(buffer.data(), room);
  stream.kept.truncated |= room < had;
}

void CapturePipes::pump() {
  while (out_.near || err_.near) {
    // poll(2) skips negative descriptors.
    std::array<pollfd, 3> ready{pollfd{in_near_.get(), POLLOUT, 0},
                                pollfd{out_.near.get(), POLLIN, 0},
                                pollfd{err_.near.get(), POLLIN, 0}};
    if (::poll(ready.data(), ready.size(), -1) < 0) continue;
    if (ready[0].revents != 0) feed();
    if (ready[1].revents != 0) read_from(out_);
    if (ready[2].revents != 0) read_from(err_);
  }
  in_near_.reset();
}

}  // namespace ringfort::cli
