// One line of /proc/<pid>/stat. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include <sys/types.h>

namespace ringfort::platform {

struct ProcStat {
  pid_t pid = 0;
  pid_t parent = 0;
  char state = 0;
  std::uint64_t own_ticks = 0;     ///< user + system
  std::uint64_t reaped_ticks = 0;  ///< of children waited for, and of theirs
  std::int64_t threads = 0;
  std::uint64_t start_ticks = 0;

  bool is_zombie() const { return state == 'Z'; }
  /// Dead, with no thread left. A leader may be dead while its threads run on.
  bool is_gone() const { return state == 'X' || (is_zombie() && threads <= 1); }
};

/// The name in it is the program's to choose: spaces, parentheses, line feeds. Empty when the text
/// is no whole line of this form.
std::optional<ProcStat> parse_proc_stat(std::string_view text);

}  // namespace ringfort::platform
