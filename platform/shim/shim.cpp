#include "ringfort/platform/shim/shim.hpp"

#include "ringfort/platform/shim/child.hpp"
#include "ringfort/platform/shim/control.hpp"
#include "ringfort/platform/shim/log.hpp"
#include "ringfort/platform/shim/memory.hpp"
#include "ringfort/platform/shim/record.hpp"
#include "ringfort/platform/shim/relay_link.hpp"
#include "ringfort/platform/shim/sys.hpp"
#include "ringfort/platform/shim/tree.hpp"

#include <cstring>

#include <poll.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>

namespace ringfort::shim {
namespace {

constexpr std::int64_t kNever = INT64_MAX;
constexpr std::int64_t kRetryLog = 100'000;         // usec between looks for room on a full disk
constexpr std::int64_t kKillAgain = 20'000;         // usec between kill walks while a tree is dying
constexpr std::int64_t kStuckAfter = 5'000'000;     // usec until the tree counts as stuck
constexpr int kMostReads = 32;                      // of 64 KiB: a pipe holds 1 MiB at most
constexpr std::int64_t kDrainPatience = 1'000'000;  // usec for a pipe that something else holds
constexpr int kReapedAtOnce = 256;  // processes that fork and leave must not keep us from the rest
constexpr std::int64_t kSignalledPatience = 10'000'000;  // usec, when the shim itself gets TERM

/// The whole of a shim's state. One object, in static memory.
class Shim {
 public:
  void begin(const ShimStart& start);
  [[noreturn]] void serve();

 private:
  long become_init(wire::Step& step);
  bool may_signal_only_below() const;
  long map_ids();
  long open_pipes();
  void start_program();
  void report_start_failure(wire::Step step, long error, std::uint32_t detail);

  int wait_for_events();
  std::int64_t next_deadline() const;
  void on_time();
  void on_signals();
  void on_memory_event();
  void on_client(Connection& client);
  void on_request(Connection& client, Incoming& incoming);
  void on_exec(Connection& client, Incoming& incoming);
  void drop(Connection& client);

  void reap();
  void on_main_exit(int status);
  void on_exec_exit(pid_t pid, int status);
  void signal_main(int number);
  void begin_stop(std::int64_t patience_usec, std::uint32_t why);
  void kill_tree();
  int pipe_to_read(int stream) const { return log_.is_waiting(stream) ? -1 : pipes_[stream]; }
  void retry_log();
  void copy_logs(short stdout_events, short stderr_events);
  void drain_logs();
  bool memory_limit_hit() const;
  [[noreturn]] void finish();
  void send_event(wire::Event event) const;
  void let_go();
  int fd(wire::SpawnFd which) const { return start_.fds[which]; }
  bool is_init() const { return plan_.has(wire::kNamespaces); }

