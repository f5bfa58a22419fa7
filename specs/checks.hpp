// What the files of validation share: collecting problems at paths.
#pragma once

#include "ringfort/specs/deployment.hpp"
#include "ringfort/specs/nearest.hpp"
#include "ringfort/specs/problem.hpp"

#include <algorithm>
#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ringfort::specs {

class Checks {
 public:
  explicit Checks(const PositionMap& positions) : positions_(positions) {}

  /// Complains at `path` unless `is_right`. Says whether it was right.
  bool expect(bool is_right, const std::string& path, std::string what, std::string instead) {
    if (!is_right && !is_full()) {
      problems_.push_back(positions_.problem(path, std::move(what), std::move(instead)));
    }
    return is_right;
  }
  /// The same for what has found its own words.
  void expect(const Status& status, const std::string& path) {
    if (!status) expect(false, path, status.error().what, status.error().hint);
  }

  /// More lines help nobody. Asked before making a text that costs time.
  bool is_full() const { return problems_.size() >= 100; }

  /// Complains unless `word` is one of `words`, and suggests the nearest.
  void expect_one_of(const std::string& path, std::string_view word,
                     std::span<const std::string_view> words, const std::string& what) {
    const bool is_known = std::find(words.begin(), words.end(), word) != words.end();
    if (!is_known && !is_full()) expect(false, path, what, suggestion(word, words));
  }

  Problems take() {
    sort_by_position(problems_);
    return std::move(problems_);
  }

 private:
  const PositionMap& positions_;
  Problems problems_;
};

/// In quotation marks, printable, cut; for the middle of a sentence.
std::string quoted(std::string_view text);

/// "env.PATH"
inline std::string member(std::string path, std::string_view name) {
  path += '.';
  path += name;
  return path;
}

/// "endpoints[2]"
inline std::string element(const std::string& path, std::size_t index) {
  return path + "[" + std::to_string(index) + "]";
}

void check_service(Checks& checks, const std::string& path, const Service& service);
void check_endpoints(Checks& checks, const std::string& path,
                     const std::vector<Endpoint>& endpoints);
void check_network(Checks& checks, const std::string& path, const Service& service);
void check_resources(Checks& checks, const std::string& path, const Resources& resources);
void check_storage(Checks& checks, const std::string& path, const std::vector<Storage>& storage);
void check_env(Checks& checks, const std::string& path,
               const std::map<std::string, std::string>& env);
void check_reference(Checks& checks, const std::string& path, const std::string& value);
void check_path(Checks& checks, const std::string& path, const std::string& value);
void check_health(Checks& checks, const std::string& path, const Health& health);
void check_init(Checks& checks, const std::string& path, const Init& init);
void check_scale(Checks& checks, const std::string& path, const Scale& scale);
void check_wasm(Checks& checks, const std::string& path, const Service& service);

}  // namespace ringfort::specs
