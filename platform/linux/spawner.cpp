#include "ringfort/platform/spawner.hpp"

#include "ringfort/platform/linux/shim_run.hpp"
#include "ringfort/platform/linux/unix_message.hpp"
#include "ringfort/platform/linux/zygote_process.hpp"
#include "ringfort/platform/start_failure.hpp"

#include <array>
#include <future>
#include <map>
#include <mutex>
#include <span>
#include <unordered_map>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

namespace ringfort::platform {
namespace {

/// How long a request that a dead zygote may or may not have carried out can still answer.
constexpr Duration kInFlightPatience = std::chrono::seconds(2);

WallTime wall_time(std::int64_t usec) { return WallTime{std::chrono::microseconds(usec)}; }

/// What is kept of a run until its end.
struct LiveRun {
  std::string container;
  RunHandlers handlers;
  LaunchPlan plan;               ///< emptied once the program has started
  std::uint64_t generation = 0;  ///< of the zygote
  std::int32_t shim_pid = 0;
  bool started = false;
  WallTime started_at{};
};

ProgramEnded ended_from(const wire::Event& event) {
  const int status = event.status;
  RawExit raw;
  raw.by_signal = WIFSIGNALED(status);
  raw.value = raw.by_signal ? WTERMSIG(status) : WEXITSTATUS(status);
  raw.core_dumped = raw.by_signal && WCOREDUMP(status);
  EndCauses causes;
  causes.oom = (event.exit_flags & wire::kOom) != 0;
  causes.timeout = (event.exit_flags & wire::kTimedOut) != 0;
  causes.stopped = (event.exit_flags & wire::kStopped) != 0;
  ProgramEnded ended;
  ended.exit = make_exit_record(raw, causes);
  ended.exit.started_at = wall_time(event.started_usec);
  ended.exit.finished_at = wall_time(event.finished_usec);
  return ended;
}

bool is_isolation_step(wire::Step step) {
  return step != wire::Step::Exec && step != wire::Step::Workdir && step != wire::Step::Cgroup &&
         step != wire::Step::LandlockRule && step != wire::Step::MountSource &&
         step != wire::Step::Lock;
}

ProgramEnded ended_from_failure(const wire::Event& event, const LiveRun& run) {
  ProgramEnded ended;
  ended.exit = start_failure_record(event.step, event.error);
  ended.exit.finished_at = wall_time(event.finished_usec);
  ended.start_error = start_failure(event.step, event.error, event.detail, run.plan, run.container);
  ended.start_impossible = is_isolation_step(event.step);
  return ended;
}

ProgramEnded lost(const LiveRun& run) {
  ProgramEnded ended;
  ended.exit.code = 255;
  ended.exit.reason = EndReason::Lost;
  ended.exit.known = false;
  if (run.started) ended.exit.started_at = run.started_at;
  ended.exit.finished_at =
      std::chrono::time_point_cast<std::chrono::microseconds>(std::chrono::system_clock::now());
  if (!run.started)
    ended.start_error =
        Error{ErrorKind::StartFailed, "the container's shim died before it could start the program",
              "try again", run.container, 0};
  return ended;
}

class ZygoteSpawner final : public Spawner {
 public:
  explicit ZygoteSpawner(EventLoop& loop) : loop_(loop) {}

  /// Not on the loop's thread, and before the loop's own end.
  ~ZygoteSpawner() override {
    // Attached shims see their lease end and kill their trees.
    lease_write_.reset();
    std::promise<void> quiet;
    loop_.run_after(Duration{0}, [this, &quiet] {
      forget_all();
      alive_.reset();  // tasks that are still due find nobody
      quiet.set_value();
    });
    quiet.get_future().wait();
    for (auto& [generation, zygote] : zygotes_) {
      zygote.process.socket.reset();  // the zygote ends with its socket
      if (!zygote.reaped) ::waitid(P_PID, static_cast<id_t>(zygote.process.pid), nullptr, WEXITED);
    }
  }

  Result<std::shared_ptr<Run>> run(RunRequest request, RunHandlers handlers) override;
  std::int32_t zygote_pid() const override {
    const std::lock_guard lock(mutex_);
    const auto found = zygotes_.find(current_);
    return found != zygotes_.end() && found->second.alive ? found->second.process.pid : 0;
  }

 private:
  struct Zygote {
    ZygoteProcess process;
    bool alive = true;  ///< takes requests
    bool reaped = false;
    std::uint64_t socket_token = 0;
    std::uint64_t death_token = 0;
  };

