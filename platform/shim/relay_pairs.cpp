#include "ringfort/platform/shim/relay_pairs.hpp"

#include "ringfort/platform/shim/loopback.hpp"
#include "ringfort/platform/shim/sys.hpp"

#include <netinet/tcp.h>
#include <sys/mman.h>
#include <sys/socket.h>

namespace ringfort::shim {
namespace {

constexpr std::size_t kBuffer = 32768;
constexpr std::size_t kMemory = kBuffer * 2 * kMaxPairs;
constexpr int kAttempts = 4;  ///< two ports, each at 127.0.0.1 and at ::1

void set(int fd, int level, int option, int value) {
  sys(SYS_setsockopt, fd, level, option, &value, sizeof value);
}

/// Both ends have buffered already: to wait for more would only be slow.
void send_at_once(int fd) { set(fd, IPPROTO_TCP, TCP_NODELAY, 1); }

long connect_to(int fd, bool is_v6, std::uint16_t port) {
  const Loopback address{is_v6, port};
  return sys(SYS_connect, fd, &address.v4, address.size);
}

/// Moves what can be moved now. False when one side is broken.
bool move(Flow& flow, char* buffer, int from, int to) {
  if (flow.is_empty() && !flow.ended) {
    const long size = sys(SYS_recvfrom, from, buffer, kBuffer, MSG_DONTWAIT, nullptr, nullptr);
    if (size == 0) flow.ended = true;
    if (size < 0 && size != -EAGAIN && size != -EINTR) return false;
    flow.begin = 0;
    flow.end = size > 0 ? static_cast<std::size_t>(size) : 0;
  }
  if (!flow.is_empty()) {
    const long sent = sys(SYS_sendto, to, buffer + flow.begin, flow.end - flow.begin,
                          MSG_DONTWAIT | MSG_NOSIGNAL, nullptr, 0);
    if (sent < 0 && sent != -EAGAIN && sent != -EINTR) return false;
    if (sent > 0) flow.begin += static_cast<std::size_t>(sent);
  }
  if (flow.ended && flow.is_empty() && !flow.closed) {
    flow.closed = true;
    sys(SYS_shutdown, to, SHUT_WR);
  }
  return true;
}

/// An entry without events would still tell of an end that is known already, again and again.
pollfd entry(int fd, bool reads, bool writes) {
  const auto events = static_cast<short>((reads ? POLLIN : 0) | (writes ? POLLOUT : 0));
  return {events != 0 ? fd : -1, events, 0};
}

}  // namespace

long RelayPairs::open(const RelaySetup& setup, const int* listeners) {
  void* memory = ::mmap(nullptr, kMemory, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) return -errno;
  memory_ = static_cast<char*>(memory);
  setup_ = setup;
  listener_count_ = static_cast<int>(setup.listener_count);
  for (int i = 0; i < listener_count_; ++i) listeners_[i] = listeners[i];
  return 0;
}

char* RelayPairs::buffer(int index, bool up) const {
  return memory_ + kBuffer * (2 * static_cast<std::size_t>(index) + (up ? 0 : 1));
}

int RelayPairs::fill(pollfd* set, bool accepts) {
  int count = 0;
  for (int i = 0; i < listener_count_; ++i)
    set[count++] = {accepts && used_ < kMaxPairs ? listeners_[i] : -1, POLLIN, 0};
  for (const Pair& pair : pairs_) {
    const bool is_open = pair.client >= 0 && !pair.connecting;
    const auto reads = [is_open](const Flow& flow) {
      return is_open && flow.is_empty() && !flow.ended;
    };
    set[count++] = entry(pair.client, reads(pair.up), is_open && !pair.down.is_empty());
    set[count++] =
        entry(pair.server, reads(pair.down), pair.connecting || (is_open && !pair.up.is_empty()));
  }
  return count;
}

bool RelayPairs::act(const pollfd* set) {
  const pollfd* of_pairs = set + listener_count_;
  for (int i = 0; i < kMaxPairs; ++i) {
    const bool is_ready = of_pairs[2 * i].revents != 0 || of_pairs[2 * i + 1].revents != 0;
    if (pairs_[i].client < 0 || !is_ready) continue;
    if (pairs_[i].connecting) {
      on_connect(i);
    } else {
      pump(i);
    }
  }
  bool may_go_on = true;
  for (int i = 0; i < listener_count_; ++i)
    if (set[i].revents != 0 && listeners_[i] >= 0) may_go_on = accept_one(i) && may_go_on;
  return may_go_on;
}

void RelayPairs::end_all() {
  ending_ = true;
  for (int i = 0; i < listener_count_; ++i) close_fd(listeners_[i]);
  for (int i = 0; i < kMaxPairs; ++i) {
    if (pairs_[i].client < 0) continue;
    if (pairs_[i].connecting) {
      drop(i, true);
    } else {
      pump(i);
    }
  }
}

bool RelayPairs::accept_one(int listener) {
  if (used_ == kMaxPairs) return true;  // the rest waits in the queue
  const long client =
      sys(SYS_accept4, listeners_[listener], nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (client < 0)
    return client != -EMFILE && client != -ENFILE && client != -ENOMEM && client != -ENOBUFS;
  int index = 0;
  while (pairs_[index].client >= 0) ++index;
  pairs_[index] = Pair{};
  pairs_[index].client = static_cast<int>(client);
  pairs_[index].listener = listener;
  ++used_;
  send_at_once(pairs_[index].client);
  connect(index);
  return true;
}

/// The next address inside that might answer. When none does the caller is refused as well as can
/// be done after it has been accepted: its connection is reset.
void RelayPairs::connect(int index) {
  Pair& pair = pairs_[index];
  for (; pair.attempt < kAttempts; ++pair.attempt) {
    close_fd(pair.server);
    const std::uint16_t port = setup_.inside[pair.listener][pair.attempt / 2];
    const bool is_v6 = pair.attempt % 2 != 0;
    if (port == 0) continue;
    const long server =
        sys(SYS_socket, is_v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (server < 0) continue;
    pair.server = static_cast<int>(server);
    const long result = connect_to(pair.server, is_v6, port);
    if (result < 0 && result != -EINPROGRESS) continue;
    pair.connecting = true;
    if (result == 0) on_connect(index);
    return;
  }
  drop(index, true);
}

void RelayPairs::on_connect(int index) {
  Pair& pair = pairs_[index];
  int error = 0;
  socklen_t size = sizeof error;
  sys(SYS_getsockopt, pair.server, SOL_SOCKET, SO_ERROR, &error, &size);
  pair.connecting = false;
  if (error != 0) {
    ++pair.attempt;
    return connect(index);
  }
  send_at_once(pair.server);
  pump(index);
}

void RelayPairs::pump(int index) {
  Pair& pair = pairs_[index];
  const bool is_whole = move(pair.up, buffer(index, true), pair.client, pair.server) &&
                        move(pair.down, buffer(index, false), pair.server, pair.client);
  if (!is_whole) return drop(index, true);
  if (pair.down.closed && (pair.up.closed || ending_)) drop(index, false);
}

/// `reset`: both sides learn that it did not end well. socket(7), SO_LINGER.
void RelayPairs::drop(int index, bool reset) {
  Pair& pair = pairs_[index];
  const linger at_once{1, 0};
  int* const both[] = {&pair.client, &pair.server};
  for (int* fd : both) {
    if (reset && *fd >= 0)
      sys(SYS_setsockopt, *fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close_fd(*fd);
  }
  // The memory of a burst is given back.
  sys(SYS_madvise, buffer(index, true), 2 * kBuffer, MADV_DONTNEED);
  --used_;
}

}  // namespace ringfort::shim
