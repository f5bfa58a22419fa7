// Reading what shims wrote: stdout.log, stderr.log and log.idx. Pure over file contents.
#pragma once

#include "ringfort/specs/result.hpp"
#include "ringfort/specs/status.hpp"

#include <cstddef>
#include <string>
#include <vector>

namespace ringfort::platform {

/// Lines of both streams of a container in the order in which they were read from it, stamped with
/// the time of their first byte. `tail` = at most that many last lines, 0 = all. Bytes behind the
/// last index entry (a shim was killed) become one entry at the file's modification time. Missing
/// files are empty logs. `container_dir` holds the logs, `state_dir` the index.
Result<std::vector<LogEntry>> read_log(const std::string& container_dir,
                                       const std::string& state_dir, std::size_t tail);

}  // namespace ringfort::platform