  void forget_all() {
    const std::lock_guard lock(mutex_);
    for (auto& [generation, zygote] : zygotes_) {
      if (zygote.socket_token != 0) loop_.forget(zygote.process.socket.get(), zygote.socket_token);
      if (zygote.death_token != 0) loop_.forget(zygote.process.pidfd.get(), zygote.death_token);
    }
    for (auto& [cookie, watch] : shim_watches_) loop_.forget(watch.first.get(), watch.second);
  }

  /// `task` on the loop's thread, unless this object has gone by then.
  void later(Duration delay, std::function<void()> task) {
    loop_.run_after(delay, [alive = std::weak_ptr<int>(alive_), task = std::move(task)] {
      if (alive.lock()) task();
    });
  }

  Status ensure_zygote();                   // with the lock
  Status ensure_lease();                    // with the lock
  void on_event(std::uint64_t generation);  // on the loop's thread
  void handle(const wire::Event& event);
  void on_zygote_death(std::uint64_t generation);
  void on_socket_end(std::uint64_t generation);
  std::vector<std::uint64_t> send_again(Fd far_end);          // with the lock
  void watch_shim(std::uint64_t cookie, const LiveRun& run);  // with the lock
  void end(std::uint64_t cookie, const std::function<ProgramEnded(const LiveRun&)>& how);

  EventLoop& loop_;
  std::shared_ptr<int> alive_ = std::make_shared<int>(0);
  mutable std::mutex mutex_;
  std::map<std::uint64_t, Zygote> zygotes_;
  std::uint64_t current_ = 0;
  std::uint64_t next_cookie_ = 1;
  std::unordered_map<std::uint64_t, LiveRun> runs_;
  std::unordered_map<std::uint64_t, std::pair<Fd, std::uint64_t>> shim_watches_;
  Fd lease_read_;
  Fd lease_write_;
};

Status ZygoteSpawner::ensure_lease() {
  if (lease_write_) return {};
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return fail(os_error("cannot make the lease pipe"));
  lease_read_ = Fd{ends[0]};
  lease_write_ = Fd{ends[1]};
  return {};
}

Status ZygoteSpawner::ensure_zygote() {
  const auto found = zygotes_.find(current_);
  if (found != zygotes_.end() && found->second.alive) {
    // Its shims keep its socket open, so a send would not tell that it has just died.
    pollfd death{found->second.process.pidfd.get(), POLLIN, 0};
    if (::poll(&death, 1, 0) == 0) return {};
    found->second.alive = false;
  }
  auto process = start_zygote();
  if (!process) return fail(process.error());
  const std::uint64_t generation = ++current_;
  Zygote& zygote = zygotes_[generation];
  zygote.process = std::move(*process);
  zygote.socket_token = loop_.watch(zygote.process.socket.get(),
                                    [this, generation](std::uint32_t) { on_event(generation); });
  zygote.death_token = loop_.watch(zygote.process.pidfd.get(), [this, generation](std::uint32_t) {
    on_zygote_death(generation);
  });
  return {};
}

/// The descriptors of one request, in the order of wire::SpawnFd.
class FdList {
 public:
  void add(wire::SpawnFd slot, int fd) {
    if (fd < 0) return;
    mask_ |= 1U << slot;
    fds_[count_++] = fd;
  }
  std::uint32_t mask() const { return mask_; }
  std::span<const int> fds() const { return {fds_.data(), count_}; }

