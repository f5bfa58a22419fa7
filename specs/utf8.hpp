// Reading UTF-8 strictly: no overlong forms, no surrogates, nothing above U+10FFFF.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace ringfort::specs {

struct CodePoint {
  char32_t value = 0;
  std::size_t length = 1;  ///< in bytes
};

/// The code point at the front of `text`; nothing when the bytes there are not UTF-8.
std::optional<CodePoint> first_code_point(std::string_view text);

/// Offset of the first byte that is not UTF-8.
std::optional<std::size_t> first_invalid_utf8(std::string_view text);

}  // namespace ringfort::specs
