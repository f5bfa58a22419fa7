// A reader of Seatbelt profiles for tests: forms, symbols and strings, nothing of their meaning.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ringfort::support {

struct SbplForm {
  enum class Kind { List, Symbol, String };
  Kind kind = Kind::List;
  std::string text;             ///< of a symbol or string, escapes undone
  std::vector<SbplForm> items;  ///< of a list

  bool operator==(const SbplForm&) const = default;
  /// First symbol of a list: `allow`, `subpath`; empty if there is none.
  std::string_view head() const;
};

/// The top-level forms; empty when the text is not whole forms (open lists or strings, stray `)`).
std::optional<std::vector<SbplForm>> read_sbpl(std::string_view text);

/// Every string that stands directly in a list with this head, at any depth: all `subpath`s, say.
std::vector<std::string> strings_under(const std::vector<SbplForm>& forms, std::string_view head);

/// Top-level forms `(verdict operation ...)` that name the operation.
std::vector<SbplForm> rules_for(const std::vector<SbplForm>& forms, std::string_view verdict,
                                std::string_view operation);

}  // namespace ringfort::support
