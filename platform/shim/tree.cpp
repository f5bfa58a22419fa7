#include "ringfort/platform/shim/tree.hpp"

#include "ringfort/platform/shim/sys.hpp"

#include <sys/mman.h>

namespace ringfort::shim {
namespace {

struct Entry {
  pid_t pid;
  pid_t parent;
};

/// struct linux_dirent64 as the kernel writes it. getdents64(2).
struct DirectoryEntry {
  std::uint64_t inode;
  std::int64_t next;
  std::uint16_t size;
  std::uint8_t type;
  char name[];
};

constexpr std::size_t kMaxProcesses = 131072;

pid_t to_pid(const char* text) {
  pid_t pid = 0;
  if (*text == '\0') return 0;
  for (; *text != '\0'; ++text) {
    if (*text < '0' || *text > '9') return 0;
    pid = pid * 10 + (*text - '0');
  }
  return pid;
}

/// Field 4 of /proc/<pid>/stat; the command name before it may hold anything, so it is found from
/// the last parenthesis. proc(5).
pid_t parent_of(pid_t pid) {
  char path[64];
  char text[512];
  proc_path(path, pid, "stat");
  const long size = read_small(path, text, sizeof text);
  if (size <= 0) return 0;
  const char* cursor = text + size;
  while (cursor > text && *cursor != ')') --cursor;
  if (*cursor != ')' || cursor + 4 > text + size) return 0;
  cursor += 4;  // ") S "
  pid_t parent = 0;
  while (*cursor >= '0' && *cursor <= '9') parent = parent * 10 + (*cursor++ - '0');
  return parent;
}

/// All processes in view, by pid, as the kernel lists them. The table lives in a mapping of its own
/// and goes with the walk.
std::size_t list_processes(Entry* table) {
  const long proc = sys(SYS_openat, AT_FDCWD, "/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (proc < 0) return 0;
  std::size_t count = 0;
  alignas(8) char buffer[8192];
  for (;;) {
    const long size = sys(SYS_getdents64, proc, buffer, sizeof buffer);
    if (size <= 0) break;
    for (long at = 0; at < size;) {
      const auto* entry = reinterpret_cast<const DirectoryEntry*>(buffer + at);
      const pid_t pid = to_pid(entry->name);
      if (pid > 0 && count < kMaxProcesses) table[count++] = {pid, parent_of(pid)};
      at += entry->size;
    }
  }
  sys(SYS_close, proc);
  return count;
}

Entry* find(Entry* table, std::size_t count, pid_t pid) {
  std::size_t low = 0;
  std::size_t high = count;
  while (low < high) {
    const std::size_t middle = low + (high - low) / 2;
    if (table[middle].pid < pid) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low < count && table[low].pid == pid ? table + low : nullptr;
}

/// Shows each descendant of `root` to `visit`. They are marked by negating their parent until a
/// pass adds none: most parents stand before their children, so that is two passes as a rule.
template <class Visit>
void visit_descendants(Entry* table, std::size_t count, pid_t root, Visit visit) {
  for (bool grew = true; grew;) {
    grew = false;
    for (std::size_t i = 0; i < count; ++i) {
      if (table[i].parent <= 0) continue;
      if (table[i].parent != root) {
        const Entry* parent = find(table, count, table[i].parent);
        if (parent == nullptr || parent->parent >= 0) continue;
      }
      table[i].parent = -table[i].parent;
      grew = true;
      visit(table[i]);
    }
  }
}

template <class Act>
int with_processes(Act act) {
  void* memory = ::mmap(nullptr, kMaxProcesses * sizeof(Entry), PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) return 0;
  auto* table = static_cast<Entry*>(memory);
  const int result = act(table, list_processes(table));
  ::munmap(memory, kMaxProcesses * sizeof(Entry));
  return result;
}

}  // namespace

int signal_tree(int number, bool reaches_tree_only) {
  if (reaches_tree_only) return sys(SYS_kill, -1, number) == 0 ? 1 : 0;
  // /proc names processes as the host does, and kill takes that name: without a PID namespace of
  // our own both are the same.
  const pid_t self = host_pid();
  return with_processes([self, number](Entry* table, std::size_t count) {
    int signalled = 0;
    visit_descendants(table, count, self, [&](const Entry& entry) {
      if (sys(SYS_kill, entry.pid, number) == 0) ++signalled;
    });
    return signalled;
  });
}

std::uint64_t sum_over_tree(std::uint64_t (*figure)(pid_t)) {
  std::uint64_t sum = 0;
  const pid_t self = host_pid();
  with_processes([self, figure, &sum](Entry* table, std::size_t count) {
    visit_descendants(table, count, self, [&](const Entry& entry) { sum += figure(entry.pid); });
    return 0;
  });
  return sum;
}

int kill_strangers(bool (*is_ours)(pid_t)) {
  const pid_t self = host_pid();
  return with_processes([self, is_ours](Entry* table, std::size_t count) {
    int killed = 0;
    for (std::size_t i = 0; i < count; ++i)
      if (table[i].parent == self && !is_ours(table[i].pid) &&
          sys(SYS_kill, table[i].pid, SIGKILL) == 0)
        ++killed;
    return killed;
  });
}

}  // namespace ringfort::shim
