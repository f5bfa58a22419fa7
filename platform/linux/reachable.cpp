#include "ringfort/platform/reachable.hpp"

#include "ringfort/platform/fd.hpp"

#include <cerrno>
#include <cstring>
#include <thread>

#include <fcntl.h>
#include <sys/fsuid.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace ringfort::platform {
namespace {

/// errno of opening `path` as that user; 0 = it works. On a thread of its own: the ids below belong
/// to one thread and end with it, so nothing has to be put back.
int try_open(const std::string& path, Access access, std::uint32_t uid, std::uint32_t gid) {
  int error = 0;
  std::thread other([&] {
    // The raw call: libc's setgroups would change every thread of the process.
    if (::syscall(SYS_setgroups, 0, nullptr) != 0) {
      error = errno;
      return;
    }
    ::setfsgid(gid);
    ::setfsuid(uid);  // from 0 to another user this drops the file capabilities as well
    const Fd opened{::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC)};
    if (!opened) {
      error = errno;
    } else if (access == Access::Write && ::faccessat(AT_FDCWD, path.c_str(), F_OK, 0) == 0) {
      // Directories can't be opened for writing: their mode is asked by the calls of the program.
      const Fd writable{::open(path.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC)};
      if (!writable && errno != EISDIR) error = errno;
    }
  });
  other.join();
  return error;
}

}  // namespace

Status check_reachable(const std::string& path, Access access, std::uint32_t uid,
                       std::uint32_t gid) {
  const int error = try_open(path, access, uid, gid);
  // A socket or a missing driver is no question of rights.
  if (error != EACCES && error != EPERM) return {};
  return fail(ErrorKind::InvalidSpec,
              path + " can't be reached by the container's user " + std::to_string(uid) + ": " +
                  std::strerror(error),
              "use --isolation namespaces, or name a user who can: --user UID:GID");
}

}  // namespace ringfort::platform
