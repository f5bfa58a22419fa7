// The zygote: clones shims on request, tells of shims that died badly, kills what they left.
// argv: ringfort-zygote <socket>. One per runtime; ends when its socket closes.
#include "ringfort/platform/shim/child.hpp"
#include "ringfort/platform/shim/fd_message.hpp"
#include "ringfort/platform/shim/record.hpp"
#include "ringfort/platform/shim/relay.hpp"
#include "ringfort/platform/shim/shim.hpp"
#include "ringfort/platform/shim/sys.hpp"
#include "ringfort/platform/shim/tree.hpp"

#include <cstdlib>
#include <cstring>

#include <poll.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>

namespace ringfort::shim {
namespace {

// The tables below are of no use to a shim, and are written at each birth and death: kept out of
// its memory, none of their pages is shared, so that none has to be copied at the next write.
constexpr std::size_t kPage = 4096;

// One bit for each pid; pid_max is at most 2^22 on 64 bits. proc(5).
class PidSet {
 public:
  bool has(pid_t pid) const { return pid > 0 && pid < kMax && (bits_[pid / 8] & bit(pid)) != 0; }
  void set(pid_t pid, bool is_in) {
    if (pid <= 0 || pid >= kMax || has(pid) == is_in) return;  // no page is touched for nothing
    const auto rest = static_cast<unsigned char>(bits_[pid / 8] & ~bit(pid));
    bits_[pid / 8] = is_in ? static_cast<unsigned char>(rest | bit(pid)) : rest;
  }

 private:
  static constexpr pid_t kMax = 1 << 22;
  static unsigned bit(pid_t pid) { return 1U << (pid % 8); }
  alignas(kPage) unsigned char bits_[kMax / 8];
};

// Whose death is a shim's, a relay's.
PidSet g_shims;
PidSet g_relays;

// Which run a shim pid belongs to, for the event of its death.
struct Slot {
  pid_t pid;
  std::uint64_t cookie;
};
constexpr std::size_t kSlots = 1 << 16;
alignas(kPage) Slot g_slots[kSlots];

void keep_tables_to_ourselves() {
  // A refusal costs time only.
  (void)::madvise(&g_shims, sizeof g_shims, MADV_DONTFORK);
  (void)::madvise(&g_relays, sizeof g_relays, MADV_DONTFORK);
  (void)::madvise(g_slots, sizeof g_slots, MADV_DONTFORK);
}

void mark_shim(pid_t pid, std::uint64_t cookie) {
  g_shims.set(pid, true);
  // The slot of a pid is fixed by its low bits. A clash loses the cookie of the elder's death
  // notice, not the notice: the library then finds the run by its shim's pid.
  g_slots[static_cast<std::size_t>(pid) % kSlots] = {pid, cookie};
}

std::uint64_t unmark_shim(pid_t pid) {
  g_shims.set(pid, false);
  const Slot& slot = g_slots[static_cast<std::size_t>(pid) % kSlots];
  return slot.pid == pid ? slot.cookie : 0;
}

/// What a dead shim has left is anything else.
bool is_shim_or_relay(pid_t pid) { return g_shims.has(pid) || g_relays.has(pid); }

void send_event(int socket_fd, wire::Event event) {
  event.version = wire::kProtocolVersion;
  while (sys(SYS_sendto, socket_fd, &event, sizeof event, MSG_NOSIGNAL, nullptr, 0) == -EINTR) {
  }
}

enum class Received { Request, Nonsense, End };

/// Receives one request with its descriptors. End when the library is gone.
Received receive(int socket_fd, ShimStart& start) {
  int fds[wire::kSpawnFdCount];
  int count = 0;
  const long size = receive_fds(socket_fd, &start.request, sizeof start.request, fds,
                                static_cast<int>(wire::kSpawnFdCount), count);
  for (int& fd : start.fds) fd = -1;
  if (size <= 0) return Received::End;
  int next = 0;
  for (std::uint32_t slot = 0; slot < wire::kSpawnFdCount; ++slot)
    if ((start.request.fd_mask & (1U << slot)) != 0 && next < count) start.fds[slot] = fds[next++];
  // Only a helper of another version (RINGFORT_HELPER) meets a request that it does not know.
  const bool known =
      size == sizeof start.request && start.request.version == wire::kProtocolVersion;
  return known ? Received::Request : Received::Nonsense;
}

void refuse(const ShimStart& start, wire::Step step, std::int32_t error) {
  wire::Event event{};
  event.kind = wire::EventKind::StartFailed;
  event.cookie = start.request.cookie;
  event.step = step;
  event.error = error;
  event.finished_usec = wall_usec();
  send_event(start.events_fd, event);
}

/// A sibling of the shim and not its child: whatever the shim makes is in the PID namespace, where
/// a program of the same uid could kill it.
long spawn_relay(ShimStart& start) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) return -errno;
  const long pid = fork_into(0);
  if (pid == 0) run_relay(ends[1]);
  ::close(ends[1]);
  start.relay_fd = ends[0];
  g_relays.set(static_cast<pid_t>(pid), true);
  return pid;
}

