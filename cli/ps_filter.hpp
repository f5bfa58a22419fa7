// What `ps --filter` lets through. Pure.
#pragma once

#include "ringfort/messages/answers.hpp"
#include "ringfort/specs/result.hpp"

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace ringfort::cli {

/// Conditions of one key are alternatives, those of different keys must all hold.
class PsFilter {
 public:
  /// "status=exited", "name=PREFIX", "level=landlock", "exited=N". Errors InvalidSpec name what is
  /// known.
  Status add(std::string_view text);

  bool lets_through(const ContainerEntry& entry) const;
  /// A condition on the end or on a state is also about those that `ps` alone does not show.
  bool wants_all() const { return wanted_.contains("status") || wanted_.contains("exited"); }

 private:
  std::map<std::string, std::vector<std::string>, std::less<>> wanted_;
};

}  // namespace ringfort::cli
