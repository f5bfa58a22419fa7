// Which descriptors go with a request to the zygote. platform/shim/wire.hpp has their slots.
#pragma once

#include "ringfort/platform/shim/wire.hpp"
#include "ringfort/platform/spawner.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace ringfort::platform {

/// The descriptors of one request, in the order of wire::SpawnFd.
class FdList {
 public:
  void add(wire::SpawnFd slot, int fd) {
    if (fd < 0) return;
    mask_ |= 1U << slot;
    fds_[count_++] = fd;
  }
  std::uint32_t mask() const { return mask_; }
  std::span<const int> fds() const { return {fds_.data(), count_}; }

 private:
  std::uint32_t mask_ = 0;
  std::size_t count_ = 0;
  std::array<int, wire::kSpawnFdCount> fds_{};
};

inline FdList collect(const RunRequest& request, int plan_fd, int control_fd, int lease_fd) {
  FdList list;
  list.add(wire::kPlanFd, plan_fd);
  list.add(wire::kStdinFd, request.stdin_fd);
  list.add(wire::kStdoutFd, request.stdout_fd);
  list.add(wire::kStderrFd, request.stderr_fd);
  list.add(wire::kStdoutLogFd, request.files.stdout_log.get());
  list.add(wire::kStderrLogFd, request.files.stderr_log.get());
  list.add(wire::kLogIndexFd, request.files.log_index.get());
  list.add(wire::kExitFd, request.files.exit_record.get());
  list.add(wire::kShimFd, request.files.shim_record.get());
  list.add(wire::kPidFd, request.files.pid_file.get());
  list.add(wire::kListenerFd, request.files.listener.get());
  list.add(wire::kControlFd, control_fd);
  list.add(wire::kLeaseFd, lease_fd);
  list.add(wire::kPortFd, request.port_fd);
  list.add(wire::kCgroupProcsFd, request.cgroup.procs.get());
  list.add(wire::kCgroupEventsFd, request.cgroup.events.get());
  list.add(wire::kCgroupNotifyFd, request.cgroup.notify.get());
  list.add(wire::kCgroupKillFd, request.cgroup.kill.get());
  list.add(wire::kLogDirFd, request.files.log_dir.get());
  list.add(wire::kLogIndexDirFd, request.files.log_index_dir.get());
  list.add(wire::kTraceFd, request.trace_fd);
  return list;
}

}  // namespace ringfort::platform