 private:
  std::uint32_t mask_ = 0;
  std::size_t count_ = 0;
  std::array<int, wire::kSpawnFdCount> fds_{};
};

FdList collect(const RunRequest& request, int plan_fd, int control_fd, int lease_fd) {
  FdList list;
  list.add(wire::kPlanFd, plan_fd);
  list.add(wire::kStdinFd, request.stdin_fd);
  list.add(wire::kStdoutFd, request.stdout_fd);
  list.add(wire::kStderrFd, request.stderr_fd);
  list.add(wire::kStdoutLogFd, request.files.stdout_log.get());
  list.add(wire::kStderrLogFd, request.files.stderr_log.get());
  list.add(wire::kLogIndexFd, request.files.log_index.get());
  list.add(wire::kExitFd, request.files.exit_record.get());
  list.add(wire::kShimFd, request.files.shim_record.get());
  list.add(wire::kPidFd, request.files.pid_file.get());
  list.add(wire::kListenerFd, request.files.listener.get());
  list.add(wire::kControlFd, control_fd);
  list.add(wire::kLeaseFd, lease_fd);
  list.add(wire::kPortFd, request.port_fd);
  list.add(wire::kCgroupProcsFd, request.cgroup.procs.get());
  list.add(wire::kCgroupEventsFd, request.cgroup.events.get());
  list.add(wire::kCgroupNotifyFd, request.cgroup.notify.get());
  return list;
}

Result<std::shared_ptr<Run>> ZygoteSpawner::run(RunRequest request, RunHandlers handlers) {
  auto plan = sealed_memory("ringfort-plan", encode(request.plan));
  if (!plan) return fail(plan.error());
  Fd ours;
  Fd theirs;
  if (request.state_dir.empty()) {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0)
      return fail(os_error("cannot make a control connection"));
    ours = Fd{ends[0]};
    theirs = Fd{ends[1]};
  }
  auto run =
      std::make_shared<ShimRun>(loop_, request.container, request.state_dir, std::move(ours));

  wire::SpawnRequest message{};
  message.version = wire::kProtocolVersion;
  message.plan_flags = request.plan.flags;
  const std::lock_guard lock(mutex_);
  if (auto ok = ensure_lease(); !ok) return fail(ok.error());
  message.cookie = next_cookie_++;
  LiveRun live;
  live.container = request.container;
  live.handlers = std::move(handlers);
  // Before the request: the first event may be here before this function returns.
  auto& kept = runs_.emplace(message.cookie, std::move(live)).first->second;
  const auto list =
      collect(request, plan->get(), theirs.get(), request.attached ? lease_read_.get() : -1);
  message.fd_mask = list.mask();
  kept.plan = std::move(request.plan);
  for (int attempt = 0; attempt < 2; ++attempt) {
    if (auto ok = ensure_zygote(); !ok) return runs_.erase(message.cookie), fail(ok.error());
    Zygote& zygote = zygotes_[current_];
    kept.generation = current_;
    const int error =
        send_message(zygote.process.socket.get(), &message, sizeof message, list.fds(), 0);
    if (error == 0) return run;
    // EPIPE, ECONNRESET: it died and its death is not noticed yet. A new one takes the request.
    zygote.alive = false;
    if (attempt == 1) {
      runs_.erase(message.cookie);
      return fail(os_error(error, "cannot reach the zygote"));
    }
  }
  return run;
}

void ZygoteSpawner::on_event(std::uint64_t generation) {
  int socket_fd = -1;
  {
    const std::lock_guard lock(mutex_);
    const auto found = zygotes_.find(generation);
    if (found == zygotes_.end()) return;
    socket_fd = found->second.process.socket.get();
  }
  for (int handled = 0; handled < 256; ++handled) {
    wire::Event event{};
    const auto size = ::recv(socket_fd, &event, sizeof event, MSG_DONTWAIT);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0 && errno == EAGAIN) return;
    if (size <= 0) return on_socket_end(generation);
    if (size == sizeof event && event.version == wire::kProtocolVersion) handle(event);
  }
}

void ZygoteSpawner::handle(const wire::Event& event) {
  switch (event.kind) {
    case wire::EventKind::Started: {
      std::function<void(const ProgramStarted&)> heard;
      {
        const std::lock_guard lock(mutex_);
        const auto found = runs_.find(event.cookie);
        if (found == runs_.end()) return;
        LiveRun& run = found->second;
        run.started = true;
        run.started_at = wall_time(event.started_usec);
        run.shim_pid = event.shim_pid;
        run.plan = {};
        heard = run.handlers.started;
        // Its zygote may have died while this start was under way.
        if (!zygotes_[run.generation].alive) watch_shim(event.cookie, run);
      }
      if (heard) heard({event.shim_pid, event.main_pid, wall_time(event.started_usec)});
      return;
    }
    case wire::EventKind::StartFailed:
      return end(event.cookie,
                 [&event](const LiveRun& run) { return ended_from_failure(event, run); });
    case wire::EventKind::Exited:
      return end(event.cookie, [&event](const LiveRun&) { return ended_from(event); });
    case wire::EventKind::ShimDied:
      return end(event.cookie, lost);
  }
}

