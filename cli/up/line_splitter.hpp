// Bytes as they come, to whole lines.
#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace ringfort::cli {

class LineSplitter {
 public:
  using Take = std::function<void(std::string_view)>;

  /// Hands on every line that `bytes` completes; a line over 64 KiB goes in pieces.
  void add(std::string_view bytes, const Take& take);
  /// What had no newline at the end.
  void finish(const Take& take);

 private:
  std::string rest_;
};

}  // namespace ringfort::cli
