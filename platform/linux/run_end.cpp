#include "ringfort/platform/linux/run_end.hpp"

#include "ringfort/platform/start_failure.hpp"

#include <chrono>

#include <sys/wait.h>

namespace ringfort::platform {

WallTime wall_time(std::int64_t usec) { return WallTime{std::chrono::microseconds(usec)}; }

ProgramEnded ended_from(const wire::Event& event) {
  const int status = event.status;
  RawExit raw;
  raw.by_signal = WIFSIGNALED(status);
  raw.value = raw.by_signal ? WTERMSIG(status) : WEXITSTATUS(status);
  raw.core_dumped = raw.by_signal && WCOREDUMP(status);
  EndCauses causes;
  causes.oom = (event.exit_flags & wire::kOom) != 0;
  causes.timeout = (event.exit_flags & wire::kTimedOut) != 0;
  causes.stopped = (event.exit_flags & wire::kStopped) != 0;
  ProgramEnded ended;
  ended.exit = make_exit_record(raw, causes);
  ended.exit.abandoned = (event.exit_flags & wire::kAbandoned) != 0;
  ended.exit.started_at = wall_time(event.started_usec);
  ended.exit.finished_at = wall_time(event.finished_usec);
  return ended;
}

ProgramEnded ended_from_failure(const wire::Event& event, const LaunchPlan& plan,
                                const std::string& container) {
  ProgramEnded ended;
  ended.exit = start_failure_record(event.step, event.error);
  ended.exit.finished_at = wall_time(event.finished_usec);
  ended.start_error = start_failure(event.step, event.error, event.detail, plan, container);
  return ended;
}

ProgramEnded lost(const std::string& container, std::optional<WallTime> started_at) {
  ProgramEnded ended;
  ended.exit.code = 255;
  ended.exit.reason = EndReason::Lost;
  ended.exit.known = false;
  ended.exit.started_at = started_at;
  ended.exit.finished_at =
      std::chrono::time_point_cast<std::chrono::microseconds>(std::chrono::system_clock::now());
  if (!started_at)
    ended.start_error =
        Error{ErrorKind::StartFailed, "the container's shim died before it could start the program",
              "try again", container, 0};
  return ended;
}

}  // namespace ringfort::platform
