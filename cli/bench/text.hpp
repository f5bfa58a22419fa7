// Bench results for people: the table, the histogram, who took part. Pure.
#pragma once

#include "ringfort/cli/bench/results.hpp"
#include "ringfort/cli/output/table.hpp"
#include "ringfort/cli/output/terminal.hpp"

#include <string>

namespace ringfort::cli {

/// Who takes part, with the command line of each, and who can't and why.
std::string entrants_text(const BenchResults& results, const Paint& paint);

/// A row for each contender at each number in flight; times in milliseconds.
Table results_table(const BenchResults& results);
Table memory_table(const BenchResults& results);

/// What went wrong, a line for each contender at each number in flight; empty = nothing.
std::string failures_text(const BenchResults& results);

/// What bars are drawn with: blocks on a terminal, else '#'.
enum class Bars { Blocks, Hashes };

/// How many samples took how long: a bar for each step of a scale that doubles. Empty for none.
std::string histogram(const Samples& samples, std::size_t width, Bars bars);

/// "[####....] 50 % text".
std::string progress_line(std::size_t done, std::size_t all, std::string_view text,
                          std::size_t width);

/// Three digits: 0.12, 4.6, 120.
std::string milliseconds_text(Nanoseconds time);

}  // namespace ringfort::cli
