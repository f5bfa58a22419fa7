// Writing the two records of a state directory. One write each, so a killed shim leaves all or
// none.
#pragma once

#include "ringfort/platform/shim/wire.hpp"

#include <sys/types.h>

namespace ringfort::shim {

/// Reads what all records of this machine share (boot id, PID namespace). Once, in the zygote.
void learn_machine();

/// From now on a record is on the disk when its function returns, but for what `write_shim_record`
/// adds after exec: after a power cut nobody needs a pid.
void sync_records();

/// -1 as descriptor = nothing to do. 0 or -errno.
long write_shim_record(int fd, std::uint64_t cookie, pid_t shim_pid, pid_t main_pid,
                       std::int64_t started_usec);
/// On a full disk it goes into the shim's own file, whose block is there already.
long write_exit_file(int fd, int shim_fd, std::uint64_t cookie, int status,
                     std::uint32_t exit_flags, std::int64_t started_usec,
                     std::int64_t finished_usec, wire::Step step, std::int32_t error);

}  // namespace ringfort::shim
