#include "ringfort/actors/watchdog_schedule.hpp"

#include <algorithm>

namespace ringfort::actors {

Duration next_poll(std::uint64_t used, Bytes limit) {
  if (used >= limit.count) return kShortestPoll;
  double seconds = static_cast<double>(limit.count - used) / kFastestGrowth;
  double longest = std::chrono::duration<double>(kLongestPoll).count();
  auto wanted = std::chrono::duration_cast<Duration>(
      std::chrono::duration<double>(std::min(seconds, longest)));
  return std::clamp(wanted, kShortestPoll, kLongestPoll);
}

}  // namespace ringfort::actors
