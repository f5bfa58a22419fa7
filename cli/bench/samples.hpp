// Times of many lives, and what can be said of them. Pure.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace ringfort::cli {

using Nanoseconds = std::chrono::nanoseconds;
/// Sorted, the shortest first.
using Samples = std::vector<Nanoseconds>;

/// The sample below which `share` of them lie; zero when there are none.
Nanoseconds percentile(const Samples& samples, double share);

double microseconds(Nanoseconds time);

/// What one life told. Empty = nobody looked.
struct LifeTimes {
  std::optional<Nanoseconds> first;     ///< from its beginning to the program's first instruction
  std::optional<Nanoseconds> started;   ///< the same from the call of start
  std::optional<Nanoseconds> answered;  ///< from the program's stamp, its last act, to the answer
};

/// How a batch of lives went.
struct Figures {
  Samples took;  ///< whole lives that ended with code 0
  Samples first, started, answered;
  Nanoseconds elapsed{};
  std::size_t failures = 0;
  std::string first_error;     ///< of the first failure
  std::vector<double> rounds;  ///< lives per second of each batch that was added

  /// Lives that ended well.
  double per_second() const;
  /// Takes the figures of one more batch of the same kind in.
  void add(Figures more);
};

}  // namespace ringfort::cli
