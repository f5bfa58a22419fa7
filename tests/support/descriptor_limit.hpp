// For tests of what happens when a process may open nothing more.
#pragma once

#include <sys/resource.h>

namespace ringfort::test {

/// This process may have `most` descriptors while it lives; those that are open stay so.
/// getrlimit(2).
class DescriptorLimit {
 public:
  explicit DescriptorLimit(rlim_t most) {
    is_set_ = ::getrlimit(RLIMIT_NOFILE, &before_) == 0;
    const rlimit few{most, before_.rlim_max};
    is_set_ = is_set_ && ::setrlimit(RLIMIT_NOFILE, &few) == 0;
  }
  DescriptorLimit(const DescriptorLimit&) = delete;
  DescriptorLimit& operator=(const DescriptorLimit&) = delete;
  ~DescriptorLimit() {
    if (is_set_) ::setrlimit(RLIMIT_NOFILE, &before_);
  }

  bool is_set() const { return is_set_; }

 private:
  rlimit before_{};
  bool is_set_ = false;
};

}  // namespace ringfort::test
