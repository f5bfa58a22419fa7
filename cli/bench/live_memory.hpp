// How much memory ringfort's own processes hold while many containers live.
#pragma once

#include "ringfort/cli/bench/lives.hpp"
#include "ringfort/cli/bench/results.hpp"

namespace ringfort::cli {

/// This process (the supervisor) and all below it that run ringfort's helper. Error where the
/// kernel shows the memory of one to nobody but root.
Result<MemoryPoint> memory_now(std::size_t live);

/// Starts containers of `service`, which must not end, up to each of `counts` in turn, looks, and
/// removes them all.
Result<std::vector<MemoryPoint>> memory_over(Runtime& runtime,
                                             std::shared_ptr<const specs::Service> service,
                                             const std::vector<std::size_t>& counts,
                                             const std::stop_token& stop);

}  // namespace ringfort::cli
