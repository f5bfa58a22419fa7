#include "ringfort/platform/owner_lock.hpp"

#include "ringfort/platform/linux/dir_stack.hpp"
#include "ringfort/platform/linux/random_name.hpp"
#include "ringfort/specs/container_record.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <thread>
#include <utility>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

namespace ringfort::platform {
namespace {

bool is_nonce(std::string_view text) {
  return text.size() == 32 && text.find_first_not_of("0123456789abcdef") == text.npos;
}

}  // namespace

Result<OwnerLock> OwnerLock::take(int owners_fd) {
  for (;;) {
    auto nonce = random_name();
    Fd lock{::openat(owners_fd, nonce.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600)};
    // Who can write nothing can make nothing that others would have to leave alone.
    if (!lock && errno == EROFS) return OwnerLock(owners_fd, std::move(nonce), {});
    if (!lock) return fail(os_error("cannot create state/owners/" + nonce));
    if (again_after_signal([&] { return ::flock(lock.get(), LOCK_EX); }) != 0) {
      return fail(os_error("cannot lock state/owners/" + nonce));
    }
    // Between the two calls another runtime may have taken us for dead and removed the file.
    if (is_still_named(lock.get(), owners_fd, nonce)) {
      return OwnerLock(owners_fd, std::move(nonce), std::move(lock));
    }
  }
}

OwnerLock::~OwnerLock() {
  if (lock_) ::unlinkat(owners_fd_, nonce_.c_str(), 0);
}

bool is_live_owner(int owners_fd, std::string_view nonce) {
  return is_nonce(nonce) && is_locked(owners_fd, std::string(nonce));
}

void forget_dead_owner(int owners_fd, const std::string& nonce) {
  if (!is_nonce(nonce)) return;  // somebody else's file
  const Fd lock{::openat(owners_fd, nonce.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC)};
  if (lock && ::flock(lock.get(), LOCK_EX | LOCK_NB) == 0) {
    ::unlinkat(owners_fd, nonce.c_str(), 0);
  }
}

Result<std::string> owner_of_record(int state_fd) {
  const Fd record{again_after_signal([&] {
    return ::openat(state_fd, "record", O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  })};
  if (!record && !means_absent(errno)) return fail(os_error("cannot open its record"));
  if (!record) return std::string{};
  std::array<char, 64> text{};
  const auto got =
      again_after_signal([&] { return ::read(record.get(), text.data(), text.size()); });
  if (got < 0 && errno != EISDIR) return fail(os_error("cannot read its record"));
  if (got <= 0) return std::string{};
  const std::string_view head(text.data(), static_cast<std::size_t>(got));
  const auto end = head.find('\n');
  const bool is_ours = head.starts_with(specs::kOwnerWord) || head.starts_with(specs::kLeavingWord);
  if (!is_ours || end == head.npos) return std::string{};
  return std::string(head.substr(specs::kOwnerWord.size(), end - specs::kOwnerWord.size()));
}

bool is_locked(int dir_fd, const std::string& name) {
  const Fd file{again_after_signal([&] {
    return ::openat(dir_fd, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  })};
  if (!file && means_absent(errno)) return false;
  // A shared try: two who ask at once must not take each other for the holder.
  return !file || again_after_signal([&] { return ::flock(file.get(), LOCK_SH | LOCK_NB); }) != 0;
}

bool take_lock(int fd) {
  constexpr auto kLook = std::chrono::microseconds(200);
  constexpr int kLooks = 5000;  // one who looks may be stopped meanwhile: a second is enough
  for (int looks = 0;; ++looks) {
    if (::flock(fd, LOCK_EX | LOCK_NB) == 0) return true;
    if (errno != EWOULDBLOCK || looks == kLooks) return false;
    if (::flock(fd, LOCK_SH | LOCK_NB) != 0) return false;  // somebody holds it alone
    ::flock(fd, LOCK_UN);
    std::this_thread::sleep_for(kLook);
  }
}

}  // namespace ringfort::platform
