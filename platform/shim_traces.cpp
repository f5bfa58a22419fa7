#include "ringfort/platform/shim_traces.hpp"

#include "ringfort/platform/boot_time.hpp"
#include "ringfort/platform/fd.hpp"
#include "ringfort/platform/linux/proc_stat.hpp"
#include "ringfort/platform/linux/run_end.hpp"
#include "ringfort/platform/owner_lock.hpp"
#include "ringfort/platform/protocol.hpp"
#include "ringfort/platform/start_failure.hpp"

#include <cstddef>
#include <cstring>
#include <string_view>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace ringfort::platform {
namespace {

template <class Record>
std::optional<Record> read_whole(int dir_fd, const char* name, off_t offset = 0) {
  const Fd file{::openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)};
  Record record{};
  if (!file || ::pread(file.get(), &record, sizeof record, offset) != sizeof record) return {};
  // Of a newer version, too: records keep their layout.
  if (record.magic != wire::kRecordMagic || record.version < kOldestProtocol) return {};
  if (record.checksum != wire::checksum(&record, offsetof(Record, checksum))) return {};
  return record;
}

std::uint64_t pid_namespace() {
  struct stat status {};
  return ::stat("/proc/self/ns/pid", &status) == 0 ? status.st_ino : 0;
}

std::optional<ProcStat> stat_of(std::int32_t pid) {
  const Fd file{::open(("/proc/" + std::to_string(pid) + "/stat").c_str(), O_RDONLY | O_CLOEXEC)};
  char text[512];
  const auto size = file ? ::read(file.get(), text, sizeof text) : -1;
  return size > 0 ? parse_proc_stat({text, static_cast<std::size_t>(size)}) : std::nullopt;
}

}  // namespace

ShimTraces read_shim_traces(const std::string& state_dir) {
  ShimTraces traces;
  const Fd dir{::open(state_dir.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
  if (!dir) return traces;
  // The lock first: an end that comes in between is then seen as one.
  traces.locked = is_locked(dir.get(), "shim");
  traces.shim = read_whole<wire::ShimRecord>(dir.get(), "shim");
  const auto is_of_that_run = [&traces](const std::optional<wire::ExitFile>& exit) {
    return exit && (!traces.shim || exit->cookie == traces.shim->cookie);
  };
  traces.exit = read_whole<wire::ExitFile>(dir.get(), "exit");
  if (!is_of_that_run(traces.exit))
    traces.exit = read_whole<wire::ExitFile>(dir.get(), "shim", wire::kExitInShimFile);
  if (!is_of_that_run(traces.exit)) traces.exit.reset();
  if (!traces.locked || !traces.shim) return traces;
  if (is_same_process(*traces.shim, traces.shim->shim_pid)) {
    const auto main = stat_of(traces.shim->main_pid);
    traces.is_stopped = main && main->state == 'T';
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

bool is_same_process(const wire::ShimRecord& record, std::int32_t pid) {
  if (record.pidns_inode != pid_namespace()) return false;
  if (std::string_view(record.boot_id, ::strnlen(record.boot_id, sizeof record.boot_id)) !=
      boot_id())
    return false;
  const auto stat = stat_of(pid);
  return stat && stat->start_ticks == record.start_ticks;
}

}  // namespace ringfort::platform
