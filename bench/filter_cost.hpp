// What the seccomp filter alone costs a life.
#pragma once

#include "ringfort/platform/seccomp_filter.hpp"

#include <chrono>
#include <cstddef>
#include <optional>

namespace ringfort::bench {

struct FilterCost {
  std::size_t instructions = 0;
  std::size_t longest_path = 0;       ///< instructions of the dearest call
  std::chrono::nanoseconds attach{};  ///< median of the one call that a spawn makes
};

/// Attaches the filter in children of this process, one each. Empty when the kernel refuses it.
std::optional<FilterCost> filter_cost(const platform::FilterChoice& choice);

}  // namespace ringfort::bench
