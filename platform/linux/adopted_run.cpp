#include "ringfort/platform/linux/adopted_run.hpp"

#include "ringfort/platform/linux/run_end.hpp"
#include "ringfort/platform/linux/shim_run.hpp"
#include "ringfort/platform/protocol.hpp"
#include "ringfort/platform/shim_traces.hpp"

#include <chrono>
#include <thread>
#include <utility>

#include <sys/syscall.h>
#include <unistd.h>

namespace ringfort::platform {
namespace {

constexpr Duration kLook = std::chrono::milliseconds(100);
constexpr int kRefusals = 50;                     // to read the end; then nobody knows it
constexpr auto kDeath = std::chrono::seconds(6);  // a shim gives up after five

class ShimWatch : public std::enable_shared_from_this<ShimWatch> {
 public:
  ShimWatch(EventLoop& loop, std::string state_dir, RunHandlers handlers, HeldExit exit)
      : loop_(loop),
        state_dir_(std::move(state_dir)),
        handlers_(std::move(handlers)),
        exit_(std::move(exit)) {}

  void start(const ShimTraces& traces) {
    learn(traces);
    if (traces.shim) {
      pidfd_ = Fd{static_cast<int>(::syscall(SYS_pidfd_open, traces.shim->shim_pid, 0))};
      // After the opening: from now on the descriptor means that process or none.
      if (pidfd_ && !is_same_process(*traces.shim, traces.shim->shim_pid)) pidfd_.reset();
    }
    loop_.run_after(Duration{0}, [self = shared_from_this()] { self->begin(); });
  }

 private:
  void begin() {
    if (!pidfd_ || !tell_start()) return look();
    token_ = loop_.watch(pidfd_.get(), [self = shared_from_this()](std::uint32_t) { self->end(); });
  }

  /// False when the system does not let us look.
  bool tell_start() {
    const auto traces = read_shim_traces(state_dir_);
    if (traces) learn(*traces);
    if (traces) tell_start(*traces);
    return traces.has_value();
  }

  /// Which run it is that is watched: the first one seen.
  void learn(const ShimTraces& traces) {
    if (!shim_ && traces.locked) shim_ = traces.shim;
  }

  bool is_another(const ShimTraces& traces) const {
    return shim_ && traces.shim && traces.shim->cookie != shim_->cookie;
  }

  void tell_start(const ShimTraces& traces) {
    const auto& shim = traces.shim;
    if (told_start_ || !shim || shim->main_pid == 0) return;
    told_start_ = true;
    if (handlers_.started)
      handlers_.started({shim->shim_pid, shim->main_pid, wall_time(shim->started_usec)});
  }

  /// Of another PID namespace, or starting still, or the system did not let us look.
  void look() {
    const auto traces = read_shim_traces(state_dir_);
    if (traces && (!traces->locked || is_another(*traces))) return end();
    if (traces) learn(*traces);
    if (traces) tell_start(*traces);
    loop_.run_after(kLook, [self = shared_from_this()] { self->look(); });
  }

  void end() {
    if (token_ != 0) loop_.forget(pidfd_.get(), token_);
    token_ = 0;
    if (!handlers_.ended) return;
    ShimTraces traces;
    traces.shim = shim_;
    if (shim_) traces.exit = exit_.end_of(shim_->cookie);
    if (!traces.exit) {
      const auto read = read_shim_traces(state_dir_);
      if (!read && ++refused_ < kRefusals) {
        loop_.run_after(kLook, [self = shared_from_this()] { self->end(); });
        return;
      }
      // By now the name may be another run's, or nobody's.
      const bool is_its = !shim_ || (read && read->shim && !is_another(*read));
      if (read && is_its) traces = *read;
    }
    ProgramEnded news;
    news.exit = exit_record_of(traces);
    std::exchange(handlers_.ended, nullptr)(news);
  }

  EventLoop& loop_;
  std::string state_dir_;
  RunHandlers handlers_;
  HeldExit exit_;
  std::optional<wire::ShimRecord> shim_;  ///< of the run that is watched, once it is known
  Fd pidfd_;
  std::uint64_t token_ = 0;
  bool told_start_ = false;
  int refused_ = 0;
};

/// One that has written nothing yet is being started by somebody of our own version, most likely.
std::uint32_t protocol_of(const ShimTraces& traces) {
  return traces.shim ? traces.shim->version : helper_protocol();
}

}  // namespace

Result<std::shared_ptr<Run>> adopt_run(EventLoop& loop, const std::string& container,
                                       const std::string& state_dir, RunHandlers handlers) {
  auto exit = HeldExit::hold(state_dir);
  const auto read = read_shim_traces(state_dir);
  if (read && !read->locked)
    return fail(
        Error{ErrorKind::NotFound, "no shim lives there", "ask for its state", container, 0});
  // One that cannot be looked at now is looked at again.
  const auto traces = read.value_or(ShimTraces{});
  std::make_shared<ShimWatch>(loop, state_dir, std::move(handlers), std::move(exit))->start(traces);
  return std::make_shared<ShimRun>(loop, container, state_dir, Fd{}, protocol_of(traces));
}

Status end_found_run(EventLoop& loop, const std::string& container, const std::string& state_dir) {
  const auto give_up = std::chrono::steady_clock::now() + kDeath;
  for (;;) {
    const auto traces = read_shim_traces(state_dir);
    if (!traces) return fail(traces.error());
    if (!traces->locked) return {};
    // Again and again: it may be starting, with nobody at its socket yet.
    (void)ShimRun(loop, container, state_dir, Fd{}, protocol_of(*traces)).kill_tree(false);
    if (std::chrono::steady_clock::now() > give_up)
      return fail(Error{ErrorKind::Timeout, "was killed but does not end",
                        "look for processes in state D (ps), then remove it once more", container,
                        0});
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
}

}  // namespace ringfort::platform