void ZygoteSpawner::end(std::uint64_t cookie,
                        const std::function<ProgramEnded(const LiveRun&)>& how) {
  LiveRun run;
  {
    const std::lock_guard lock(mutex_);
    const auto found = runs_.find(cookie);
    if (found == runs_.end()) return;
    run = std::move(found->second);
    runs_.erase(found);
    if (const auto watch = shim_watches_.find(cookie); watch != shim_watches_.end()) {
      loop_.forget(watch->second.first.get(), watch->second.second);
      shim_watches_.erase(watch);
    }
  }
  if (run.handlers.ended) run.handlers.ended(how(run));
}

/// Requests that the dead zygote has not taken go to a new one. With the lock.
std::vector<std::uint64_t> ZygoteSpawner::send_again(Fd far_end) {
  std::vector<std::uint64_t> failed;
  wire::SpawnRequest message{};
  std::vector<Fd> owned;
  while (receive_message(far_end.get(), &message, sizeof message, owned)) {
    const auto found = runs_.find(message.cookie);
    if (found == runs_.end()) continue;
    std::vector<int> fds;
    fds.reserve(owned.size());
    for (const Fd& fd : owned) fds.push_back(fd.get());
    const bool sent = ensure_zygote() && send_message(zygotes_[current_].process.socket.get(),
                                                      &message, sizeof message, fds, 0) == 0;
    found->second.generation = current_;
    if (!sent) failed.push_back(message.cookie);
  }
  return failed;
}

void ZygoteSpawner::on_zygote_death(std::uint64_t generation) {
  std::vector<std::uint64_t> in_flight;
  std::vector<std::uint64_t> failed;
  {
    const std::lock_guard lock(mutex_);
    Zygote& zygote = zygotes_[generation];
    zygote.alive = false;
    zygote.reaped = true;
    loop_.forget(zygote.process.pidfd.get(), zygote.death_token);
    zygote.death_token = 0;
    // ECHILD: the host program waits for all children itself; the zygote is gone either way.
    ::waitid(P_PID, static_cast<id_t>(zygote.process.pid), nullptr, WEXITED | WNOHANG);
    failed = send_again(std::move(zygote.process.far_end));
    for (const auto& [cookie, run] : runs_) {
      if (run.generation != generation) continue;
      if (run.shim_pid != 0) {
        watch_shim(cookie, run);
      } else {
        in_flight.push_back(cookie);
      }
    }
  }
  for (const auto cookie : failed) end(cookie, lost);
  // The rest of them it may have cloned or not: a shim that lives tells so soon.
  later(kInFlightPatience, [this, in_flight] {
    for (const auto cookie : in_flight) {
      bool waiting = false;
      {
        const std::lock_guard lock(mutex_);
        const auto found = runs_.find(cookie);
        waiting = found != runs_.end() && !found->second.started;
      }
      if (waiting) end(cookie, lost);
    }
  });
}

/// The zygote told of shims' deaths; without it each is watched by a pidfd of its own.
void ZygoteSpawner::watch_shim(std::uint64_t cookie, const LiveRun& run) {
  Fd pidfd{static_cast<int>(::syscall(SYS_pidfd_open, run.shim_pid, 0))};
  const auto report = [this, cookie](std::uint32_t = 0) {
    // Its own event, if it sent one, is in the socket already and is handled before this.
    later(std::chrono::milliseconds(50), [this, cookie] { end(cookie, lost); });
    const std::lock_guard lock(mutex_);
    const auto found = shim_watches_.find(cookie);
    if (found == shim_watches_.end()) return;
    loop_.forget(found->second.first.get(), found->second.second);
    shim_watches_.erase(found);
  };
  if (!pidfd) {
    later(std::chrono::milliseconds(50), [this, cookie] { end(cookie, lost); });
    return;
  }
  const auto token = loop_.watch(pidfd.get(), report);
  shim_watches_[cookie] = {std::move(pidfd), token};
}

/// Zygote and all its shims are gone: whoever has not told its end never will.
void ZygoteSpawner::on_socket_end(std::uint64_t generation) {
  std::vector<std::uint64_t> silent;
  {
    const std::lock_guard lock(mutex_);
    Zygote& zygote = zygotes_[generation];
    loop_.forget(zygote.process.socket.get(), zygote.socket_token);
    zygote.socket_token = 0;
    for (const auto& [cookie, run] : runs_)
      if (run.generation == generation) silent.push_back(cookie);
  }
  for (const auto cookie : silent) end(cookie, lost);
}

}  // namespace

std::unique_ptr<Spawner> Spawner::make(EventLoop& loop) {
  return std::make_unique<ZygoteSpawner>(loop);
}

}  // namespace ringfort::platform
