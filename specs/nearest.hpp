// "Did you mean": the word nearest to a misspelt one.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace ringfort::specs {

/// The nearest of `words`, if it is near enough to be meant.
std::optional<std::string_view> nearest(std::string_view word,
                                        std::span<const std::string_view> words);

/// "write memory"; when nothing is near, "write one of: a, b, c", or "remove it" if they are many.
std::string suggestion(std::string_view word, std::span<const std::string_view> words);

}  // namespace ringfort::specs
