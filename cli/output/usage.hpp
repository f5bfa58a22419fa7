// What containers use, as `stats` shows it. Pure.
#pragma once

#include "ringfort/cli/output/json.hpp"
#include "ringfort/cli/output/table.hpp"
#include "ringfort/specs/names.hpp"
#include "ringfort/specs/status.hpp"

#include <optional>
#include <vector>

namespace ringfort::cli {

struct Usage {
  ContainerId id;
  Stats stats;
  std::optional<double> cpu_percent;  ///< 100 = one core; empty = there was one sample only
};

/// Between two samples of one container, of which the second was taken later. A start anew in
/// between counts as nothing.
double cpu_percent(const Stats& before, const Stats& after);

Table usage_table(const std::vector<Usage>& all);
Json to_value(const Usage& usage);

}  // namespace ringfort::cli
