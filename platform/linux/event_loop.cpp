#include "ringfort/platform/spawner.hpp"

#include <array>
#include <cerrno>
#include <map>
#include <mutex>
#include <thread>
#include <unordered_map>

#include <sys/epoll.h>
#include <sys/eventfd.h>

namespace ringfort::platform {
namespace {

using Clock = std::chrono::steady_clock;

class EpollLoop final : public EventLoop {
 public:
  EpollLoop(Fd epoll, Fd wake) : epoll_(std::move(epoll)), wake_(std::move(wake)) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = 0;
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, wake_.get(), &event);
    thread_ = std::thread([this] { serve(); });
  }

  ~EpollLoop() override {
    {
      const std::lock_guard lock(mutex_);
      ending_ = true;
    }
    wake();
    thread_.join();
  }

  std::uint64_t watch(int fd, Callback callback) override {
    std::uint64_t token = 0;
    {
      const std::lock_guard lock(mutex_);
      token = next_token_++;
      callbacks_.emplace(token, std::make_shared<Callback>(std::move(callback)));
    }
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = token;
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event);
    return token;
  }

  void forget(int fd, std::uint64_t token) override {
    // ENOENT: forgotten twice, which is harmless.
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
    const std::lock_guard lock(mutex_);
    callbacks_.erase(token);
  }

  void run_after(Duration delay, std::function<void()> task) override {
    {
      const std::lock_guard lock(mutex_);
      tasks_.emplace(Clock::now() + delay, std::move(task));
    }
    wake();
  }

 private:
  void wake() {
    const std::uint64_t one = 1;
    // A full counter (EAGAIN) means that a wake-up is pending anyway.
    while (::write(wake_.get(), &one, sizeof one) < 0 && errno == EINTR) continue;
  }

  int patience() {
    const std::lock_guard lock(mutex_);
    // One read takes all wake-ups, so the one of the end may be gone with an earlier one.
    if (ending_) return 0;
    if (tasks_.empty()) return -1;
    const auto left = tasks_.begin()->first - Clock::now();
    if (left <= Clock::duration::zero()) return 0;
    return static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(left).count());
  }

  void run_due_tasks() {
    for (;;) {
      std::function<void()> task;
      {
        const std::lock_guard lock(mutex_);
        if (tasks_.empty() || tasks_.begin()->first > Clock::now()) return;
        task = std::move(tasks_.begin()->second);
        tasks_.erase(tasks_.begin());
      }
      task();
    }
  }

  void dispatch(const epoll_event& event) {
    if (event.data.u64 == 0) {
      std::uint64_t count = 0;
      [[maybe_unused]] const auto size = ::read(wake_.get(), &count, sizeof count);
      return;
    }
    std::shared_ptr<Callback> callback;
    {
      // The token, not the descriptor, names a watch: numbers are reused.
      const std::lock_guard lock(mutex_);
      const auto found = callbacks_.find(event.data.u64);
      if (found != callbacks_.end()) callback = found->second;
    }
    if (callback) (*callback)(event.events);
  }

  void serve() {
    std::array<epoll_event, 128> events{};
    for (;;) {
      const int count = ::epoll_wait(epoll_.get(), events.data(), events.size(), patience());
      {
        const std::lock_guard lock(mutex_);
        if (ending_) return;
      }
      for (int i = 0; i < count; ++i) dispatch(events[static_cast<std::size_t>(i)]);
      run_due_tasks();
    }
  }

  Fd epoll_;
  Fd wake_;
  std::mutex mutex_;
  bool ending_ = false;
  std::uint64_t next_token_ = 1;
  std::unordered_map<std::uint64_t, std::shared_ptr<Callback>> callbacks_;
  std::multimap<Clock::time_point, std::function<void()>> tasks_;
  std::thread thread_;
};

}  // namespace

Result<std::unique_ptr<EventLoop>> EventLoop::start() {
  Fd epoll{::epoll_create1(EPOLL_CLOEXEC)};
  if (!epoll) return fail(os_error("cannot make an epoll instance"));
  Fd wake{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  if (!wake) return fail(os_error("cannot make an eventfd"));
  return std::make_unique<EpollLoop>(std::move(epoll), std::move(wake));
}

}  // namespace ringfort::platform
