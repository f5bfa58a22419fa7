#include "ringfort/platform/spawner.hpp"

#include "ringfort/platform/linux/adopted_run.hpp"
#include "ringfort/platform/linux/random_name.hpp"
#include "ringfort/platform/linux/run_end.hpp"
#include "ringfort/platform/linux/shim_run.hpp"
#include "ringfort/platform/linux/spawn_fds.hpp"
#include "ringfort/platform/linux/unix_message.hpp"
#include "ringfort/platform/linux/zygote_process.hpp"
#include "ringfort/platform/protocol.hpp"
#include "ringfort/platform/shim_traces.hpp"

#include <array>
#include <deque>
#include <future>
#include <map>
#include <mutex>
#include <span>
#include <unordered_map>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

namespace ringfort::platform {
namespace {

/// How long a request that a dead zygote may or may not have carried out can still answer.
constexpr Duration kInFlightPatience = std::chrono::seconds(2);

// What may wait until a zygote takes a request. After that something has stopped it.
constexpr Duration kQueuePatience = std::chrono::seconds(10);
// A zygote ends at once when its socket closes; one that is stopped or stuck is not waited for.
constexpr Duration kFarewellPatience = std::chrono::seconds(2);

/// What is kept of a run until its end.
struct LiveRun {
  std::uint64_t cookie = 0;
  std::string container;
  std::string state_dir;
  RunHandlers handlers;
  LaunchPlan plan;               ///< emptied once the program has started
  std::uint64_t generation = 0;  ///< of the zygote; 0 = no zygote has the request
  std::int32_t shim_pid = 0;
  std::optional<WallTime> started_at;
};

/// Its shim has gone without a word. It may have been killed after it wrote its record.
ProgramEnded lost_run(const LiveRun& run) {
  if (!run.state_dir.empty()) {
    const auto traces = read_shim_traces(run.state_dir);
    const bool is_its_own = traces && traces->exit && traces->exit->cookie == run.cookie;
    if (is_its_own && traces->exit->start_step == 0) return {exit_record_of(*traces), {}};
  }
  return lost(run.container, run.started_at);
}

/// True when one of them is ready (a hang-up counts) before the time is over.
bool wait_for(std::span<pollfd> set, Duration patience) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(patience);
  return ::poll(set.data(), set.size(), static_cast<int>(left.count())) > 0;
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
      // Not only closed: a child that the host program forked without an exec may hold a copy.
      ::shutdown(zygote.process.socket.get(), SHUT_RDWR);
      if (zygote.reaped) continue;
      pollfd death{zygote.process.pidfd.get(), POLLIN, 0};
      if (!wait_for({&death, 1}, kFarewellPatience))
        ::syscall(SYS_pidfd_send_signal, death.fd, SIGKILL, nullptr, 0);
      ::waitid(P_PID, static_cast<id_t>(zygote.process.pid), nullptr, WEXITED);
    }
  }

  void prepare() override {
    const std::lock_guard lock(mutex_);
    (void)ensure_zygote();  // the first run tries again, and tells why it can't be had
  }
  Result<std::shared_ptr<Run>> run(RunRequest request, RunHandlers handlers) override;
  Result<std::shared_ptr<Run>> adopt(const std::string& container, const std::string& state_dir,
                                     RunHandlers handlers) override {
    return adopt_run(loop_, container, state_dir, std::move(handlers));
  }
  Status end_found(const std::string& container, const std::string& state_dir) override {
    return end_found_run(loop_, container, state_dir);
  }
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

  /// One request that waits for room in a zygote's queue.
  struct Pending {
    wire::SpawnRequest message{};
    std::vector<Fd> fds;
  };

  Status ensure_zygote();  // with the lock
  Status hand_over(const wire::SpawnRequest& message, std::span<const int> fds);
  Status ensure_lease();                    // with the lock
  void on_event(std::uint64_t generation);  // on the loop's thread
  void handle(const wire::Event& event);
  std::uint64_t cookie_of(std::int32_t shim_pid) const;
  void on_zygote_death(std::uint64_t generation);
  void on_socket_end(std::uint64_t generation);
  void take_back(Fd far_end);  // with the lock
  int offer(const Pending& what);
  void send_again();                                          // on the loop's thread
  void watch_shim(std::uint64_t cookie, const LiveRun& run);  // with the lock
  void end(std::uint64_t cookie, const std::function<ProgramEnded(const LiveRun&)>& how);

  EventLoop& loop_;
  std::shared_ptr<int> alive_ = std::make_shared<int>(0);
  mutable std::mutex mutex_;
  std::map<std::uint64_t, Zygote> zygotes_;
  std::uint64_t current_ = 0;
  /// Other processes start the same containers, and a record is known as a run's by its cookie.
  std::uint64_t next_cookie_ = random_number();
  std::unordered_map<std::uint64_t, LiveRun> runs_;
  std::unordered_map<std::uint64_t, std::pair<Fd, std::uint64_t>> shim_watches_;
  std::deque<Pending> pending_;  ///< taken back from a zygote that died
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
  message.version = helper_protocol();
  message.plan_flags = request.plan.flags;
  std::unique_lock lock(mutex_);
  if (auto ok = ensure_lease(); !ok) return fail(ok.error());
  message.cookie = next_cookie_++;
  LiveRun live;
  live.cookie = message.cookie;
  live.container = request.container;
  live.state_dir = request.state_dir;
  live.handlers = std::move(handlers);
  // Before the request: the first event may be here before this function returns.
  auto& kept = runs_.emplace(message.cookie, std::move(live)).first->second;
  const auto list =
      collect(request, plan->get(), theirs.get(), request.attached ? lease_read_.get() : -1);
  message.fd_mask = list.mask();
  kept.plan = std::move(request.plan);
  lock.unlock();
  if (auto ok = hand_over(message, list.fds()); !ok) {
    lock.lock();
    // Its end may have been told meanwhile: then it is not told once more.
    if (runs_.erase(message.cookie) != 0) return fail(ok.error());
  }
  return run;
}

