// Reading what shims wrote: stdout.log, stderr.log and log.idx with their rotated generations.
#pragma once

#include "ringfort/platform/log_files.hpp"
#include "ringfort/specs/result.hpp"
#include "ringfort/specs/status.hpp"

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace ringfort::platform {

/// Lines of both streams of a container in the order in which they were read from it, stamped with
/// the time of their first byte. Bytes behind the last index entry (a shim was killed) are lines at
/// the file's modification time. Missing files are empty logs. Output that could not be written, a
/// log that somebody cut and a damaged index are said in entries of their own (`is_notice`).
/// `container_dir` holds the logs, `state_dir` the index.
Result<std::vector<LogEntry>> read_log(const std::string& container_dir,
                                       const std::string& state_dir, const LogQuery& query);

/// Where a reading ended, for somebody who goes on from there.
struct LogPosition {
  std::uint32_t generation = 1;
  std::uint64_t index_offset = 0;
  std::array<std::uint64_t, 2> offset{};  ///< in the files of `generation`
  std::array<LogEntry, 2> unfinished;     ///< the beginning of a line without an end
};

/// As read_log, without a last line that is unfinished: that is put into `position`.
std::vector<LogEntry> read_log(const LogPlace& place, const LogQuery& query, LogPosition* position);

namespace notice {
inline constexpr const char* kCut =
    "[ringfort: the log was cut here by somebody, and lines are missing]";
inline constexpr const char* kDamaged =
    "[ringfort: the index of this log is damaged here; times and order of lines may be wrong]";
inline constexpr const char* kGone =
    "[ringfort: lines are missing here: they were rotated away before they were read]";
inline constexpr const char* kUnread =
    "[ringfort: lines are missing here: the log could not be read]";
std::string lost(std::uint64_t bytes);
}  // namespace notice

}  // namespace ringfort::platform
