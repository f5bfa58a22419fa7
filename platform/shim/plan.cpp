#include "ringfort/platform/shim/plan.hpp"

#include "ringfort/platform/shim/sys.hpp"

#include <linux/filter.h>
#include <sys/mman.h>
#include <sys/stat.h>

namespace ringfort::shim {

long Plan::map(int plan_fd) {
  struct stat status {};
  if (::fstat(plan_fd, &status) != 0) return -errno;
  const auto size = static_cast<std::size_t>(status.st_size);
  if (size < sizeof(wire::PlanHeader)) return -EBADMSG;
  // Private and writable: argv and env slots become pointers in this process's copy only.
  void* memory = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE, plan_fd, 0);
  if (memory == MAP_FAILED) return -errno;
  base_ = static_cast<char*>(memory);
  header_ = reinterpret_cast<const wire::PlanHeader*>(base_);
  if (header_->size != size || !whole()) {
    ::munmap(base_, size);
    base_ = nullptr;
    header_ = nullptr;
    return -EBADMSG;
  }
  to_pointers(header_->argv);
  to_pointers(header_->env);
  return 0;
}

void Plan::unmap() {
  if (base_ != nullptr) ::munmap(base_, header_->size);
  base_ = nullptr;
  header_ = nullptr;
}

bool Plan::fits(wire::Span span, std::uint32_t item_size) const {
  const std::uint64_t end = span.offset + std::uint64_t{span.count} * item_size;
  return span.offset >= sizeof(wire::PlanHeader) && end <= header_->size;
}

bool Plan::whole() const {
  // The last byte ends the last string, so that no text runs out of the mapping.
  const bool has_room =
      (header_->flags & wire::kListen) == 0 ||
      (header_->listen_pid >= sizeof(wire::PlanHeader) &&
       std::uint64_t{header_->listen_pid} + wire::kPidDigits + 1 <= header_->size);
  return has_room && header_->magic == wire::kPlanMagic &&
         header_->version == wire::kProtocolVersion && base_[header_->size - 1] == '\0' &&
         fits(header_->argv, 8) && fits(header_->env, 8) &&
         fits(header_->candidates, sizeof(wire::Text)) &&
         fits(header_->mounts, sizeof(wire::MountStep)) &&
         fits(header_->file_rules, sizeof(wire::FileRule)) &&
         fits(header_->port_rules, sizeof(wire::PortRule)) &&
         fits(header_->limits, sizeof(wire::ResourceLimit)) &&
         (!has(wire::kRelay) || (fits(header_->relay_ports, sizeof(wire::RelayPort)) &&
                                 header_->relay_ports.count <= wire::kMaxRelayPorts)) &&
         fits(header_->seccomp, sizeof(sock_filter));
}

void Plan::to_pointers(wire::Span span) {
  auto* slots = reinterpret_cast<std::uint64_t*>(base_ + span.offset);
  for (std::uint32_t i = 0; i + 1 < span.count; ++i)
    slots[i] = reinterpret_cast<std::uint64_t>(base_ + (slots[i] % header_->size));
  if (span.count > 0) slots[span.count - 1] = 0;
}

}  // namespace ringfort::shim