/// Sends a request to the zygote. Waits without the lock while its queue is full: the loop's thread
/// must go on reading what the zygote and its shims have to tell, or all of them wait for each
/// other.
Status ZygoteSpawner::hand_over(const wire::SpawnRequest& message, std::span<const int> fds) {
  const auto give_up = std::chrono::steady_clock::now() + kQueuePatience;
  for (;;) {
    std::array<pollfd, 2> set{};
    {
      const std::lock_guard lock(mutex_);
      const auto found = runs_.find(message.cookie);
      if (found == runs_.end()) return {};  // it has ended already
      if (auto ok = ensure_zygote(); !ok) return ok;
      Zygote& zygote = zygotes_[current_];
      const int error =
          send_message(zygote.process.socket.get(), &message, sizeof message, fds, MSG_DONTWAIT);
      if (error == 0) {
        found->second.generation = current_;
        return {};
      }
      if (error == EPIPE || error == ECONNRESET) {
        // It died and its death is not noticed yet. A new one takes the request.
        zygote.alive = false;
        continue;
      }
      // ETOOMANYREFS: more descriptors are on their way than this user may have, unix(7).
      if (error != EAGAIN && error != ETOOMANYREFS)
        return fail(os_error(error, "cannot reach the zygote"));
      set = {pollfd{zygote.process.pidfd.get(), POLLIN, 0},
             pollfd{error == EAGAIN ? zygote.process.socket.get() : -1, POLLOUT, 0}};
    }
    // A zygote's descriptors stay open as long as this object lives.
    const bool any = wait_for(set, set[1].fd < 0 ? std::chrono::milliseconds(1) : kQueuePatience);
    if (!any && std::chrono::steady_clock::now() >= give_up)
      return fail(ErrorKind::Timeout, "the zygote takes no requests",
                  "look whether it is stopped (ps, state T), and continue it");
  }
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
    if (size == sizeof event && event.version == helper_protocol()) handle(event);
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
      return end(event.cookie, [&event](const LiveRun& run) {
        return ended_from_failure(event, run.plan, run.container);
      });
    case wire::EventKind::Exited:
      return end(event.cookie, [&event](const LiveRun&) { return ended_from(event); });
    case wire::EventKind::ShimDied:
      return end(event.cookie != 0 ? event.cookie : cookie_of(event.shim_pid), lost_run);
  }
}

