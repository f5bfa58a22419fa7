// Whole lives of a no-op program, many at once: through the runtime, and with a bare posix_spawn.
#pragma once

#include "ringfort/api/runtime.hpp"

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

namespace ringfort::bench {

struct Load {
  std::size_t lives = 0;
  std::size_t in_flight = 1;  ///< threads, each with one life at a time
};

/// How a batch of lives went.
struct Figures {
  std::vector<std::chrono::nanoseconds> took;  ///< of each life, sorted
  std::chrono::nanoseconds elapsed{};
  std::string first_error;  ///< empty = all lives ended with code 0

  double per_second() const;
  std::chrono::nanoseconds percentile(double share) const;
};

/// posix_spawn and waitpid of `program`.
Figures bare_lives(const std::string& program, Load load);

/// create, start, wait, remove of containers of `service`.
Figures runtime_lives(Runtime& runtime, const specs::Service& service, Durability durability,
                      Load load);

}  // namespace ringfort::bench
