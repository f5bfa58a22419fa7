// A second filter that tells of accesses and refuses none. seccomp_unotify(2).
#pragma once

namespace ringfort::shim {

/// Makes the calls that name files, programs and addresses wait for a listener, and sends that
/// listener through `socket_fd`. What the other filter refuses outright is never told: the stricter
/// of two answers holds, and an errno is stricter than a question. When the listener has gone, the
/// calls fail with ENOSYS at once. 0 or -errno.
long hand_out_trace(int socket_fd);

}  // namespace ringfort::shim
