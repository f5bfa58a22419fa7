// The three pictures of a bench.
#pragma once

#include "ringfort/cli/bench/chart.hpp"
#include "ringfort/cli/bench/results.hpp"

#include <string>
#include <vector>

namespace ringfort::cli {

struct Picture {
  std::string suffix;  ///< "throughput", "start" or "memory"
  Chart chart;
};

/// Those there are figures for. Pure.
std::vector<Picture> pictures(const BenchResults& results);

/// "a/bench-start.svg" of "a/bench.svg" and "start". Pure.
std::string picture_path(const std::string& file, const std::string& suffix);

/// Draws them with gnuplot where it is installed and works, else by our own hand; answers with the
/// files.
Result<std::vector<std::string>> draw(const BenchResults& results, const std::string& file);

}  // namespace ringfort::cli
