#include "ringfort/platform/syscall_table.hpp"

#include <algorithm>

namespace ringfort::platform {
namespace {

constexpr SyscallRow kRows[] = {
#include <syscall_rows.inc>
};

constexpr bool all_fit() {
  return std::ranges::all_of(kRows, [](const SyscallRow& row) {
    constexpr auto end = static_cast<int>(kSyscallNumbers);
    return row.x86_64 < end && row.aarch64 < end;
  });
}
static_assert(all_fit());

}  // namespace

std::span<const SyscallRow> syscall_table() { return kRows; }

}  // namespace ringfort::platform
