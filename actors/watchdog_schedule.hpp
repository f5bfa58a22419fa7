// When to look at a tree's memory next, and what to do about what was seen. Pure.
#pragma once

#include "ringfort/specs/units.hpp"

#include <chrono>
#include <cstdint>

namespace ringfort::actors {

/// Page-touch rates of 0.5 to 0.8 GiB/s were measured for one core.
inline constexpr double kFastestGrowth = 0.8 * 1024 * 1024 * 1024;  // bytes a second
inline constexpr Duration kShortestPoll = std::chrono::milliseconds(20);
inline constexpr Duration kLongestPoll = std::chrono::seconds(1);

/// The time in which a tree that uses `used` could reach `limit` at the earliest, within bounds.
Duration next_poll(std::uint64_t used, Bytes limit);

/// The cheap figure counts pages shared by several processes once for each: it can only be too
/// high, so it clears a tree but never convicts it.
constexpr bool is_suspect(std::uint64_t cheap, Bytes limit) { return cheap > limit.count; }

}  // namespace ringfort::actors
