// A launch plan as the shim holds it: mapped privately, offsets resolved on the way.
#pragma once

#include "ringfort/platform/shim/wire.hpp"

namespace ringfort::shim {

/// A mapped plan. The shim keeps the main program's for its whole life; an exec's for the exec.
class Plan {
 public:
  /// Maps the sealed memfd and checks magic, version, size and every span against the size.
  /// 0 or -errno (EBADMSG for a plan that is not one).
  long map(int plan_fd);
  void unmap();

  const wire::PlanHeader& header() const { return *header_; }
  bool has(wire::PlanFlags flag) const { return (header_->flags & flag) != 0; }
  const char* text(wire::Text offset) const { return offset == 0 ? nullptr : base_ + offset; }
  /// Where the digits of LISTEN_PID go; only with wire::kListen.
  char* listen_pid() const { return base_ + header_->listen_pid; }
  template <class T>
  const T* items(wire::Span span) const {
    return reinterpret_cast<const T*>(base_ + span.offset);
  }
  char** argv() const { return reinterpret_cast<char**>(base_ + header_->argv.offset); }
  char** env() const { return reinterpret_cast<char**>(base_ + header_->env.offset); }

 private:
  bool whole() const;
  bool fits(wire::Span span, std::uint32_t item_size) const;
  void to_pointers(wire::Span span);

  char* base_ = nullptr;
  const wire::PlanHeader* header_ = nullptr;
};

}  // namespace ringfort::shim
