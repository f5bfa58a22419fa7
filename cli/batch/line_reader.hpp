// Lines from a descriptor, each of bounded length. Another thread may end the reading.
#pragma once

#include <optional>
#include <string>

namespace ringfort::cli {

class LineReader {
 public:
  /// Reading ends as well when `stop_fd` can be read from or is at its end.
  LineReader(int fd, int stop_fd, std::size_t longest)
      : fd_(fd), stop_fd_(stop_fd), longest_(longest) {}

  struct Line {
    std::string text;  ///< without its newline; cut when it is too long
    bool is_too_long = false;
  };
  /// The next line; nothing at the end, or after an error.
  std::optional<Line> next();
  /// The errno that ended it, 0 for a true end.
  int error() const { return error_; }

 private:
  bool fill();
  bool is_stopped() const;

  int fd_;
  int stop_fd_;
  std::size_t longest_;
  std::string buffer_;
  std::size_t begin_ = 0;
  bool is_ended_ = false;
  int error_ = 0;
};

}  // namespace ringfort::cli
