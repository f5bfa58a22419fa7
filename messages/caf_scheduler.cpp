#include "ringfort/messages/caf_scheduler.hpp"

#include <caf/all.hpp>
#include <caf/policy/unprofiled.hpp>
#include <caf/scheduler/coordinator.hpp>

#include <array>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <utility>
#include <vector>

namespace ringfort::messages {
namespace {

using Job = caf::resumable*;

/// So many jobs ride with one thread...
constexpr std::size_t kMostRiding = 4;
/// ...and so many in a row go before the queue has its turn: two actors that talk to each other
/// must not keep a thread from all others.
constexpr unsigned kMostRides = 16;
/// Messages that an actor may take before the next one runs.
constexpr std::size_t kMostMessages = 32;

struct Pool;

/// Jobs that a thread goes on with, first come, first served.
class Riders {
 public:
  bool add(Job job) {
    if (count_ == jobs_.size()) return false;
    jobs_[(first_ + count_++) % jobs_.size()] = job;
    return true;
  }
  /// Empty = null.
  Job take() {
    if (count_ == 0) return nullptr;
    --count_;
    return jobs_[std::exchange(first_, (first_ + 1) % jobs_.size())];
  }

 private:
  std::array<Job, kMostRiding> jobs_{};
  std::size_t first_ = 0;
  std::size_t count_ = 0;
};

/// What belongs to one thread.
struct Seat {
  Pool* pool = nullptr;
  Riders riders;  ///< touched by the thread itself only, as the next two
  unsigned rides = 0;
  bool is_blocking = false;

  std::mutex mutex;  ///< of what follows; the thread sleeps until something is given
  std::condition_variable woken;
  Job given = nullptr;

  Job sleep() {
    std::unique_lock lock(mutex);
    woken.wait(lock, [this] { return given != nullptr; });
    return std::exchange(given, nullptr);
  }
  void give(Job job) {
    {
      const std::lock_guard lock(mutex);
      given = job;
    }
    woken.notify_one();
  }
};

thread_local Seat* own_seat = nullptr;

/// What all threads of one system share.
struct Pool {
  std::mutex mutex;
  std::deque<Job> queue;
  std::vector<Seat*> sleepers;  ///< the last one to fall asleep has the warmest caches

  void share(Job job) {
    Seat* sleeper = nullptr;
    {
      const std::lock_guard lock(mutex);
      if (sleepers.empty()) {
        queue.push_back(job);
        return;
      }
      sleeper = sleepers.back();
      sleepers.pop_back();
    }
    sleeper->give(job);
  }

  void enqueue(Job job) {
    Seat* seat = own_seat;
    const bool is_ours = seat != nullptr && seat->pool == this;
    if (!is_ours || seat->is_blocking || !seat->riders.add(job)) share(job);
  }

  Job next(Seat& seat) {
    if (++seat.rides < kMostRides)
      if (const Job rider = seat.riders.take()) return rider;
    seat.rides = 0;
    std::unique_lock lock(mutex);
    if (!queue.empty()) {
      const Job first = queue.front();
      queue.pop_front();
      return first;
    }
    if (const Job rider = seat.riders.take()) return rider;
    sleepers.push_back(&seat);
    lock.unlock();
    return seat.sleep();
  }
};

/// The interface is that of caf::policy::work_sharing.
class Riding : public caf::policy::unprofiled {
 public:
  struct coordinator_data {
    explicit coordinator_data(caf::scheduler::abstract_coordinator*) {}
    Pool pool;
  };
  struct worker_data {
    explicit worker_data(caf::scheduler::abstract_coordinator*) {}
    worker_data(const worker_data&) {}  // CAF copies the first one, which is nobody's
    worker_data& operator=(const worker_data&) = delete;
    Seat seat;
  };

  template <class Coordinator>
  void central_enqueue(Coordinator* self, Job job) {
    d(self).pool.enqueue(job);
  }
  template <class Worker>
  void external_enqueue(Worker* self, Job job) {
    d(self->parent()).pool.share(job);
  }
  template <class Worker>
  void internal_enqueue(Worker* self, Job job) {
    d(self->parent()).pool.enqueue(job);
  }
  template <class Worker>
  void resume_job_later(Worker* self, Job job) {
    d(self->parent()).pool.share(job);
  }
  template <class Worker>
  Job dequeue(Worker* self) {
    Seat& seat = d(self).seat;
    seat.pool = &d(self->parent()).pool;
    own_seat = &seat;
    return seat.pool->next(seat);
  }
  template <class Worker>
  void before_shutdown(Worker*) {
    own_seat = nullptr;
  }

  template <class Worker, class Function>
  void foreach_resumable(Worker* self, Function function) {
    while (const Job job = d(self).seat.riders.take()) function(job);
  }
  template <class Coordinator, class Function>
  void foreach_central_resumable(Coordinator* self, Function function) {
    auto& queue = d(self).pool.queue;  // all threads have ended
    while (!queue.empty()) {
      Job job = queue.front();
      queue.pop_front();
      function(job);
    }
  }
};

}  // namespace

void set_scheduler(caf::actor_system_config& config, std::size_t workers) {
  config.load<caf::scheduler::coordinator<Riding>>();
  config.set("scheduler.max-threads", workers);
  config.set("scheduler.max-throughput", kMostMessages);
}

Blocking::Blocking() {
  Seat* seat = own_seat;
  if (seat == nullptr) return;
  was_blocking_ = std::exchange(seat->is_blocking, true);
  while (const Job job = seat->riders.take()) seat->pool->share(job);
}

Blocking::~Blocking() {
  if (own_seat != nullptr) own_seat->is_blocking = was_blocking_;
}

}  // namespace ringfort::messages
