#include "ringfort/specs/nearest.hpp"

#include <algorithm>
#include <vector>

namespace ringfort::specs {
namespace {

/// Nothing longer is a misspelling of ours; it also bounds the quadratic comparison.
constexpr std::size_t longest_word = 64;
/// Names of a hostile document's own making are not all compared.
constexpr std::size_t most_words = 1000;

/// A longer list is not read.
constexpr std::size_t most_listed = 16;

/// pullPolicy, pull-policy and PULL_POLICY are all spellings of pull_policy.
std::string folded(std::string_view word) {
  std::string out;
  for (const char c : word) {
    if (c == '_' || c == '-') continue;
    out += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return out;
}

/// Insertions, deletions, replacements and swaps of neighbours that turn `a` into `b`.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before_last;
  std::vector<std::size_t> last(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::vector<std::size_t> row(b.size() + 1, i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, replaced});
      const bool is_swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (is_swapped) row[j] = std::min(row[j], before_last[j - 2] + 1);
    }
    before_last = std::move(last);
    last = std::move(row);
  }
  return last.back();
}

}  // namespace

std::optional<std::string_view> nearest(std::string_view word,
                                        std::span<const std::string_view> words) {
  if (word.size() > longest_word || words.size() > most_words) return std::nullopt;
  const std::string wanted = folded(word);
  std::optional<std::string_view> best;
  std::size_t least = std::max<std::size_t>(1, wanted.size() / 3) + 1;
  for (const auto candidate : words) {
    if (candidate.size() > longest_word) continue;
    const auto distance = edit_distance(wanted, folded(candidate));
    if (distance >= least) continue;
    least = distance;
    best = candidate;
  }
  return best;
}

std::string suggestion(std::string_view word, std::span<const std::string_view> words) {
  if (const auto meant = nearest(word, words)) return "write " + std::string{*meant};
  if (words.empty() || words.size() > most_listed) return "remove it";
  std::vector<std::string_view> sorted{words.begin(), words.end()};
  std::sort(sorted.begin(), sorted.end());
  std::string text = sorted.size() == 1 ? "write " : "write one of: ";
  for (const auto candidate : sorted) {
    if (candidate != sorted.front()) text += ", ";
    text += candidate;
  }
  return text;
}

}  // namespace ringfort::specs
