// What the other end of a descriptor can show.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace ringfort::cli {

bool is_terminal(int fd);

/// A terminal that is not dumb, and no NO_COLOR.
bool may_colour(int fd);

/// 80 by 24 when unknown.
struct TerminalSize {
  std::size_t columns = 80;
  std::size_t rows = 24;
};
TerminalSize terminal_size(int fd);

enum class Colour { Red = 31, Green = 32, Yellow = 33, Blue = 34, Magenta = 35, Cyan = 36 };

/// `text` in this colour, or as it is.
class Paint {
 public:
  explicit Paint(bool is_on) : is_on_(is_on) {}
  std::string operator()(Colour colour, std::string_view text) const;

 private:
  bool is_on_;
};

}  // namespace ringfort::cli
