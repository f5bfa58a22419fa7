// Thin system-call layer of the helper: raw calls, no errno, no allocation, no locale.
// A negative return value is -errno. The helper is one static, single-threaded program.
#pragma once

#include <cerrno>
#include <cstddef>
#include <cstdint>

#include <fcntl.h>
#include <linux/openat2.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

namespace ringfort::shim {

/// One system call; -errno on failure. syscall(2) of libc, with errno folded into the result.
template <class... Args>
inline long sys(long number, Args... args) {
  const long result = ::syscall(number, args...);
  return result < 0 ? -errno : result;
}

inline void close_fd(int& fd) {
  // close(2) frees the number even on error: nothing to do about one.
  if (fd >= 0) ::close(fd);
  fd = -1;
}

/// A child with its own copy of this memory, in the new namespaces of `flags` (CLONE_NEW*): 0 in
/// the child. Not clone3, which container engines refuse whole because a filter can't see its
/// flags.
inline long fork_into(unsigned long flags) {
  return sys(SYS_clone, flags | SIGCHLD, nullptr, nullptr, nullptr, nullptr);
}

std::int64_t wall_usec();
std::int64_t boot_usec();  ///< CLOCK_BOOTTIME: deadlines hold across suspend and clock changes

/// Writes all of it or gives -errno; EINTR is retried.
long write_all(int fd, const void* bytes, std::size_t size);

/// Decimal text of `value` at `out` (no NUL); returns the number of bytes.
std::size_t put_decimal(char* out, std::uint64_t value);

/// "/proc/<pid>/<leaf>" into `out` (at least 64 bytes).
void proc_path(char* out, pid_t pid, const char* leaf);

/// This process's pid as the host's procfs names it. Works in any PID namespace as long as the
/// host's /proc is in view, and for a non-dumpable process too. proc(5), /proc/self.
pid_t host_pid();

/// Reads a whole small file into `out` with a final NUL; its size, or -errno.
long read_small(const char* path, char* out, std::size_t size);

/// struct linux_dirent64 as the kernel writes it. getdents64(2).
struct DirectoryEntry {
  std::uint64_t inode;
  std::int64_t next;
  std::uint16_t size;
  std::uint8_t type;
  char name[1];
};

/// Shows each name from the directory's position on to `visit`.
template <class Visit>
void visit_names(int dir_fd, Visit visit) {
  alignas(8) char buffer[8192];
  for (;;) {
    const long size = sys(SYS_getdents64, dir_fd, buffer, sizeof buffer);
    if (size <= 0) return;
    for (long at = 0; at < size;) {
      const auto* entry = reinterpret_cast<const DirectoryEntry*>(buffer + at);
      at += entry->size;
      visit(entry->name);
    }
  }
}

/// Landlock, which libc has no wrappers for. landlock(7).
long landlock_create_ruleset(const void* attr, std::size_t size, std::uint32_t flags);
long landlock_add_rule(int ruleset_fd, int type, const void* attr);
long landlock_restrict_self(int ruleset_fd);

}  // namespace ringfort::shim
