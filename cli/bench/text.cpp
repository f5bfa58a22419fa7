#include "ringfort/cli/bench/text.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

namespace ringfort::cli {
namespace {

std::string number(double value, int digits) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.*f", digits, value);
  return text.data();
}

std::string three_digits(double value) {
  return number(value, value < 10 ? 2 : value < 100 ? 1 : 0);
}

std::string ratio(const Cell& cell, const Cell* to) {
  if (to == nullptr || to->lives.per_second() <= 0) return "-";
  return number(cell.lives.per_second() / to->lives.per_second(), 2);
}

std::string time_text(const Samples& samples, double share) {
  return samples.empty() ? "-" : milliseconds_text(percentile(samples, share));
}

std::string memory_text(std::uint64_t bytes) {
  return three_digits(static_cast<double>(bytes) / (1 << 20));
}

constexpr Nanoseconds kFirstStep{32'000};

/// Where the scale's step of `time` is: 0 = below the first, then doubling.
std::size_t step_of(Nanoseconds time) {
  std::size_t step = 0;
  for (auto edge = kFirstStep; time >= edge && step < 40; edge *= 2) ++step;
  return step;
}

std::string bar(std::size_t count, std::size_t most, std::size_t width, Bars bars) {
  const auto full = static_cast<std::size_t>(
      std::ceil(static_cast<double>(count * width) / static_cast<double>(most)));
  std::string text;
  for (std::size_t i = 0; i < full; ++i) text += bars == Bars::Blocks ? "█" : "#";
  return text;
}

std::string padded(const std::string& text, std::size_t width) {
  return std::string(width - std::min(width, columns_of(text)), ' ') + text;
}

std::string failure_line(const Entrant& entrant, const Cell& cell, const Figures& figures) {
  if (figures.failures == 0) return {};
  return entrant.name + ", " + std::to_string(cell.in_flight) +
         " at once: " + std::to_string(figures.failures) +
         " failed; the first: " + figures.first_error + "\n";
}

}  // namespace

std::string milliseconds_text(Nanoseconds time) { return three_digits(microseconds(time) / 1000); }

std::string entrants_text(const BenchResults& results, const Paint& paint) {
  std::string text;
  for (const auto& entrant : results.entrants) {
    text += paint(Colour::Cyan, entrant.name);
    if (!entrant.version.empty()) text += " (" + entrant.version + ")";
    text += "\n  " + entrant.command + "\n";
    if (!entrant.refusal.empty())
      text += "  " + paint(Colour::Yellow, "does not work here: ") + entrant.refusal + "\n";
  }
  return text;
}

Table results_table(const BenchResults& results) {
  Table table{{"J", "WHO", "LIVES/S", "/BARE", "/RINGFORT", "P50", "P99", "START", "P99", "FAIL"}};
  for (const auto in_flight : in_flights(results)) {
    const auto* bare = find_cell(results, kBare, in_flight);
    const auto* ringfort = find_cell(results, kRingfort, in_flight);
    for (const auto& entrant : results.entrants) {
      const auto* cell = find_cell(results, entrant.name, in_flight);
      if (cell == nullptr) continue;
      const auto& took = cell->lives.took;
      const auto& first = cell->starts.first;
      table.add({std::to_string(in_flight), entrant.name, number(cell->lives.per_second(), 0),
                 ratio(*cell, bare), ratio(*cell, ringfort), time_text(took, 0.5),
                 time_text(took, 0.99), time_text(first, 0.5), time_text(first, 0.99),
                 std::to_string(cell->lives.failures + cell->starts.failures)});
    }
  }
  return table;
}

Table memory_table(const BenchResults& results) {
  Table table{{"LIVE", "SUPERVISOR RSS MiB", "PSS MiB", "ALL OF RINGFORT PSS MiB"}};
  for (const auto& point : results.memory)
    table.add({std::to_string(point.live), memory_text(point.supervisor_rss),
               memory_text(point.supervisor_pss), memory_text(point.all_pss)});
  return table;
}

std::string failures_text(const BenchResults& results) {
  std::string text;
  for (const auto& entrant : results.entrants)
    for (const auto& cell : entrant.cells)
      text += failure_line(entrant, cell, cell.lives) + failure_line(entrant, cell, cell.starts);
  return text;
}

std::string histogram(const Samples& samples, std::size_t width, Bars bars) {
  if (samples.empty()) return {};
  std::vector<std::size_t> counts(step_of(samples.back()) + 1);
  for (const auto sample : samples) ++counts[step_of(sample)];
  const auto most = std::ranges::max(counts);
  const std::size_t count_width = std::to_string(most).size();
  const std::size_t beside = 13 + count_width + 2;
  const std::size_t room = width > beside + 10 ? width - beside : 10;
  std::string text;
  for (std::size_t step = step_of(samples.front()); step < counts.size(); ++step) {
    const auto edge = kFirstStep * (std::int64_t{1} << step);
    text += padded("< " + milliseconds_text(edge) + " ms", 12) + " " +
            padded(std::to_string(counts[step]), count_width);
    if (counts[step] > 0) text += "  " + bar(counts[step], most, room, bars);
    text += "\n";
  }
  return text;
}

std::string progress_line(std::size_t done, std::size_t all, std::string_view text,
                          std::size_t width) {
  constexpr std::size_t kBar = 24;
  const auto full = all == 0 ? kBar : std::min(kBar, done * kBar / all);
  const auto percent = all == 0 ? 100 : std::min<std::size_t>(100, done * 100 / all);
  return fit("[" + std::string(full, '#') + std::string(kBar - full, '.') + "] " +
                 std::to_string(percent) + " %  " + std::string{text},
             width);
}

}  // namespace ringfort::cli
