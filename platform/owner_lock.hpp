// Whose a container is: a runtime's nonce, alive as long as its lock file is locked. A pid could
// not serve: many runtimes share one, and PID namespaces on one volume misread each other's.
#pragma once

#include "ringfort/platform/fd.hpp"

#include <string>
#include <string_view>

namespace ringfort::platform {

/// This runtime's own lock; freed by the kernel when the process dies, however it dies.
class OwnerLock {
 public:
  /// `owners_fd` is borrowed and outlives the lock. On a read-only file system a nonce without one.
  static Result<OwnerLock> take(int owners_fd);
  OwnerLock(OwnerLock&& other) noexcept = default;
  OwnerLock& operator=(OwnerLock&&) = delete;
  ~OwnerLock();

  const std::string& nonce() const { return nonce_; }

 private:
  OwnerLock(int owners_fd, std::string nonce, Fd lock)
      : owners_fd_(owners_fd), nonce_(std::move(nonce)), lock_(std::move(lock)) {}

  int owners_fd_;
  std::string nonce_;
  Fd lock_;  ///< close-on-exec: neither zygote nor shim may keep it held
};

/// False also for text that is no nonce, so that a hostile one leads nowhere.
bool is_live_owner(int owners_fd, std::string_view nonce);

/// Removes the lock file of an owner that is dead.
void forget_dead_owner(int owners_fd, const std::string& nonce);

/// The nonce in the first line ("owner <nonce>", "leave <nonce>") of `record` below `state_fd`;
/// empty if there is none. Error: Io when the system does not let us look.
Result<std::string> owner_of_record(int state_fd);

/// Is a lock on `name` below `dir_fd` held by anybody? Does not wait and takes none. True also when
/// the system does not let us look: what is alive must not be taken for dead.
bool is_locked(int dir_fd, const std::string& name);

/// Takes the lock on an open file alone, without waiting for who holds it: false then, with
/// EWOULDBLOCK in errno, or with what else was in the way. Only those who look (is_locked) are
/// waited for, who have a share of it for a moment.
bool take_lock(int fd);

}  // namespace ringfort::platform
