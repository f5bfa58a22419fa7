// The zygote as a child process of this one, run from the helper that is embedded in the library.
#pragma once

#include "ringfort/platform/fd.hpp"

#include <sys/types.h>

namespace ringfort::platform {

struct ZygoteProcess {
  pid_t pid = 0;
  Fd pidfd;
  Fd socket;   ///< SOCK_SEQPACKET: requests out, events of zygote and shims in
  Fd far_end;  ///< the zygote's own end: after its death, requests it has not taken are read here
};

/// Starts one. RINGFORT_HELPER names a file to run instead of the embedded helper (for debuggers).
Result<ZygoteProcess> start_zygote();

}  // namespace ringfort::platform
