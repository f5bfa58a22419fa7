#include "ringfort/cli/batch/line_reader.hpp"

#include <algorithm>
#include <array>
#include <cerrno>

#include <poll.h>
#include <unistd.h>

namespace ringfort::cli {

/// Waits for either descriptor.
bool LineReader::is_stopped() const {
  std::array<pollfd, 2> ready{pollfd{fd_, POLLIN, 0}, pollfd{stop_fd_, POLLIN, 0}};
  while (::poll(ready.data(), ready.size(), -1) < 0 && errno == EINTR) {
  }
  return ready[1].revents != 0;
}

bool LineReader::fill() {
  std::array<char, 65536> chunk;  // NOLINT: filled by read(2)
  for (;;) {
    if (is_stopped()) {
      is_ended_ = true;
      return false;
    }
    const auto count = ::read(fd_, chunk.data(), chunk.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) error_ = errno;
    if (count <= 0) {
      is_ended_ = true;
      return false;
    }
    buffer_.erase(0, begin_);
    begin_ = 0;
    buffer_.append(chunk.data(), static_cast<std::size_t>(count));
    return true;
  }
}

std::optional<LineReader::Line> LineReader::next() {
  Line line;
  for (;;) {
    const auto end = std::min(buffer_.find('\n', begin_), buffer_.size());
    const auto room = longest_ - line.text.size();
    line.is_too_long |= end - begin_ > room;
    line.text.append(buffer_, begin_, std::min(end - begin_, room));
    const bool is_whole = end < buffer_.size();
    begin_ = std::min(end + 1, buffer_.size());
    if (is_whole) return line;
    if (is_ended_ || !fill()) break;
  }
  if (line.text.empty() || error_ != 0) return std::nullopt;
  return line;
}

}  // namespace ringfort::cli
