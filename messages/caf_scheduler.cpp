#include "ringfort/messages/caf_scheduler.hpp"

#include <caf/all.hpp>
#include <caf/detail/set_thread_name.hpp>
#include <caf/detail/thread_safe_actor_clock.hpp>
#include <caf/scheduler/abstract_coordinator.hpp>

#include <array>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
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
/// Jobs that each thread still runs when the system ends: enough for all that was sent before, and
/// a bound for those that never stop.
constexpr std::size_t kMostLastJobs = 100'000;

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
  Riders riders;  ///< touched by the thread itself only, as the next three
  unsigned rides = 0;
  bool is_blocking = false;
  std::size_t last_jobs = 0;

  std::mutex mutex;  ///< of what follows; the thread sleeps until something is given
  std::condition_variable woken;
  std::optional<Job> given;

  Job sleep() {
    std::unique_lock lock(mutex);
    woken.wait(lock, [this] { return given.has_value(); });
    return *std::exchange(given, std::nullopt);
  }
  /// Null: that it is to end.
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
  std::atomic<bool> is_ending = false;

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

  /// Null: the thread is to end, as there is nothing left to do.
  Job next(Seat& seat) {
    if (is_ending && ++seat.last_jobs > kMostLastJobs) return nullptr;
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
    if (is_ending) return nullptr;
    sleepers.push_back(&seat);
    lock.unlock();
    return seat.sleep();
  }

  void end() {
    const std::lock_guard lock(mutex);
    is_ending = true;
    for (Seat* sleeper : std::exchange(sleepers, {})) sleeper->give(nullptr);
  }
};

/// A thread that counts as one of the system's.
template <class Body>
std::thread thread_of(caf::actor_system& system, const char* name, Body body) {
  return std::thread([&system, name, body] {
    CAF_SET_LOGGER_SYS(&system);
    caf::detail::set_thread_name(name);
    system.thread_started();
    body();
    system.thread_terminates();
  });
}

/// One thread.
class Worker final : public caf::execution_unit {
 public:
  Worker(caf::actor_system& system, Pool& pool, std::size_t most_messages)
      : execution_unit(&system), most_messages_(most_messages) {
    seat_.pool = &pool;
  }

  void start() {
    thread_ = thread_of(system(), "caf.multiplexer", [this] {
      own_seat = &seat_;
      work();
    });
  }
  void join() { thread_.join(); }
  /// After its end: what rode with it.
  Riders& riders() { return seat_.riders; }

  void exec_later(Job job) override { seat_.pool->enqueue(job); }

 private:
  void work() {
    while (const Job job = seat_.pool->next(seat_)) {
      switch (job->resume(this, most_messages_)) {
        case caf::resumable::resume_later:
          seat_.pool->share(job);  // its reference goes with it
          break;
        case caf::resumable::done:
        case caf::resumable::awaiting_message:
          caf::intrusive_ptr_release(job);
          break;
        case caf::resumable::shutdown_execution_unit:
          return;  // CAF's own schedulers end so
      }
    }
  }

  const std::size_t most_messages_;
  Seat seat_;
  std::thread thread_;
};

/// CAF's clock without its wake-up at the end of each actor: hardly any of them has a timeout.
class Clock final : public caf::detail::thread_safe_actor_clock {
 public:
  using Super = caf::detail::thread_safe_actor_clock;

  void set_ordinary_timeout(time_point when, caf::abstract_actor* self, caf::atom_value type,
                            std::uint64_t id) override {
    has_timeouts_ = true;
    Super::set_ordinary_timeout(when, self, type, id);
  }
  void set_multi_timeout(time_point when, caf::abstract_actor* self, caf::atom_value type,
                         std::uint64_t id) override {
    has_timeouts_ = true;
    Super::set_multi_timeout(when, self, type, id);
  }
  void set_request_timeout(time_point when, caf::abstract_actor* self,
                           caf::message_id id) override {
    has_timeouts_ = true;
    Super::set_request_timeout(when, self, id);
  }
  void cancel_timeouts(caf::abstract_actor* self) override {
    if (has_timeouts_) Super::cancel_timeouts(self);
  }

 private:
  std::atomic<bool> has_timeouts_ = false;  ///< anybody, ever
};

class Coordinator final : public caf::scheduler::abstract_coordinator {
 public:
  using Super = caf::scheduler::abstract_coordinator;

  Coordinator(caf::actor_system& system, Printer printer)
      : Super(system), has_printer_(printer == Printer::Caf) {}

  void enqueue(Job job) override { pool_.enqueue(job); }
  caf::actor_clock& clock() noexcept override { return clock_; }

 protected:
  void start() override {
    for (std::size_t i = 0; i < num_workers(); ++i) {
      workers_.push_back(std::make_unique<Worker>(system(), pool_, max_throughput()));
      workers_.back()->start();
    }
    timer_ = thread_of(system(), "caf.clock", [this] { clock_.run_dispatch_loop(); });
    if (has_printer_) Super::start();
  }

  void stop() override {
    if (has_printer_) stop_actors();
    pool_.end();
    for (const auto& worker : workers_) worker->join();
    for (const auto& worker : workers_)
      while (const Job job = worker->riders().take()) cleanup_and_release(job);
    for (const Job job : pool_.queue) cleanup_and_release(job);
    pool_.queue.clear();
    clock_.cancel_dispatch_loop();
    timer_.join();
  }

 private:
  const bool has_printer_;
  Pool pool_;
  Clock clock_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::thread timer_;
};

}  // namespace

void set_scheduler(caf::actor_system_config& config, std::size_t workers, Printer printer) {
  config.module_factories.push_back(
      [printer](caf::actor_system& system) -> caf::actor_system::module* {
        return new Coordinator(system, printer);
      });
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
