#include "ringfort/specs/utf8.hpp"

#include <array>

namespace ringfort::specs {
namespace {

/// By the number of bytes: which first bytes announce it, and the least value it may carry.
struct Form {
  unsigned char mask;
  unsigned char lead;
  char32_t least;
};
constexpr std::array<Form, 4> forms{{
    {0x80, 0x00, 0x0},
    {0xE0, 0xC0, 0x80},
    {0xF0, 0xE0, 0x800},
    {0xF8, 0xF0, 0x10000},
}};

bool is_scalar_value(char32_t value) {
  return value <= 0x10FFFF && !(value >= 0xD800 && value <= 0xDFFF);
}

}  // namespace

std::optional<CodePoint> first_code_point(std::string_view text) {
  if (text.empty()) return std::nullopt;
  const auto first = static_cast<unsigned char>(text.front());
  for (std::size_t length = 1; length <= forms.size(); ++length) {
    const Form& form = forms[length - 1];
    if ((first & form.mask) != form.lead) continue;
    if (text.size() < length) return std::nullopt;
    char32_t value = first & static_cast<unsigned char>(~form.mask);
    for (std::size_t i = 1; i < length; ++i) {
      const auto byte = static_cast<unsigned char>(text[i]);
      if ((byte & 0xC0) != 0x80) return std::nullopt;
      value = (value << 6) | (byte & 0x3Fu);
    }
    if (value < form.least || !is_scalar_value(value)) return std::nullopt;
    return CodePoint{value, length};
  }
  return std::nullopt;
}

std::optional<std::size_t> first_invalid_utf8(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size()) {
    const auto point = first_code_point(text.substr(at));
    if (!point) return at;
    at += point->length;
  }
  return std::nullopt;
}

}  // namespace ringfort::specs
