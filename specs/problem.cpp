#include "ringfort/specs/problem.hpp"

#include "ringfort/specs/names.hpp"

#include <algorithm>
#include <cctype>
#include <tuple>

namespace ringfort::specs {
namespace {

constexpr std::size_t longest_part = 400;

std::string capitalised(std::string text) {
  if (!text.empty()) {
    text.front() = static_cast<char>(std::toupper(static_cast<unsigned char>(text.front())));
  }
  return text;
}

/// The path of the value that holds this one.
std::string_view parent(std::string_view path) {
  const auto cut = path.find_last_of(".[");
  return cut == std::string_view::npos ? std::string_view{} : path.substr(0, cut);
}

}  // namespace

std::string to_string(const Problem& problem) {
  std::string text = printable(problem.file, longest_part);
  if (problem.line > 0) {
    text += ":" + std::to_string(problem.line) + ":" + std::to_string(problem.column);
  }
  if (!text.empty()) text += ": ";
  if (!problem.path.empty()) text += printable(problem.path, longest_part) + ": ";
  text += printable(problem.what, longest_part) + ".";
  if (!problem.instead.empty()) {
    text += " " + capitalised(printable(problem.instead, longest_part)) + ".";
  }
  return text;
}

std::string to_string(const Problems& problems) {
  std::string text;
  for (const auto& problem : problems) text += to_string(problem) + "\n";
  return text;
}

Error to_error(const Problems& problems) {
  if (problems.empty()) return {ErrorKind::InvalidSpec, "the document is wrong", {}, {}, 0};
  if (problems.size() == 1) {
    Problem only = problems.front();
    std::string instead = std::move(only.instead);
    only.instead.clear();
    return {ErrorKind::InvalidSpec, to_string(only), capitalised(std::move(instead)), {}, 0};
  }
  std::string what = std::to_string(problems.size()) + " problems:";
  for (const auto& problem : problems) what += " " + to_string(problem);
  return {ErrorKind::InvalidSpec, std::move(what), {}, {}, 0};
}

void sort_by_position(Problems& problems) {
  std::stable_sort(problems.begin(), problems.end(), [](const Problem& a, const Problem& b) {
    return std::tie(a.line, a.column) < std::tie(b.line, b.column);
  });
}

Position PositionMap::find(std::string_view path) const {
  for (; !path.empty(); path = parent(path)) {
    if (const auto found = at_.find(path); found != at_.end()) return found->second;
  }
  const auto root = at_.find(std::string_view{});
  return root == at_.end() ? Position{} : root->second;
}

Problem PositionMap::problem(std::string path, std::string what, std::string instead) const {
  const Position at = find(path);
  return {file_, at.line, at.column, std::move(path), std::move(what), std::move(instead)};
}

}  // namespace ringfort::specs
