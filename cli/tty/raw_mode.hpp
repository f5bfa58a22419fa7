// The caller's own terminal while a program inside has the word.
#pragma once

namespace ringfort::cli {

/// Every key goes through as a byte (Ctrl-C, too) until this object goes. A crash of this process
/// restores the modes as well; only SIGKILL leaves them as they are (`stty sane` mends them). One
/// at a time.
class RawMode {
 public:
  /// No effect when `fd` is no terminal. Reads of it do not wait for bytes: poll first.
  explicit RawMode(int fd);
  ~RawMode();
  RawMode(const RawMode&) = delete;
  RawMode& operator=(const RawMode&) = delete;
};

}  // namespace ringfort::cli
