// Sizes and durations as people write them. Exact; overflow and unknown units are errors.
#pragma once

#include "ringfort/specs/result.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace ringfort {

/// A number of bytes.
struct Bytes {
  std::uint64_t count = 0;
  auto operator<=>(const Bytes&) const = default;
};

/// Microsecond durations: the resolution of every time in ringfort.
using Duration = std::chrono::microseconds;

/// "512", "512Ki|Mi|Gi|Ti|Pi" (1024), "512k|K|M|G|T|P" (1000), each also with a final "B".
/// A decimal fraction ("1.5Gi") is taken when it is a whole number of bytes. Error: InvalidSpec.
Result<Bytes> parse_bytes(std::string_view text);

/// Shortest exact binary form: 512Mi, 1Gi, 1500.
std::string to_string(Bytes bytes);

/// "500ms", "30s", "1m 30s", "2h", "1d", "10us"; a bare number is an error (no unit) but for "0".
Result<Duration> parse_duration(std::string_view text);

/// Shortest exact form: 1m30s, 500ms.
std::string to_string(Duration duration);

}  // namespace ringfort