void spawn(ShimStart& start, int signal_fd) {
  start.relay_fd = -1;
  const bool has_relay = (start.request.plan_flags & wire::kRelay) != 0;
  const long relay = has_relay ? spawn_relay(start) : 0;
  unsigned long flags = 0;
  if ((start.request.plan_flags & wire::kNamespaces) != 0) flags |= CLONE_NEWPID;
  if ((start.request.plan_flags & wire::kUserNamespace) != 0) flags |= CLONE_NEWUSER;
  const long pid = relay < 0 ? relay : fork_into(flags);
  if (pid == 0) {
    ::close(signal_fd);
    run_shim(start);
  }
  if (pid > 0) {
    mark_shim(static_cast<pid_t>(pid), start.request.cookie);
  } else {
    refuse(start, wire::Step::Clone, static_cast<std::int32_t>(-pid));
  }
  close_fd(start.relay_fd);
  for (int& fd : start.fds) close_fd(fd);
}

/// Reaps what there is; true when a shim had a bad end and may have left orphans.
bool reap_once(int socket_fd) {
  bool bad_end = false;
  for (;;) {
    int status = 0;
    const long pid = sys(SYS_wait4, -1, &status, WNOHANG, nullptr);
    if (pid <= 0) return bad_end;
    g_relays.set(static_cast<pid_t>(pid), false);
    if (!g_shims.has(static_cast<pid_t>(pid))) continue;
    const std::uint64_t cookie = unmark_shim(static_cast<pid_t>(pid));
    if (status == 0) continue;  // it has told its end itself
    bad_end = true;
    wire::Event event{};
    event.kind = wire::EventKind::ShimDied;
    event.cookie = cookie;
    event.shim_pid = static_cast<std::int32_t>(pid);
    event.status = status;
    event.finished_usec = wall_usec();
    send_event(socket_fd, event);
  }
}

/// A shim killed without a PID namespace leaves orphans, which come to this subreaper. They are
/// killed until none is left; a bound keeps one that can't die from holding up everybody's starts.
void reap(int socket_fd) {
  constexpr int kRounds = 200;
  bool bad_end = reap_once(socket_fd);
  for (int round = 0; bad_end && round < kRounds && kill_strangers(is_shim_or_relay) > 0; ++round) {
    const timespec pause{0, 1'000'000};
    sys(SYS_nanosleep, &pause, nullptr);
    reap_once(socket_fd);
  }
}

[[noreturn]] void serve(int socket_fd) {
  static ShimStart start;
  start.events_fd = socket_fd;
  start.null_fd = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  start.empty_mounts_fd = ::geteuid() == 0 ? static_cast<int>(empty_mounts()) : -1;
  // Once here instead of 41 calls in every child. It takes nothing from what this process and its
  // shims hold themselves, and none of them runs another program but as a container's.
  start.bounded = empty_bounding_set();
  sigset_t all;
  ::sigfillset(&all);
  sys(SYS_rt_sigprocmask, SIG_SETMASK, &all, nullptr, 8);
  const int signal_fd = ::signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
  for (;;) {
    pollfd set[2] = {{socket_fd, POLLIN, 0}, {signal_fd, POLLIN, 0}};
    if (sys(SYS_poll, set, 2, -1) < 0) continue;
    if (set[1].revents != 0) {
      signalfd_siginfo info;
      while (sys(SYS_read, signal_fd, &info, sizeof info) == sizeof info) {
      }
      reap(socket_fd);
    }
    if (set[0].revents != 0) {
      switch (receive(socket_fd, start)) {
        case Received::End:
          ::_exit(0);
        case Received::Nonsense:
          refuse(start, wire::Step::Plan, EPROTO);
          for (int& fd : start.fds) close_fd(fd);
          break;
        case Received::Request:
          spawn(start, signal_fd);
      }
    }
  }
}

}  // namespace
}  // namespace ringfort::shim

int main(int count, char** arguments) {
  using namespace ringfort::shim;
  if (count != 2) return 2;
  ::prctl(PR_SET_NAME, "ringfort-zygote", 0, 0, 0);
  ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  ::setsid();  // a terminal's Ctrl-C is the supervisor's to handle
  const int socket_fd = std::atoi(arguments[1]);
  ::close_range(3, static_cast<unsigned>(socket_fd) - 1, 0);
  ::close_range(static_cast<unsigned>(socket_fd) + 1, ~0U, 0);
  ::fcntl(socket_fd, F_SETFD, FD_CLOEXEC);
  learn_machine();
  keep_tables_to_ourselves();
  serve(socket_fd);
}