/// For a death notice whose cookie the zygote has lost (two shims with one slot). 0 = nobody's.
std::uint64_t ZygoteSpawner::cookie_of(std::int32_t shim_pid) const {
  const std::lock_guard lock(mutex_);
  for (const auto& [cookie, run] : runs_)
    if (run.shim_pid == shim_pid) return cookie;
  return 0;
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

/// Requests that the dead zygote has not taken are to go to a new one. With the lock.
void ZygoteSpawner::take_back(Fd far_end) {
  Pending next;
  while (receive_message(far_end.get(), &next.message, sizeof next.message, next.fds)) {
    const auto found = runs_.find(next.message.cookie);
    if (found == runs_.end()) continue;
    found->second.generation = 0;
    pending_.push_back(std::move(next));
    next = {};
  }
}

/// 0 or errno. With the lock.
int ZygoteSpawner::offer(const Pending& what) {
  if (!ensure_zygote()) return ESRCH;
  std::vector<int> fds;
  fds.reserve(what.fds.size());
  for (const Fd& fd : what.fds) fds.push_back(fd.get());
  return send_message(zygotes_[current_].process.socket.get(), &what.message, sizeof what.message,
                      fds, MSG_DONTWAIT);
}

void ZygoteSpawner::send_again() {
  std::vector<std::uint64_t> failed;
  bool full = false;
  {
    const std::lock_guard lock(mutex_);
    while (!pending_.empty()) {
      const Pending& next = pending_.front();
      const auto found = runs_.find(next.message.cookie);
      if (found != runs_.end()) {
        const int error = offer(next);
        full = error == EAGAIN || error == ETOOMANYREFS;
        if (full) break;
        if (error == 0) found->second.generation = current_;
        if (error != 0) failed.push_back(next.message.cookie);
      }
      pending_.pop_front();
    }
  }
  for (const auto cookie : failed) end(cookie, lost_run);
  if (full) later(std::chrono::milliseconds(2), [this] { send_again(); });
}

void ZygoteSpawner::on_zygote_death(std::uint64_t generation) {
  std::vector<std::uint64_t> in_flight;
  {
    const std::lock_guard lock(mutex_);
    Zygote& zygote = zygotes_[generation];
    zygote.alive = false;
    zygote.reaped = true;
    loop_.forget(zygote.process.pidfd.get(), zygote.death_token);
    zygote.death_token = 0;
    // ECHILD: the host program waits for all children itself; the zygote is gone either way.
    ::waitid(P_PID, static_cast<id_t>(zygote.process.pid), nullptr, WEXITED | WNOHANG);
    take_back(std::move(zygote.process.far_end));
    for (const auto& [cookie, run] : runs_) {
      if (run.generation != generation) continue;
      if (run.shim_pid != 0) {
        watch_shim(cookie, run);
      } else {
        in_flight.push_back(cookie);
      }
    }
  }
  send_again();
  // The rest of them it may have cloned or not: a shim that lives tells so soon.
  later(kInFlightPatience, [this, in_flight, generation] {
    for (const auto cookie : in_flight) {
      bool waiting = false;
      {
        const std::lock_guard lock(mutex_);
        const auto found = runs_.find(cookie);
        waiting = found != runs_.end() && !found->second.started_at &&
                  found->second.generation == generation;
      }
      if (waiting) end(cookie, lost_run);
    }
  });
}

/// The zygote told of shims' deaths; without it each is watched by a pidfd of its own.
void ZygoteSpawner::watch_shim(std::uint64_t cookie, const LiveRun& run) {
  if (shim_watches_.contains(cookie)) return;
  Fd pidfd{static_cast<int>(::syscall(SYS_pidfd_open, run.shim_pid, 0))};
  const auto report = [this, cookie](std::uint32_t = 0) {
    // Its own event, if it sent one, is in the socket already and is handled before this.
    later(std::chrono::milliseconds(50), [this, cookie] { end(cookie, lost_run); });
    const std::lock_guard lock(mutex_);
    const auto found = shim_watches_.find(cookie);
    if (found == shim_watches_.end()) return;
    loop_.forget(found->second.first.get(), found->second.second);
    shim_watches_.erase(found);
  };
  if (!pidfd) {
    later(std::chrono::milliseconds(50), [this, cookie] { end(cookie, lost_run); });
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
  for (const auto cookie : silent) end(cookie, lost_run);
}

}  // namespace

std::unique_ptr<Spawner> Spawner::make(EventLoop& loop) {
  return std::make_unique<ZygoteSpawner>(loop);
}

}  // namespace ringfort::platform