  ShimStart start_{};
  Plan plan_;
  Log log_;
  MemoryWatch memory_;
  RelayLink relay_;
  pid_t shim_host_pid_ = 0;
  pid_t main_ = 0;  ///< as this PID namespace names it
  pid_t main_host_pid_ = 0;
  bool main_dead_ = false;
  bool childless_ = false;
  bool more_to_reap_ = false;
  bool killing_ = false;
  bool reaches_tree_only_ = false;  ///< kill(-1) from here
  bool frozen_ = false;
  int main_status_ = 0;
  std::uint32_t exit_flags_ = 0;
  std::int64_t started_usec_ = 0;
  std::int64_t finished_usec_ = 0;
  std::int64_t deadline_ = kNever;  ///< boot clock: TERM
  std::int64_t kill_at_ = kNever;   ///< boot clock: KILL, again and again once killing
  std::int64_t stuck_at_ = kNever;
  std::int64_t retry_log_at_ = kNever;  ///< boot clock: output waits for room
  int signal_fd_ = -1;
  int pipes_[2] = {-1, -1};  ///< read ends of stdout and stderr
  int program_fds_[3] = {-1, -1, -1};
  Connection clients_[kMaxConnections];
};

void Shim::begin(const ShimStart& start) {
  start_ = start;
  ::prctl(PR_SET_NAME, "ringfort-shim", 0, 0, 0);
  shim_host_pid_ = host_pid();
  clients_[0].fd = fd(wire::kControlFd);
  wire::Step step = wire::Step::Plan;
  long result = plan_.map(fd(wire::kPlanFd));
  close_fd(start_.fds[wire::kPlanFd]);
  if (result == 0) result = become_init(step);
  if (result == 0) {
    step = wire::Step::Stdio;
    result = open_pipes();
  }
  std::uint32_t detail = 0;
  if (result == 0 && plan_.has(wire::kRelay))
    result = relay_.open(plan_, start_.relay_fd, step, detail);
  if (result < 0) {
    report_start_failure(step, result, detail);
    finish();
  }
  start_program();
}

/// Id maps before non-dumpable: in the other order the maps can't be written.
long Shim::become_init(wire::Step& step) {
  step = wire::Step::IdMap;
  long result = plan_.has(wire::kUserNamespace) ? map_ids() : 0;
  if (result < 0) return result;
  ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  if (!is_init()) ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  step = wire::Step::Lock;
  if (plan_.has(wire::kSynced)) sync_records();
  if (fd(wire::kShimFd) >= 0) {
    result = sys(SYS_flock, fd(wire::kShimFd), LOCK_EX | LOCK_NB);
    if (result == 0)
      result = write_shim_record(fd(wire::kShimFd), start_.request.cookie, shim_host_pid_, 0, 0);
    if (result < 0) return result;
  }
  if (plan_.header().shim_scopes != 0) {
    result = enter_scopes(plan_.header().shim_scopes, step);
    if (result < 0) return result;
  }
  reaches_tree_only_ = is_init() || may_signal_only_below();
  step = wire::Step::Session;
  sigset_t heard;
  ::sigfillset(&heard);
  sys(SYS_rt_sigprocmask, SIG_SETMASK, &heard, nullptr, 8);
  signal_fd_ = ::signalfd(-1, &heard, SFD_CLOEXEC | SFD_NONBLOCK);
  return signal_fd_ < 0 ? -errno : 0;
}

/// In a domain with LANDLOCK_SCOPE_SIGNAL of one's own the only others are descendants.
/// landlock(7). The zygote, of the same uid and outside, is a second witness: should it be in reach
/// after all, kill(-1) would be the end of all that this user runs.
bool Shim::may_signal_only_below() const {
  constexpr std::uint64_t kScopeSignal = 1U << 1;
  return (plan_.header().shim_scopes & kScopeSignal) != 0 &&
         sys(SYS_kill, ::getppid(), 0) == -EPERM;
}

long Shim::map_ids() {
  const auto write_file = [](const char* path, const char* text, std::size_t size) -> long {
    const long file = sys(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CLOEXEC);
    if (file < 0) return file;
    const long written = write_all(static_cast<int>(file), text, size);
    sys(SYS_close, file);
    return written;
  };
  const auto identity = [](char* out, std::uint32_t id) {
    std::size_t size = put_decimal(out, id);
    out[size++] = ' ';
    size += put_decimal(out + size, id);
    // NOLINTNEXTLINE(bugprone-not-null-terminated-result): its length goes with it
    std::memcpy(out + size, " 1", 2);
    return size + 2;
  };
  char line[32];
  // A gid map without CAP_SETGID outside needs setgroups denied first. user_namespaces(7).
  long result = write_file("/proc/self/setgroups", "deny", 4);
  if (result == 0)
    result = write_file("/proc/self/uid_map", line, identity(line, plan_.header().uid));
  if (result == 0)
    result = write_file("/proc/self/gid_map", line, identity(line, plan_.header().gid));
  return result;
}

/// Where the program's three descriptors lead: what the caller passed, a pipe to the log,
/// /dev/null.
long Shim::open_pipes() {
  log_.open(
      {{fd(wire::kStdoutLogFd), fd(wire::kStderrLogFd)},
       fd(wire::kLogIndexFd),
       fd(wire::kLogDirFd),
       fd(wire::kLogIndexDirFd)},
      {plan_.header().log_max_size, plan_.header().log_max_files, plan_.has(wire::kLogBlocks)});
  program_fds_[0] = fd(wire::kStdinFd) >= 0 ? fd(wire::kStdinFd) : start_.null_fd;
  for (int stream = 0; stream < 2; ++stream) {
    const int passed = start_.fds[wire::kStdoutFd + stream];
    const int log = start_.fds[wire::kStdoutLogFd + stream];
    program_fds_[1 + stream] = passed >= 0 ? passed : start_.null_fd;
    if (passed >= 0 || log < 0) continue;
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return -errno;
    sys(SYS_fcntl, ends[0], F_SETFL, O_NONBLOCK);
    pipes_[stream] = ends[0];
    program_fds_[1 + stream] = ends[1];
  }
  return 0;
}

void Shim::start_program() {
  Launch what;
  what.plan = &plan_;
  what.stdin_fd = program_fds_[0];
  what.stdout_fd = program_fds_[1];
  what.stderr_fd = program_fds_[2];
  what.listen_fd = fd(wire::kPortFd);
  what.trace_fd = fd(wire::kTraceFd);
  what.cgroup_procs_fd = fd(wire::kCgroupProcsFd);
  what.empty_mounts_fd = start_.empty_mounts_fd;
  what.network_fd = relay_.take_network();
  // A new user namespace begins with a full one again. user_namespaces(7).
  what.bounded = start_.bounded && (start_.request.plan_flags & wire::kUserNamespace) == 0;
  main_ = launch(what);
  close_fd(start_.fds[wire::kTraceFd]);
  close_fd(what.network_fd);
  for (int& program_fd : program_fds_)
    if (program_fd != start_.null_fd) close_fd(program_fd);
  if (main_ < 0 || what.step != wire::Step::None) {
    report_start_failure(what.step, -what.error, what.detail);
    finish();
  }
  main_host_pid_ = what.host_pid;
  started_usec_ = wall_usec();
  memory_.begin(plan_.header().memory_limit);
  if (plan_.header().deadline_usec > 0) deadline_ = boot_usec() + plan_.header().deadline_usec;
  if (fd(wire::kShimFd) >= 0)
    write_shim_record(fd(wire::kShimFd), start_.request.cookie, shim_host_pid_, main_host_pid_,
                      started_usec_);
  if (fd(wire::kPidFd) >= 0) {
    char text[24];
    const std::size_t size = put_decimal(text, static_cast<std::uint64_t>(main_host_pid_));
    text[size] = '\n';
    // Output for people only: a full disk must not end a program that is already running.
    write_all(fd(wire::kPidFd), text, size + 1);
    close_fd(start_.fds[wire::kPidFd]);
  }
  wire::Event event{};
  event.kind = wire::EventKind::Started;
  event.started_usec = started_usec_;
  send_event(event);
}

void Shim::report_start_failure(wire::Step step, long error, std::uint32_t detail) {
  finished_usec_ = wall_usec();
  write_exit_file(fd(wire::kExitFd), fd(wire::kShimFd), start_.request.cookie, 0, 0, 0,
                  finished_usec_, step, static_cast<std::int32_t>(-error));
  wire::Event event{};
  event.kind = wire::EventKind::StartFailed;
  event.step = step;
  event.error = static_cast<std::int32_t>(-error);
  event.detail = detail;
  event.finished_usec = finished_usec_;
  let_go();
  send_event(event);
  sys(SYS_exit_group, 0);
}

/// Before anybody hears of the end: who hears it may start the container again at once, and the
/// next shim must find the port and the lock free.
void Shim::let_go() {
  relay_.close();
  close_fd(start_.fds[wire::kPortFd]);
  if (fd(wire::kShimFd) >= 0) sys(SYS_flock, fd(wire::kShimFd), LOCK_UN);
}

void Shim::send_event(wire::Event event) const {
  event.version = wire::kProtocolVersion;
  event.cookie = start_.request.cookie;
  event.shim_pid = shim_host_pid_;
  event.main_pid = main_host_pid_;
  // EPIPE: nobody is left to hear it; the exit record has been written before.
  while (sys(SYS_sendto, start_.events_fd, &event, sizeof event, MSG_NOSIGNAL, nullptr, 0) ==
         -EINTR) {
  }
}

void Shim::serve() {
  for (;;) {
    wait_for_events();
    if (more_to_reap_) reap();
    on_time();
    if (main_dead_ && childless_) finish();
  }
}

std::int64_t Shim::next_deadline() const {
  if (more_to_reap_) return 0;
  std::int64_t next = deadline_ < kill_at_ ? deadline_ : kill_at_;
  if (stuck_at_ < next) next = stuck_at_;
  if (retry_log_at_ < next) next = retry_log_at_;
  if (!killing_ && memory_.due() < next) next = memory_.due();
  for (const Connection& client : clients_)
    if (client.exec_deadline != 0 && client.exec_deadline < next) next = client.exec_deadline;
  return next;
}

int Shim::wait_for_events() {
  enum { kSignals, kLease, kListener, kOut, kErr, kMemory, kRelayDeath, kFixed };
  pollfd set[kFixed + kMaxConnections];
  set[kSignals] = {signal_fd_, POLLIN, 0};
  set[kLease] = {fd(wire::kLeaseFd), POLLIN, 0};
  set[kListener] = {fd(wire::kListenerFd), POLLIN, 0};
  set[kOut] = {pipe_to_read(0), POLLIN, 0};
  set[kErr] = {pipe_to_read(1), POLLIN, 0};
  set[kMemory] = {fd(wire::kCgroupNotifyFd), POLLIN | POLLPRI, 0};
  set[kRelayDeath] = {relay_.death_fd(), POLLIN, 0};
  for (int i = 0; i < kMaxConnections; ++i) set[kFixed + i] = {clients_[i].fd, POLLIN, 0};

  timespec patience{};
  const timespec* limit = nullptr;
  if (const std::int64_t next = next_deadline(); next != kNever) {
    const std::int64_t left = next - boot_usec();
    patience.tv_sec = left > 0 ? left / 1'000'000 : 0;
    patience.tv_nsec = left > 0 ? (left % 1'000'000) * 1000 : 0;
    limit = &patience;
  }
  const long ready = sys(SYS_ppoll, set, kFixed + kMaxConnections, limit, nullptr, 8);
  if (ready <= 0) return static_cast<int>(ready);

  copy_logs(set[kOut].revents, set[kErr].revents);
  if (set[kMemory].revents != 0) on_memory_event();
  if (set[kSignals].revents != 0) on_signals();
  if (set[kRelayDeath].revents != 0) relay_.close();  // refused is better than never answered
  if (set[kLease].revents != 0) {
    close_fd(start_.fds[wire::kLeaseFd]);
    if (!main_dead_) exit_flags_ |= wire::kStopped | wire::kAbandoned;
    kill_tree();
  }
  for (int i = 0; i < kMaxConnections; ++i)
    if (set[kFixed + i].revents != 0) on_client(clients_[i]);
  if (set[kListener].revents != 0) {
    const int client_fd = accept_client(fd(wire::kListenerFd));
    for (Connection& client : clients_)
      if (client_fd >= 0 && client.fd < 0) {
        client = Connection{};
        client.fd = client_fd;
        return static_cast<int>(ready);
      }
    if (client_fd >= 0) ::close(client_fd);  // full: the client sees its connection close
  }
  return static_cast<int>(ready);
}

void Shim::on_time() {
  const std::int64_t now = boot_usec();
  if (now >= deadline_) {
    deadline_ = kNever;
    begin_stop(plan_.header().grace_usec, wire::kTimedOut);
  }
  if (!killing_ && now >= memory_.due() && memory_.is_over(reaches_tree_only_)) {
    exit_flags_ |= wire::kOom;
    kill_tree();
  }
  if (now >= retry_log_at_) retry_log();
  if (now >= kill_at_) kill_tree();
  if (now >= stuck_at_) {
    exit_flags_ |= wire::kStuck;
    if (main_dead_) finish();
    stuck_at_ = kNever;
  }
  for (Connection& client : clients_) {
    if (client.exec_deadline == 0 || now < client.exec_deadline) continue;
    client.exec_deadline = 0;
    client.exec_timed_out = true;
    sys(SYS_kill, -client.exec_pid, SIGKILL);  // it leads a session of its own
  }
}

void Shim::on_signals() {
  signalfd_siginfo info;
  bool child = false;
  while (sys(SYS_read, signal_fd_, &info, sizeof info) == sizeof info) {
    if (info.ssi_signo == SIGCHLD) child = true;
    // In a PID namespace a sender inside has a pid; the host's signals come from "0".
    const bool from_guest = is_init() && info.ssi_pid != 0;
    if (!from_guest &&
        (info.ssi_signo == SIGTERM || info.ssi_signo == SIGINT || info.ssi_signo == SIGHUP))
      begin_stop(kSignalledPatience, wire::kStopped | wire::kAbandoned);
  }
  if (child) reap();
}

void Shim::on_memory_event() {
  std::uint64_t count = 0;
  // v1: an eventfd that says "out of memory" itself. v2: memory.events, which changes for less too.
  const bool said = sys(SYS_read, fd(wire::kCgroupNotifyFd), &count, sizeof count) == sizeof count;
  if (!memory_limit_hit() && !(said && count < 1'000'000)) return;
  exit_flags_ |= wire::kOom;
  close_fd(start_.fds[wire::kCgroupNotifyFd]);
  kill_tree();
}

bool Shim::memory_limit_hit() const {
  if (fd(wire::kCgroupEventsFd) < 0) return false;
  char text[512];
  const long size = sys(SYS_pread64, fd(wire::kCgroupEventsFd), text, sizeof text - 1, 0L);
  if (size <= 0) return false;
  text[size] = '\0';
  const char* found = std::strstr(text, "oom_kill ");
  return found != nullptr && found[9] != '0';
}

void Shim::on_client(Connection& client) {
  Incoming incoming;
  const long received = receive(client.fd, incoming);
  if (received == -EAGAIN) return;
  if (received == 0) return drop(client);
  on_request(client, incoming);
  for (int i = 0; i < incoming.fd_count; ++i) ::close(incoming.fds[i]);
}

void Shim::drop(Connection& client) {
  close_fd(client.fd);
  // Nobody waits for its command any more.
  if (client.exec_pid != 0) sys(SYS_kill, -client.exec_pid, SIGKILL);
  client = Connection{};
}

void Shim::on_request(Connection& client, Incoming& incoming) {
  const wire::ControlRequest& request = incoming.request;
  wire::ControlReply reply{};
  reply.kind = wire::ReplyKind::Done;
  reply.pid = main_host_pid_;
  if (request.version != wire::kProtocolVersion) {
    reply.error = EPROTONOSUPPORT;
    return send_reply(client.fd, reply);
  }
  switch (request.op) {
    case wire::ControlOp::Stop:
      begin_stop(request.usec, wire::kStopped);
      break;
    case wire::ControlOp::Signal:
      if ((request.flags & wire::kWholeTree) != 0) {
        signal_tree(request.number, reaches_tree_only_);
      } else if (main_dead_) {
        reply.error = ESRCH;
      } else {
        signal_main(request.number);
      }
      break;
    case wire::ControlOp::KillTree:
      if (!main_dead_) exit_flags_ |= static_cast<std::uint32_t>(request.number);
      kill_tree();
      break;
    case wire::ControlOp::Freeze:
      memory_.suspend();
      frozen_ = true;
      signal_tree(SIGSTOP, reaches_tree_only_);
      break;
    case wire::ControlOp::Thaw:
      frozen_ = false;
      signal_tree(SIGCONT, reaches_tree_only_);
      memory_.go_on();
      break;
    case wire::ControlOp::Exec:
      return on_exec(client, incoming);
    case wire::ControlOp::Status:
      break;
    default:
      reply.error = EINVAL;
  }
  send_reply(client.fd, reply);
}

void Shim::on_exec(Connection& client, Incoming& incoming) {
  wire::ControlReply reply{};
  reply.kind = wire::ReplyKind::ExecFailed;
  reply.step = wire::Step::Plan;
  Plan plan;
  long result = incoming.fd_count == 4 ? plan.map(incoming.fds[0]) : -EBADMSG;
  if (result == 0 && (main_dead_ || killing_)) result = -ESRCH;
  if (result == 0 && client.exec_pid != 0) result = -EBUSY;
  if (result == 0) {
    Launch what;
    what.plan = &plan;
    what.stdin_fd = incoming.fds[1];
    what.stdout_fd = incoming.fds[2];
    what.stderr_fd = incoming.fds[3];
    what.cgroup_procs_fd = fd(wire::kCgroupProcsFd);
    what.join_pid = main_;
    const pid_t pid = launch(what);
    reply.step = what.step;
    result = -what.error;
    if (pid > 0 && what.step == wire::Step::None) {
      reply.kind = wire::ReplyKind::ExecStarted;
      reply.pid = what.host_pid;
      client.exec_pid = pid;
      client.exec_timed_out = false;
      const std::int64_t timeout = plan.header().deadline_usec;
      client.exec_deadline = timeout > 0 ? boot_usec() + timeout : 0;
    }
  }
  plan.unmap();
  reply.error = static_cast<std::int32_t>(-result);
  send_reply(client.fd, reply);
}

void Shim::reap() {
  more_to_reap_ = false;
  for (int reaped = 0; reaped < kReapedAtOnce; ++reaped) {
    int status = 0;
    const long pid = sys(SYS_wait4, -1, &status, WNOHANG, nullptr);
    if (pid == -EINTR) continue;
    if (pid <= 0) {
      // No child at all: nothing of the tree lives, for orphans become ours.
      childless_ = pid == -ECHILD;
      return;
    }
    if (pid == main_ && !main_dead_) {
      on_main_exit(status);
    } else {
      on_exec_exit(static_cast<pid_t>(pid), status);
    }
  }
  more_to_reap_ = true;
}

void Shim::on_main_exit(int status) {
  main_dead_ = true;
  main_status_ = status;
  finished_usec_ = wall_usec();
  deadline_ = kNever;
  // The container is over when its program is. A look for children first saves a walk over /proc.
  siginfo_t info{};
  if (sys(SYS_waitid, P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT, nullptr) == -ECHILD) return;
  const std::int64_t linger = plan_.header().linger_usec;
  // Whoever is being ended has had its time.
  if (linger <= 0 || killing_ || exit_flags_ != 0) return kill_tree();
  kill_at_ = boot_usec() + linger;
}

void Shim::on_exec_exit(pid_t pid, int status) {
  for (Connection& client : clients_) {
    if (client.exec_pid != pid) continue;
    wire::ControlReply reply{};
    reply.kind = wire::ReplyKind::ExecEnded;
    reply.status = status;
    reply.number = client.exec_timed_out ? std::uint32_t{wire::kTimedOut} : 0U;
    client.exec_pid = 0;
    client.exec_deadline = 0;
    send_reply(client.fd, reply);
  }
}

void Shim::signal_main(int number) {
  // Its parent, and it has not been reaped: the number is still its own.
  if (!main_dead_) sys(SYS_kill, main_, number);
}

void Shim::begin_stop(std::int64_t patience_usec, std::uint32_t why) {
  if (main_dead_) {
    if (!killing_) kill_tree();  // it was lingering
    return;
  }
  exit_flags_ |= why;
  const std::int64_t kill_at = boot_usec() + patience_usec;
  if (kill_at < kill_at_) kill_at_ = kill_at;
  if (patience_usec <= 0) return kill_tree();
  signal_main(SIGTERM);
  signal_main(SIGCONT);  // a stopped program gets its TERM too
  // It may wait for children that stand still with it.
  if (frozen_) {
    frozen_ = false;
    signal_tree(SIGCONT, reaches_tree_only_);
    memory_.go_on();
  }
}

void Shim::kill_tree() {
  const std::int64_t now = boot_usec();
  if (!killing_) stuck_at_ = now + kStuckAfter;
  if (fd(wire::kCgroupKillFd) >= 0) write_all(fd(wire::kCgroupKillFd), "1", 1);
  killing_ = true;
  signal_tree(SIGKILL, reaches_tree_only_);
  kill_at_ = boot_usec() + kKillAgain;
}

void Shim::copy_logs(short stdout_events, short stderr_events) {
  if (stdout_events != 0 && !log_.copy(pipes_[0], 0)) close_fd(pipes_[0]);
  if (stderr_events != 0 && !log_.copy(pipes_[1], 1)) close_fd(pipes_[1]);
  if (log_.is_waiting() && retry_log_at_ == kNever) retry_log_at_ = boot_usec() + kRetryLog;
}

void Shim::retry_log() {
  log_.retry();
  retry_log_at_ = log_.is_waiting() ? boot_usec() + kRetryLog : kNever;
}

/// To the end of both pipes, or a bounded time where something outside the tree holds one, or
/// nothing makes room.
void Shim::drain_logs() {
  const std::int64_t end = boot_usec() + kDrainPatience;
  while (pipes_[0] >= 0 || pipes_[1] >= 0) {
    pollfd set[2] = {{pipe_to_read(0), POLLIN, 0}, {pipe_to_read(1), POLLIN, 0}};
    const std::int64_t now = boot_usec();
    if (now >= end) break;
    if (now >= retry_log_at_) retry_log();
    const std::int64_t until = retry_log_at_ < end ? retry_log_at_ : end;
    const std::int64_t left = until > now ? until - now : 0;
    const timespec patience{left / 1'000'000, (left % 1'000'000) * 1000};
    if (sys(SYS_ppoll, set, 2, &patience, nullptr, 8) > 0)
      copy_logs(set[0].revents, set[1].revents);
  }
  if (!log_.is_waiting()) return;
  // What no room was found for is counted, with what is still in the pipes; it is not endless, even
  // if somebody goes on writing.
  log_.stop_waiting();
  for (int read = 0; read < kMostReads; ++read)
    for (int stream = 0; stream < 2; ++stream)
      if (pipes_[stream] >= 0 && !log_.copy(pipes_[stream], stream)) close_fd(pipes_[stream]);
}

void Shim::finish() {
  drain_logs();
  log_.finish();
  if (memory_limit_hit()) exit_flags_ |= wire::kOom;
  write_exit_file(fd(wire::kExitFd), fd(wire::kShimFd), start_.request.cookie, main_status_,
                  exit_flags_, started_usec_, finished_usec_, wire::Step::None, 0);
  wire::Event event{};
  event.kind = wire::EventKind::Exited;
  event.status = main_status_;
  event.exit_flags = exit_flags_;
  event.started_usec = started_usec_;
  event.finished_usec = finished_usec_;
  let_go();
  send_event(event);
  sys(SYS_exit_group, 0);
  __builtin_unreachable();
}

}  // namespace

void run_shim(const ShimStart& start) {
  static Shim shim;
  shim.begin(start);
  shim.serve();
}

}  // namespace ringfort::shim
