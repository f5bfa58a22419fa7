#include "ringfort/platform/process_stats.hpp"

#include "ringfort/platform/fd.hpp"
#include "ringfort/platform/linux/dir_stack.hpp"
#include "ringfort/platform/linux/proc_stat.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <ctime>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include <fcntl.h>

namespace ringfort::platform {
namespace {

constexpr int kFlags = O_RDONLY | O_NOFOLLOW | O_CLOEXEC;

/// The start of a file below /proc; empty when its process is gone. No file we read is longer.
std::string_view read_small(int proc_fd, const std::string& path, std::array<char, 8192>& buffer) {
  const Fd file{::openat(proc_fd, path.c_str(), kFlags)};
  const auto got = file ? ::read(file.get(), buffer.data(), buffer.size()) : -1;
  return {buffer.data(), got > 0 ? static_cast<std::size_t>(got) : 0};
}

/// All of it; empty with errno when it can't be opened.
std::optional<std::string> read_whole(int proc_fd, const std::string& path) {
  const Fd file{::openat(proc_fd, path.c_str(), kFlags)};
  if (!file) return std::nullopt;
  std::string text;
  std::array<char, 4096> piece;
  for (ssize_t got = 0; (got = ::read(file.get(), piece.data(), piece.size())) > 0;)
    text.append(piece.data(), static_cast<std::size_t>(got));
  return text;
}

/// "<name>   <number> kB" somewhere at the start of a line, in bytes; 0 when absent.
std::uint64_t kilobytes(std::string_view text, std::string_view name) {
  const auto line = "\n" + std::string(name) + ":";
  auto at = text.find(line);
  if (at == text.npos) return 0;
  at = text.find_first_of("0123456789", at + line.size());
  std::uint64_t value = 0;
  if (at != text.npos) std::from_chars(text.data() + at, text.data() + text.size(), value);
  return value * 1024;
}

std::optional<std::uint64_t> read_clock(clockid_t id) {
  timespec time{};
  if (::clock_gettime(id, &time) != 0) return std::nullopt;
  return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000 +
         static_cast<std::uint64_t>(time.tv_nsec);
}

/// Empty when the process has gone.
std::optional<ProcessClock> clock_of(pid_t pid) {
  clockid_t id = 0;
  if (::clock_getcpuclockid(pid, &id) != 0) return std::nullopt;
  const auto time = read_clock(id);
  if (!time) return std::nullopt;
  return ProcessClock{id, *time};
}

/// All processes of the machine at one moment, more or less: a fork may slip through, a pid may
/// vanish between the listing and the reading. Callers who must see all look again.
class ProcessTable {
 public:
  static Result<ProcessTable> read() {
    ProcessTable table;
    table.proc_ = Fd{::open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    auto entries = table.proc_ ? list_directory(table.proc_.get())
                               : Result<std::vector<DirEntry>>(fail(os_error("cannot open /proc")));
    if (!entries) return fail(entries.error());
    std::array<char, 8192> buffer;
    for (const auto& entry : *entries) {
      if (entry.name.front() < '0' || entry.name.front() > '9') continue;
      const auto clock = clock_of(std::atoi(entry.name.c_str()));
      const auto stat =
          parse_proc_stat(read_small(table.proc_.get(), entry.name + "/stat", buffer));
      if (!stat) continue;
      if (clock) table.clocks_.emplace(stat->pid, *clock);
      table.children_[stat->parent].push_back(stat->pid);
      table.processes_.emplace(stat->pid, *stat);
    }
    return table;
  }

  /// Only these and what is below them: what a few trees cost must not depend on how many others
  /// there are. Nothing where this kernel does not list children (CONFIG_PROC_CHILDREN).
  static std::optional<ProcessTable> below_each(std::span<const pid_t> roots) {
    ProcessTable table;
    table.proc_ = Fd{::open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    std::vector<pid_t> open(roots.begin(), roots.end());
    std::array<char, 8192> buffer;
    while (!open.empty()) {
      const auto pid = open.back();
      const auto path = std::to_string(pid);
      open.pop_back();
      const auto clock = clock_of(pid);
      const auto stat = parse_proc_stat(read_small(table.proc_.get(), path + "/stat", buffer));
      if (!stat || !table.processes_.emplace(pid, *stat).second) continue;
      if (clock) table.clocks_.emplace(pid, *clock);
      if (!table.add_children(pid, open)) return std::nullopt;
    }
    return table;
  }

  const ProcStat* find(pid_t pid) const {
    const auto found = processes_.find(pid);
    return found == processes_.end() ? nullptr : &found->second;
  }

  /// Everything below `root`, the dead that nobody has reaped yet included, the root not.
  std::vector<const ProcStat*> below(pid_t root) const {
    std::vector<const ProcStat*> found;
    std::vector<pid_t> open{root};
    while (!open.empty()) {
      const auto children = children_.find(open.back());
      open.pop_back();
      if (children == children_.end()) continue;
      for (const pid_t child : children->second) {
        // A pid read twice around its reuse could make a circle.
        if (found.size() > processes_.size()) return found;
        const auto* process = find(child);
        if (process == nullptr) continue;  // it ended before it was looked at
        found.push_back(process);
        open.push_back(child);
      }
    }
    return found;
  }

  /// Adds the clock of `pid`; false when it had none any more.
  bool add_clock(pid_t pid, TreePulse& pulse) const {
    const auto found = clocks_.find(pid);
    if (found == clocks_.end()) return false;
    pulse.push_back(found->second);
    return true;
  }

  /// Sum of `names` (figures in kB) from `file` of a process.
  std::uint64_t memory(const ProcStat& process, const char* file,
                       std::initializer_list<std::string_view> names) const {
    std::array<char, 8192> buffer;
    const auto own = std::to_string(process.pid);
    auto text = read_small(proc_.get(), own + "/" + file, buffer);
    // A leader that has left its threads behind shows no memory of its own; they do.
    if (process.is_zombie() && process.threads > 1) text = from_thread(own, file, buffer);
    std::uint64_t sum = 0;
    for (const auto name : names) sum += kilobytes(text, name);
    return sum;
  }

 private:
  /// Each thread has children of its own. False when they can't be had of a process that is there.
  bool add_children(pid_t pid, std::vector<pid_t>& found) {
    const auto tasks = std::to_string(pid) + "/task";
    const Fd directory{::openat(proc_.get(), tasks.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    const auto threads =
        directory ? list_directory(directory.get()) : Result<std::vector<DirEntry>>{};
    if (!threads) return true;  // it has ended meanwhile
    bool has_list = threads->empty();
    for (const auto& thread : *threads) {
      const auto text = read_whole(directory.get(), thread.name + "/children");
      has_list = has_list || text || errno != ENOENT;
      for (std::string_view rest = text ? std::string_view{*text} : std::string_view{};
           !rest.empty();) {
        pid_t child = 0;
        const auto end = std::from_chars(rest.data(), rest.data() + rest.size(), child).ptr;
        if (end == rest.data()) break;
        rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));
        rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
        children_[pid].push_back(child);
        found.push_back(child);
      }
    }
    // Threads that end take their lists along, so this may be wrong of one that is ending.
    return has_list || ::faccessat(proc_.get(), tasks.c_str(), F_OK, 0) != 0;
  }

  std::string_view from_thread(const std::string& pid, const char* file,
                               std::array<char, 8192>& buffer) const {
    const Fd tasks{
        ::openat(proc_.get(), (pid + "/task").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    const auto threads = tasks ? list_directory(tasks.get()) : std::vector<DirEntry>{};
    if (!threads) return {};
    for (const auto& thread : *threads) {
      if (thread.name == pid) continue;
      const auto text = read_small(tasks.get(), thread.name + "/" + file, buffer);
      if (text.find("Rss") != text.npos) return text;
    }
    return {};
  }

  Fd proc_;
  std::unordered_map<pid_t, ProcStat> processes_;
  std::unordered_map<pid_t, ProcessClock> clocks_;
  std::unordered_map<pid_t, std::vector<pid_t>> children_;
};

std::uint64_t resident(const ProcessTable& table, const ProcStat& process) {
  return table.memory(process, "status", {"RssAnon", "RssShmem"});
}

}  // namespace

Result<std::vector<TreeStats>> tree_stats(std::span<const pid_t> roots) {
  // A look at each process of the machine is cheaper for many trees.
  constexpr std::size_t kFew = 32;
  std::optional<ProcessTable> table;
  if (roots.size() <= kFew) table = ProcessTable::below_each(roots);
  if (!table) {
    auto all = ProcessTable::read();
    if (!all) return fail(all.error());
    table = std::move(*all);
  }
  static const auto kTicksPerSecond = static_cast<std::uint64_t>(::sysconf(_SC_CLK_TCK));
  std::vector<TreeStats> all;
  all.reserve(roots.size());
  for (const pid_t root : roots) {
    TreeStats stats;
    std::uint64_t ticks = 0;
    // What the root has reaped belonged to the tree; the root's own work does not.
    if (const auto* shim = table->find(root)) ticks += shim->reaped_ticks;
    bool is_whole = table->add_clock(root, stats.pulse);
    for (const auto* process : table->below(root)) {
      ticks += process->own_ticks + process->reaped_ticks;
      if (process->is_gone()) continue;
      ++stats.pids;
      is_whole = table->add_clock(process->pid, stats.pulse) && is_whole;
      stats.rss_bytes += resident(*table, *process);
    }
    stats.cpu_usec = ticks * 1'000'000 / kTicksPerSecond;
    if (!is_whole) stats.pulse.clear();
    all.push_back(std::move(stats));
  }
  return all;
}

bool is_still(const TreePulse& pulse) {
  const auto stands = [](const ProcessClock& clock) {
    return read_clock(clock.id) == clock.nanoseconds;
  };
  return !pulse.empty() && std::ranges::all_of(pulse, stands);
}

Result<std::vector<pid_t>> tree_pids(pid_t root) {
  const auto table = ProcessTable::read();
  if (!table) return fail(table.error());
  std::vector<pid_t> pids;
  for (const auto* process : table->below(root)) {
    if (!process->is_gone()) pids.push_back(process->pid);
  }
  return pids;
}

Result<std::uint64_t> tree_pss_bytes(pid_t root) {
  const auto table = ProcessTable::read();
  if (!table) return fail(table.error());
  std::uint64_t sum = 0;
  for (const auto* process : table->below(root)) {
    if (process->is_gone()) continue;
    const auto share = table->memory(*process, "smaps_rollup", {"Pss_Anon", "Pss_Shmem"});
    // Nothing to read: it is not ours to look into (not dumpable), or it has no memory. Its
    // resident pages are then the upper bound.
    sum += share != 0 ? share : resident(*table, *process);
  }
  return sum;
}

}  // namespace ringfort::platform
