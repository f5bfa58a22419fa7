#include "ringfort/support/golden.hpp"

#include <cstdlib>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>

namespace ringfort::support {
namespace {

std::optional<std::string> content_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return std::nullopt;
  return std::string(std::istreambuf_iterator<char>(file), {});
}

testing::AssertionResult rewritten(const std::string& path, std::string_view text) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << text;
  file.close();
  if (!file) return testing::AssertionFailure() << "cannot write " << path;
  return testing::AssertionSuccess();
}

/// Line number and both versions of the first line that differs.
std::string first_difference(const std::string& expected, std::string_view actual) {
  std::istringstream want(expected);
  std::istringstream have{std::string(actual)};
  for (int number = 1;; ++number) {
    std::string want_line;
    std::string have_line;
    const bool has_want = static_cast<bool>(std::getline(want, want_line));
    const bool has_have = static_cast<bool>(std::getline(have, have_line));
    if (has_want && has_have && want_line == have_line) continue;
    if (!has_want && !has_have) return "only the final newline differs";
    return "line " + std::to_string(number) +
           "\n  expected: " + (has_want ? want_line : "(end of text)") +
           "\n  actual:   " + (has_have ? have_line : "(end of text)");
  }
}

}  // namespace

testing::AssertionResult matches_golden(std::string_view actual, std::string_view file) {
  const std::string path = std::string(RINGFORT_SOURCE_DIR "/tests/golden/").append(file);
  if (std::getenv("RINGFORT_UPDATE_GOLDEN") != nullptr) return rewritten(path, actual);
  const auto expected = content_of(path);
  if (!expected)
    return testing::AssertionFailure() << path << " is missing; RINGFORT_UPDATE_GOLDEN=1 writes it";
  if (*expected == actual) return testing::AssertionSuccess();
  return testing::AssertionFailure() << file << ": " << first_difference(*expected, actual);
}

}  // namespace ringfort::support
