// What the runtime reports about a container: its state, its end, its figures, its log lines.
#pragma once

#include "ringfort/specs/units.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ringfort {

/// Wall-clock time, microseconds since the epoch, UTC.
using WallTime = std::chrono::time_point<std::chrono::system_clock, std::chrono::microseconds>;

/// RFC 3339 in UTC with six digits: 2026-11-25T14:30:00.123456Z.
std::string to_rfc3339(WallTime time);
std::optional<WallTime> from_rfc3339(std::string_view text);

/// `Created` is the seed's Pending.
enum class State {
  Creating,
  Created,
  Starting,
  Running,
  Paused,
  Stopping,
  Exited,
  Failed,
  Backoff,
  Removing,
  Stuck,
};
std::string_view to_string(State state);

/// Why a container ended. If several are true the first of this order wins:
/// oom, timeout, stopped, signaled.
enum class EndReason { Exited, Signaled, Oom, Timeout, Stopped, StartFailed, Lost };
std::string_view to_string(EndReason reason);
std::optional<EndReason> parse_end_reason(std::string_view text);

/// The one exit record, the same everywhere: API, messages, reports, state directory.
struct ExitRecord {
  int code = 0;               ///< external code: 128+n by signal, 137 oom, 124 timeout, 255 lost
  std::optional<int> signal;  ///< the signal that ended the main program
  bool core_dumped = false;
  EndReason reason = EndReason::Exited;
  std::optional<WallTime> started_at;
  std::optional<WallTime> finished_at;
  bool known = true;       ///< false when nobody saw the end (shim killed)
  bool abandoned = false;  ///< `stopped` by nobody: its runtime went away

  bool operator==(const ExitRecord&) const = default;
};

/// How a main program left, as wait(2) tells it.
struct RawExit {
  bool by_signal = false;
  int value = 0;  ///< exit code or signal number
  bool core_dumped = false;
};

/// What else was true when it ended.
struct EndCauses {
  bool oom = false;
  bool timeout = false;
  bool stopped = false;
};

/// The rule of precedence and codes in one place. Times are left empty.
ExitRecord make_exit_record(RawExit raw, EndCauses causes);

/// State as callers see it: the state, and the record once there is one.
struct ContainerState {
  State state = State::Created;
  std::optional<ExitRecord> exit;
  std::string reason;  ///< for Failed: why

  bool operator==(const ContainerState&) const = default;
};

/// Whole-tree figures of a running container.
struct Stats {
  std::uint64_t cpu_usage_usec = 0;
  std::uint64_t memory_bytes = 0;
  std::uint64_t memory_limit = UINT64_MAX;  ///< UINT64_MAX = unlimited
  std::uint32_t pids = 0;
  WallTime taken_at{};
};

enum class LogStream { Stdout, Stderr };

/// One line, bytes unaltered, without its newline; or a part of 16 KiB of a longer one.
struct LogEntry {
  WallTime time{};
  LogStream stream = LogStream::Stdout;
  /// Of the piece that was read from the program in which it began: never less than the one before;
  /// lines may share it, and numbers may be left out. All output begins with 0, so a first entry
  /// above that says that older lines were rotated away; whoever has read up to N has missed none
  /// if the first entry of the whole log is at most N. Losses of other kinds are notices.
  std::uint64_t sequence = 0;
  std::string message;
  bool is_partial = false;  ///< the line goes on in the next entry of its stream
  bool is_notice = false;   ///< ringfort's own words: output is missing here, or the log is damaged
};

/// Which lines of a log are wanted.
struct LogQuery {
  std::size_t tail = 0;           ///< at most so many last ones; 0 = all
  std::optional<WallTime> since;  ///< none from before
};

/// What an exec'd command left.
struct ExecResult {
  int code = 0;
  std::string out;
  std::string err;
  bool truncated = false;  ///< output went over the bound and was cut
  bool timed_out = false;
};

}  // namespace ringfort
