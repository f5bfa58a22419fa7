// The connections of a relay: each a socket of the machine's and one of the container's, with a
// bounded buffer for each direction. A full buffer stops reading, so that the slower side holds the
// faster one up.
#pragma once

#include "ringfort/platform/shim/relay.hpp"

#include <cstddef>

#include <poll.h>

namespace ringfort::shim {

/// Further callers wait in the listeners' queues. Two descriptors each: below the usual 1024.
inline constexpr int kMaxPairs = 256;

/// One direction.
struct Flow {
  std::size_t begin = 0;  ///< of what waits in the buffer
  std::size_t end = 0;
  bool ended = false;   ///< its source will send no more
  bool closed = false;  ///< its target has been told so
  bool is_empty() const { return begin == end; }
};

struct Pair {
  int client = -1;  ///< -1 = this place is free
  int server = -1;
  bool connecting = false;
  int listener = 0;
  int attempt = 0;  ///< which address inside comes next
  Flow up;          ///< client to server
  Flow down;
};

class RelayPairs {
 public:
  /// Takes the listening sockets. 0 or -errno.
  long open(const RelaySetup& setup, const int* listeners);
  /// What to wait for; the number of entries. Listeners are left out while `accepts` is false.
  int fill(pollfd* set, bool accepts);
  /// Acts on what fill() asked for. False when accepting has to pause.
  bool act(const pollfd* set);
  /// Nobody is let in any more; a pair ends with what its server has sent.
  void end_all();
  bool are_done() const { return used_ == 0; }

 private:
  bool accept_one(int listener);
  void connect(int index);
  void on_connect(int index);
  void pump(int index);
  void drop(int index, bool reset);
  char* buffer(int index, bool up) const;

  RelaySetup setup_{};
  int listeners_[kMaxListeners];
  int listener_count_ = 0;
  Pair pairs_[kMaxPairs];
  int used_ = 0;
  bool ending_ = false;
  char* memory_ = nullptr;
};

}  // namespace ringfort::shim
