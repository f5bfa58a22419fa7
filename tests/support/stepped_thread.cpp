#include "ringfort/support/stepped_thread.hpp"

#include <cstddef>
#include <future>
#include <utility>
#include <vector>

#include <linux/filter.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace ringfort::test {
namespace {

/// For the calling thread alone. -1 = refused.
int listen_to(const std::vector<int>& calls) {
  std::vector<sock_filter> code;
  code.push_back(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)));
  for (const int call : calls) {
    code.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<unsigned>(call), 0, 1));
    code.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF));
  }
  code.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
  const sock_fprog program{static_cast<unsigned short>(code.size()), code.data()};
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return -1;
  return static_cast<int>(
      ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program));
}

}  // namespace

SteppedThread::SteppedThread(std::initializer_list<int> calls, std::function<void()> body) {
  std::promise<int> listener;
  auto told = listener.get_future();
  thread_ = std::thread([&listener, calls = std::vector<int>(calls), body = std::move(body)] {
    listener.set_value(listen_to(calls));
    body();
  });
  listener_ = told.get();
}

SteppedThread::~SteppedThread() {
  finish();
  if (listener_ >= 0) ::close(listener_);
}

bool SteppedThread::step() {
  if (listener_ < 0) return false;
  if (stands_at_) {
    seccomp_notif_resp answer{};
    answer.id = stands_at_->id;
    answer.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
    stands_at_.reset();
    if (::ioctl(listener_, SECCOMP_IOCTL_NOTIF_SEND, &answer) != 0) return false;
  }
  pollfd set{listener_, POLLIN, 0};
  if (::poll(&set, 1, -1) != 1 || (set.revents & POLLIN) == 0) return false;  // POLLHUP: it ended
  seccomp_notif call{};
  if (::ioctl(listener_, SECCOMP_IOCTL_NOTIF_RECV, &call) != 0) return false;
  stands_at_ = call;
  return true;
}

bool SteppedThread::step(int count) {
  while (count > 0 && step()) --count;
  return count == 0;
}

void SteppedThread::finish() {
  while (step()) {
  }
  if (thread_.joinable()) thread_.join();
}

}  // namespace ringfort::test
