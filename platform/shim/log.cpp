#include "ringfort/platform/shim/log.hpp"

#include "ringfort/platform/shim/sys.hpp"
#include "ringfort/platform/shim/wire.hpp"

#include <sys/stat.h>

namespace ringfort::shim {
namespace {

std::uint64_t size_of(int fd) {
  struct stat status {};
  return fd >= 0 && ::fstat(fd, &status) == 0 ? static_cast<std::uint64_t>(status.st_size) : 0;
}

}  // namespace

void Log::open(int stdout_log_fd, int stderr_log_fd, int index_fd) {
  log_fd_[0] = stdout_log_fd;
  log_fd_[1] = stderr_log_fd;
  index_fd_ = index_fd;
  offset_[0] = size_of(stdout_log_fd);
  offset_[1] = size_of(stderr_log_fd);
  // A restart goes on in the same files; entries are of fixed size, so their number is the
  // sequence.
  sequence_ = size_of(index_fd) / sizeof(wire::LogIndexEntry);
}

bool Log::copy(int pipe_fd, int stream) {
  static char buffer[65536];
  const long size = sys(SYS_read, pipe_fd, buffer, sizeof buffer);
  if (size == -EAGAIN || size == -EINTR) return true;
  if (size <= 0) return false;
  append(stream, buffer, static_cast<std::uint32_t>(size));
  return true;
}

void Log::append(int stream, const char* bytes, std::uint32_t size) {
  if (log_fd_[stream] < 0) return;
  wire::LogIndexEntry entry{};
  entry.wall_usec = wall_usec();
  entry.sequence = sequence_++;
  entry.stream = static_cast<std::uint8_t>(stream);
  entry.offset = offset_[stream];
  entry.length = size;
  std::uint32_t written = 0;
  while (written < size) {
    const long result = sys(SYS_write, log_fd_[stream], bytes + written, size - written);
    if (result == -EINTR) continue;
    if (result <= 0) break;  // a full disk must not block the program: the rest is dropped and said
    written += static_cast<std::uint32_t>(result);
  }
  offset_[stream] += written;
  if (written < size) {
    entry.length = written;
    entry.flags = wire::kLogDropped;
  }
  // An index that can't be written leaves the bytes as a recovered record for the reader.
  if (index_fd_ >= 0) write_all(index_fd_, &entry, sizeof entry);
}

}  // namespace ringfort::shim
