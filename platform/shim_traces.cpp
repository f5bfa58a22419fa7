#include "ringfort/platform/shim_traces.hpp"

#include "ringfort/platform/boot_time.hpp"
#include "ringfort/platform/fd.hpp"
#include "ringfort/platform/linux/proc_stat.hpp"
#include "ringfort/platform/linux/run_end.hpp"
#include "ringfort/platform/owner_lock.hpp"
#include "ringfort/platform/protocol.hpp"
#include "ringfort/platform/start_failure.hpp"

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <fstream>
#include <string>
#include <string_view>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace ringfort::platform {
namespace {

Result<Fd> open_if_there(int dir_fd, const char* name, int flags) {
  Fd file{again_after_signal([&] { return ::openat(dir_fd, name, flags | O_CLOEXEC); })};
  if (!file && !means_absent(errno)) return fail(os_error(std::string("cannot open ") + name));
  return file;
}

template <class Record>
Result<std::optional<Record>> read_open(int fd, off_t offset = 0) {
  Record record{};
  const auto got = again_after_signal([&] { return ::pread(fd, &record, sizeof record, offset); });
  if (got < 0 && errno != EISDIR) return fail(os_error("cannot read"));
  if (got != sizeof record) return std::nullopt;
  // Of a newer version, too: records keep their layout.
  if (record.magic != wire::kRecordMagic || record.version < kOldestProtocol) return std::nullopt;
  if (record.checksum != wire::checksum(&record, offsetof(Record, checksum))) return std::nullopt;
  return record;
}

template <class Record>
Result<std::optional<Record>> read_whole(int dir_fd, const char* name, off_t offset = 0) {
  const auto file = open_if_there(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  if (!file) return fail(file.error());
  if (!*file) return std::nullopt;
  auto record = read_open<Record>(file->get(), offset);
  if (!record) record.error().what.insert(0, std::string(name) + ": ");
  return record;
}

// Each is a descriptor, and ten thousand containers may be watched.
constexpr int kMaxHeld = 1000;
std::atomic<int> g_held = 0;

std::uint64_t pid_namespace() {
  struct stat status {};
  return ::stat("/proc/self/ns/pid", &status) == 0 ? status.st_ino : 0;
}

Result<std::optional<ProcStat>> stat_of(std::int32_t pid) {
  const auto path = "/proc/" + std::to_string(pid) + "/stat";
  const auto file = open_if_there(AT_FDCWD, path.c_str(), O_RDONLY);
  if (!file) return fail(file.error());
  char text[512];
  const auto size =
      *file ? again_after_signal([&] { return ::read(file->get(), text, sizeof text); }) : 0;
  if (size < 0 && errno != ESRCH) return fail(os_error("cannot read " + path));
  return size > 0 ? parse_proc_stat({text, static_cast<std::size_t>(size)}) : std::nullopt;
}

/// Stopped itself, or waiting in vfork(2), where no signal is acted on (state D), for a child that
/// was stopped before its exec: shells start commands so.
Result<bool> stands_still(std::int32_t pid) {
  const auto stat = stat_of(pid);
  if (!stat) return fail(stat.error());
  if (!*stat || (*stat)->state != 'D') return *stat && (*stat)->state == 'T';
  const auto name = std::to_string(pid);
  std::ifstream children("/proc/" + name + "/task/" + name + "/children");
  for (std::int32_t child = 0; children >> child;) {
    const auto other = stat_of(child);
    if (!other) return fail(other.error());
    if (*other && (*other)->state == 'T') return true;
  }
  return false;
}

Result<bool> began_as(const wire::ShimRecord& record, std::int32_t pid) {
  if (record.pidns_inode != pid_namespace()) return false;
  const auto here = boot_id();
  if (here.empty()) return fail(os_error(EIO, "cannot read the boot id"));
  if (std::string_view(record.boot_id, ::strnlen(record.boot_id, sizeof record.boot_id)) != here)
    return false;
  const auto stat = stat_of(pid);
  if (!stat) return fail(stat.error());
  return *stat && (*stat)->start_ticks == record.start_ticks;
}

/// The end of that run, from its own file or, when the disk was full, from the shim's.
Result<std::optional<wire::ExitFile>> read_exit(int dir_fd,
                                                const std::optional<wire::ShimRecord>& shim) {
  const auto is_of_that_run = [&shim](const std::optional<wire::ExitFile>& exit) {
    return exit && (!shim || exit->cookie == shim->cookie);
  };
  auto exit = read_whole<wire::ExitFile>(dir_fd, "exit");
  if (!exit || is_of_that_run(*exit)) return exit;
  exit = read_whole<wire::ExitFile>(dir_fd, "shim", wire::kExitInShimFile);
  if (!exit || is_of_that_run(*exit)) return exit;
  return std::nullopt;
}

}  // namespace

Result<ShimTraces> read_shim_traces(const std::string& state_dir) {
  ShimTraces traces;
  const auto dir = open_if_there(AT_FDCWD, state_dir.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  if (!dir) return fail(dir.error());
  if (!*dir) return traces;
  // The lock first: an end that comes in between is then seen as one.
  traces.locked = is_locked(dir->get(), "shim");
  const auto shim = read_whole<wire::ShimRecord>(dir->get(), "shim");
  if (!shim) return fail(shim.error());
  traces.shim = *shim;
  const auto exit = read_exit(dir->get(), traces.shim);
  if (!exit) return fail(exit.error());
  traces.exit = *exit;
  if (!traces.locked || !traces.shim) return traces;
  const auto is_its_shim = began_as(*traces.shim, traces.shim->shim_pid);
  if (!is_its_shim) return fail(is_its_shim.error());
  if (*is_its_shim) {
    const auto main = stands_still(traces.shim->main_pid);
    if (!main) return fail(main.error());
    traces.is_stopped = *main;
  } else if (traces.shim->pidns_inode == pid_namespace()) {
    // Of the run before: the next shim holds the lock and has not written its record yet.
    traces.shim.reset();
  }
  return traces;
}

Found judge(const ShimTraces& traces) {
  if (traces.locked) return traces.is_stopped ? Found::Paused : Found::Running;
  if (traces.exit) return Found::Ended;
  return traces.shim ? Found::Lost : Found::NeverStarted;
}

ExitRecord exit_record_of(const ShimTraces& traces) {
  if (!traces.exit) {
    const bool known = traces.shim && traces.shim->started_usec != 0;
    return lost({}, known ? std::optional{wall_time(traces.shim->started_usec)} : std::nullopt)
        .exit;
  }
  const auto& file = *traces.exit;
  const auto step = static_cast<wire::Step>(file.start_step);
  if (step != wire::Step::None) {
    auto record = start_failure_record(step, file.start_error);
    record.finished_at = wall_time(file.finished_usec);
    return record;
  }
  wire::Event event{};
  event.status = file.status;
  event.exit_flags = file.exit_flags;
  event.started_usec = file.started_usec;
  event.finished_usec = file.finished_usec;
  return ended_from(event).exit;
}

HeldExit HeldExit::hold(const std::string& state_dir) {
  HeldExit held;
  const bool may_hold = g_held.fetch_add(1) < kMaxHeld;
  const auto path = state_dir + "/exit";
  if (may_hold)
    held.file_ = Fd{::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)};
  if (!held.file_) g_held.fetch_sub(1);
  // Refused where its directory is being emptied already: then the shim's lock is free, too.
  if (held.file_) (void)::flock(held.file_.get(), LOCK_SH | LOCK_NB);
  return held;
}

HeldExit::~HeldExit() {
  if (file_) g_held.fetch_sub(1);
}

std::optional<wire::ExitFile> HeldExit::end_of(std::uint64_t cookie) const {
  if (!file_) return std::nullopt;
  const auto exit = read_open<wire::ExitFile>(file_.get());
  // What can't be read here is looked for by its name.
  return exit && *exit && (*exit)->cookie == cookie ? *exit : std::nullopt;
}

bool is_same_process(const wire::ShimRecord& record, std::int32_t pid) {
  return began_as(record, pid).value_or(false);
}

}  // namespace ringfort::platform
