#include "ringfort/platform/shim/sys.hpp"

#include <linux/landlock.h>
#include <time.h>

namespace ringfort::shim {
namespace {

std::int64_t clock_usec(clockid_t clock) {
  timespec now{};
  ::clock_gettime(clock, &now);
  return static_cast<std::int64_t>(now.tv_sec) * 1000000 + now.tv_nsec / 1000;
}

}  // namespace

std::int64_t wall_usec() { return clock_usec(CLOCK_REALTIME); }
std::int64_t boot_usec() { return clock_usec(CLOCK_BOOTTIME); }

long write_all(int fd, const void* bytes, std::size_t size) {
  const auto* cursor = static_cast<const char*>(bytes);
  while (size > 0) {
    const long written = sys(SYS_write, fd, cursor, size);
    if (written == -EINTR) continue;
    if (written < 0) return written;
    cursor += written;
    size -= static_cast<std::size_t>(written);
  }
  return 0;
}

std::size_t put_decimal(char* out, std::uint64_t value) {
  char digits[20];
  std::size_t count = 0;
  do {
    digits[count++] = static_cast<char>('0' + value % 10);
    value /= 10;
  } while (value != 0);
  for (std::size_t i = 0; i < count; ++i) out[i] = digits[count - 1 - i];
  return count;
}

void proc_path(char* out, pid_t pid, const char* leaf) {
  for (const char* prefix = "/proc/"; *prefix != '\0'; ++prefix) *out++ = *prefix;
  out += put_decimal(out, static_cast<std::uint64_t>(pid));
  *out++ = '/';
  while (*leaf != '\0') *out++ = *leaf++;
  *out = '\0';
}

pid_t host_pid() {
  char text[24];
  const long size = sys(SYS_readlink, "/proc/self", text, sizeof text - 1);
  pid_t pid = 0;
  for (long i = 0; i < size && text[i] >= '0' && text[i] <= '9'; ++i)
    pid = pid * 10 + (text[i] - '0');
  return pid;
}

long read_small(const char* path, char* out, std::size_t size) {
  const long fd = sys(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return fd;
  long count = sys(SYS_read, fd, out, size - 1);
  sys(SYS_close, fd);
  if (count >= 0) out[count] = '\0';
  return count;
}

long landlock_create_ruleset(const void* attr, std::size_t size, std::uint32_t flags) {
  return sys(SYS_landlock_create_ruleset, attr, size, flags);
}

long landlock_add_rule(int ruleset_fd, int type, const void* attr) {
  return sys(SYS_landlock_add_rule, ruleset_fd, type, attr, 0);
}

long landlock_restrict_self(int ruleset_fd) {
  return sys(SYS_landlock_restrict_self, ruleset_fd, 0);
}

}  // namespace ringfort::shim
