// A memory limit by the kernel, where a cgroup (v1 or v2) is writable.
#pragma once

#include "ringfort/platform/fd.hpp"
#include "ringfort/specs/units.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace ringfort::platform {

/// What the shim gets of a memory cgroup.
struct CgroupFds {
  Fd procs;   ///< cgroup.procs: the child writes "0" into it before it leaves the host's view
  Fd events;  ///< v2 memory.events, v1 memory.oom_control: holds a line "oom_kill N"
  Fd notify;  ///< v1: an eventfd registered for OOM; v2: a second descriptor of memory.events to
              ///< poll for POLLPRI (an eventfd is absent there)
  Fd kill;    ///< v2 cgroup.kill (Linux 5.14); empty elsewhere. cgroups(7)
};

/// One container's memory cgroup; removed in the destructor (retried a bounded time while EBUSY).
class MemoryCgroup {
 public:
  /// Empty when no memory controller is writable by this process. Tried by really making one, once
  /// per process. RINGFORT_TEST_NO_CGROUP=1 makes it empty.
  static bool available();

  /// `name` is unique on the machine (runtime nonce + container). No swap beyond the limit.
  static Result<std::unique_ptr<MemoryCgroup>> create(const std::string& name, Bytes limit);
  /// One that an earlier process made and kept, by its path(). Errors: NotFound.
  static Result<std::unique_ptr<MemoryCgroup>> reopen(const std::string& path);
  virtual ~MemoryCgroup() = default;

  /// Where it lies on this machine.
  virtual std::string path() const = 0;
  /// Let the destructor leave it: its processes live on.
  virtual void keep() = 0;

  virtual Result<CgroupFds> open_for_run() = 0;
  virtual Result<std::uint64_t> memory_bytes() const = 0;
};

}  // namespace ringfort::platform
