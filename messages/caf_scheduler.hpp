// How ringfort's actors share threads. Beside caf_version.hpp the only file that knows the CAF
// version.
#pragma once

#include <cstddef>

namespace caf {
class actor_system_config;
}

namespace ringfort::messages {

/// CAF's actor behind caf::aout, which has a thread of its own.
enum class Printer : unsigned char { Caf, None };

/// Gives the system of `config` a scheduler that lets messages ride on: the first few actors that
/// an actor wakes run next on the same thread, without a lock or a system call. Each further one
/// goes to a queue that all threads share, and wakes one that sleeps. A thread that has nothing to
/// do sleeps and costs nothing.
///
/// CAF's own `sharing` wakes another thread for every message, `stealing` polls: see
/// docs/PERFORMANCE.md for what each costs.
void set_scheduler(caf::actor_system_config& config, std::size_t workers, Printer printer);

/// While one lives, the calling thread may block: what rides on it goes to other threads, at its
/// beginning and from then on. On a thread of no such scheduler it does nothing.
class Blocking {
 public:
  Blocking();
  ~Blocking();
  Blocking(const Blocking&) = delete;
  Blocking& operator=(const Blocking&) = delete;

 private:
  bool was_blocking_ = false;
};

}  // namespace ringfort::messages
