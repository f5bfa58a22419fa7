#include "ringfort/platform/shim/record.hpp"

#include "ringfort/platform/shim/sys.hpp"

#include <cstring>

#include <sys/stat.h>

namespace ringfort::shim {
namespace {

char g_boot_id[40];
std::uint64_t g_pidns_inode;
bool g_synced;

/// Field 22 of /proc/self/stat: start time in clock ticks since boot.
std::uint64_t start_ticks() {
  char text[512];
  const long size = read_small("/proc/self/stat", text, sizeof text);
  if (size <= 0) return 0;
  const char* cursor = text + size;
  while (cursor > text && *cursor != ')') --cursor;
  for (int field = 2; field < 22 && *cursor != '\0'; ++cursor)
    if (*cursor == ' ') ++field;
  std::uint64_t ticks = 0;
  while (*cursor >= '0' && *cursor <= '9')
    ticks = ticks * 10 + static_cast<std::uint64_t>(*cursor++ - '0');
  return ticks;
}

template <class Record>
void seal(Record& record) {
  record.magic = wire::kRecordMagic;
  record.version = wire::kProtocolVersion;
  record.checksum = wire::checksum(&record, offsetof(Record, checksum));
}

template <class Record>
long put(int fd, const Record& record, long offset, bool synced) {
  long written = -EINTR;
  while (written == -EINTR) written = sys(SYS_pwrite64, fd, &record, sizeof record, offset);
  if (written >= 0 && written != sizeof record) return -ENOSPC;
  return written < 0 || !synced ? (written < 0 ? written : 0) : sys(SYS_fdatasync, fd);
}

}  // namespace

void learn_machine() {
  if (read_small("/proc/sys/kernel/random/boot_id", g_boot_id, sizeof g_boot_id) > 36)
    g_boot_id[36] = '\0';
  struct stat status {};
  if (::stat("/proc/self/ns/pid", &status) == 0) g_pidns_inode = status.st_ino;
}

void sync_records() { g_synced = true; }

long write_shim_record(int fd, std::uint64_t cookie, pid_t shim_pid, pid_t main_pid,
                       std::int64_t started_usec) {
  if (fd < 0) return 0;
  static std::uint64_t ticks = start_ticks();
  wire::ShimRecord record{};
  record.cookie = cookie;
  record.shim_pid = shim_pid;
  record.main_pid = main_pid;
  record.start_ticks = ticks;
  record.pidns_inode = g_pidns_inode;
  record.started_usec = started_usec;
  std::memcpy(record.boot_id, g_boot_id, sizeof record.boot_id);
  seal(record);
  return put(fd, record, 0, g_synced && main_pid == 0);
}

long write_exit_file(int fd, int shim_fd, std::uint64_t cookie, int status,
                     std::uint32_t exit_flags, std::int64_t started_usec,
                     std::int64_t finished_usec, wire::Step step, std::int32_t error) {
  if (fd < 0) return 0;
  wire::ExitFile record{};
  record.cookie = cookie;
  record.status = status;
  record.exit_flags = exit_flags;
  record.started_usec = started_usec;
  record.finished_usec = finished_usec;
  record.start_step = static_cast<std::uint32_t>(step);
  record.start_error = error;
  seal(record);
  const long result = put(fd, record, 0, g_synced);
  if (result == 0 || shim_fd < 0) return result;
  return put(shim_fd, record, wire::kExitInShimFile, g_synced);
}

}  // namespace ringfort::shim
