// What is wrong with a document, where, and what to write instead. Several at once.
#pragma once

#include "ringfort/specs/error.hpp"

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace ringfort::specs {

/// Both count from 1, columns in bytes; 0 = unknown.
struct Position {
  int line = 0;
  int column = 0;
  auto operator<=>(const Position&) const = default;
};

struct Problem {
  std::string file;
  int line = 0;
  int column = 0;
  std::string path;  ///< `services.web.endpoints[0].port`; empty for the document as a whole
  std::string what;
  std::string instead;
  bool operator==(const Problem&) const = default;
};

using Problems = std::vector<Problem>;

/// `file:line:column: path: what is wrong. What to write instead.`; unknown parts are left out.
std::string to_string(const Problem& problem);

/// One line each.
std::string to_string(const Problems& problems);

/// All of them as one InvalidSpec.
Error to_error(const Problems& problems);

/// In the order of the document.
void sort_by_position(Problems& problems);

/// Where each value of a document stands.
class PositionMap {
 public:
  PositionMap() = default;
  explicit PositionMap(std::string file) : file_(std::move(file)) {}

  const std::string& file() const { return file_; }
  void set(const std::string& path, Position position) { at_[path] = position; }

  /// Of `path`, else of the nearest value around it: what is missing is shown where it belongs.
  Position find(std::string_view path) const;

  Problem problem(std::string path, std::string what, std::string instead) const;

 private:
  std::string file_;
  std::map<std::string, Position, std::less<>> at_;
};

}  // namespace ringfort::specs
