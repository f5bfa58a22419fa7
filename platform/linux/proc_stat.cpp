#include "ringfort/platform/linux/proc_stat.hpp"

#include <array>
#include <charconv>

namespace ringfort::platform {
namespace {

/// Takes the next number off `text`, which is one blank away; fails without one.
bool next_number(std::string_view& text, std::int64_t& value) {
  if (!text.starts_with(' ')) return false;
  const auto* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data() + 1, end, value);
  if (parsed.ec == std::errc::result_out_of_range)
    value = 0;  // rlimits and the like, not ours
  else if (parsed.ec != std::errc())
    return false;
  text.remove_prefix(static_cast<std::size_t>(parsed.ptr - text.data()));
  return true;
}

}  // namespace

std::optional<ProcStat> parse_proc_stat(std::string_view text) {
  ProcStat stat;
  const auto name_begin = text.find(" (");
  const auto name_end = text.rfind(") ");
  if (name_begin == text.npos || name_end == text.npos || name_end < name_begin) return {};
  const auto pid = std::from_chars(text.data(), text.data() + name_begin, stat.pid);
  if (pid.ec != std::errc() || pid.ptr != text.data() + name_begin) return {};
  text.remove_prefix(name_end + 2);
  if (text.empty()) return {};
  stat.state = text.front();
  text.remove_prefix(1);
  // proc(5) counts from 1 with the pid; the state is field 3.
  std::array<std::int64_t, 23> field{};
  for (std::size_t i = 4; i < field.size(); ++i) {
    if (!next_number(text, field[i])) return {};
  }
  stat.parent = static_cast<pid_t>(field[4]);
  stat.own_ticks = static_cast<std::uint64_t>(field[14] + field[15]);
  stat.reaped_ticks = static_cast<std::uint64_t>(field[16] + field[17]);
  stat.threads = field[20];
  stat.start_ticks = static_cast<std::uint64_t>(field[22]);
  return stat;
}

}  // namespace ringfort::platform
