#pragma once

#include "measure.hpp"

namespace ringfort::bench {

/// {"ringfort_ms", "by_hand_ms"}: medians of what the overlay over `image`, a directory with a
/// /noop, adds to the life of a no-op, and of mount(2) by hand; in turns. {"refusal"} where that
/// can't be. A difference of two short lives: it takes some hundred rounds.
cli::Json overlay_beside_hand(const std::string& image, std::size_t rounds,
                              const std::string& base);

}  // namespace ringfort::bench
