// Copies a program's stdout and stderr into its logs: bytes first, index entry after.
#pragma once

#include <cstdint>

namespace ringfort::shim {

class Log {
 public:
  /// Takes the descriptors of stdout.log, stderr.log (O_APPEND) and log.idx; -1 = no log.
  void open(int stdout_log_fd, int stderr_log_fd, int index_fd);

  /// Reads what is there from a non-blocking pipe and logs it. False at end of file.
  bool copy(int pipe_fd, int stream);

 private:
  void append(int stream, const char* bytes, std::uint32_t size);

  int log_fd_[2] = {-1, -1};
  int index_fd_ = -1;
  std::uint64_t offset_[2] = {0, 0};
  std::uint64_t sequence_ = 0;
};

}  // namespace ringfort::shim
