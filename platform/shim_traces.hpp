// What a shim left in its state directory, and what follows from it. For taking over containers.
#pragma once

#include "ringfort/platform/fd.hpp"
#include "ringfort/platform/shim/wire.hpp"
#include "ringfort/specs/result.hpp"
#include "ringfort/specs/status.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace ringfort::platform {

/// Only whole files with a right checksum are taken; anything else counts as absent.
struct ShimTraces {
  bool locked = false;  ///< the shim lives: it holds a lock on its file
  std::optional<wire::ShimRecord> shim;
  std::optional<wire::ExitFile> exit;
  bool is_stopped = false;  ///< the main program stands still (state T), as `pause` leaves it
};

/// Error: Io when the system does not let us look (EMFILE, EIO). What cannot be looked at is never
/// said to be absent: a program that runs would be taken for lost.
Result<ShimTraces> read_shim_traces(const std::string& state_dir);

enum class Found {
  NeverStarted,
  Running,
  Paused,
  Ended,  ///< `exit` tells how
  Lost,   ///< it ran, and nobody saw its end
};

/// A lock outweighs all else: an exit file beside it is from a shim about to leave. Pure.
Found judge(const ShimTraces& traces);

/// The exit record that `traces` stand for, when judge says Ended or Lost. Pure.
ExitRecord exit_record_of(const ShimTraces& traces);

/// The file that a run's end will be written to, held open: whoever watches a run of another
/// process can read its end also when the container is removed, or started again, before he looks.
/// Shares a lock on the file, so that a removal deletes it and does not use it again. Best effort:
/// empty when a thousand are held, or when it can't be had.
class HeldExit {
 public:
  HeldExit() = default;
  /// Certain to hold that run's file if its shim's lock is seen to be held afterwards.
  static HeldExit hold(const std::string& state_dir);
  HeldExit(HeldExit&& other) noexcept = default;
  HeldExit& operator=(HeldExit&&) = delete;
  ~HeldExit();

  /// Of the run with this cookie; nothing while it has none.
  std::optional<wire::ExitFile> end_of(std::uint64_t cookie) const;

 private:
  Fd file_;
};

/// Is `pid` the process that `record` names? It must be of this boot and PID namespace, and have
/// begun at the same tick. In doubt it is not.
bool is_same_process(const wire::ShimRecord& record, std::int32_t pid);

}  // namespace ringfort::platform
