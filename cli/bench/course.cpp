#include "ringfort/cli/bench/course.hpp"

#include <algorithm>

namespace ringfort::cli {
namespace {

constexpr std::size_t kMostRounds = 3;
/// Starts tell a median and a tail with fewer lives than a rate needs.
constexpr std::size_t kStartsShare = 4;

bool takes_part(const Contender& contender, std::size_t in_flight) {
  return contender.entrant.refusal.empty() && in_flight <= contender.most_in_flight;
}

void run_batch(const Course& course, const Contender& contender, std::size_t lives,
               Nanoseconds budget, Cell& cell) {
  cell.lives.add(contender.live({lives, cell.in_flight, budget * 3 / 4, course.stop}, Stamp::None));
  const auto starts = std::max(cell.in_flight, lives / kStartsShare);
  cell.starts.add(
      contender.live({starts, cell.in_flight, budget / 4, course.stop}, Stamp::Written));
}

}  // namespace

Rounds rounds_of(std::size_t lives, std::size_t in_flight) {
  const auto all = std::max(lives, in_flight);
  const auto count = std::clamp<std::size_t>(all / (2 * in_flight), 1, kMostRounds);
  return {count, all};
}

std::vector<Entrant> run_course(const Course& course, const std::vector<Contender>& contenders,
                                const Progress& progress) {
  std::vector<Entrant> entrants;
  entrants.reserve(contenders.size());
  for (const auto& contender : contenders) entrants.push_back(contender.entrant);
  std::size_t all = 0;
  for (const auto in_flight : course.in_flight)
    all += rounds_of(course.lives, in_flight).count *
           static_cast<std::size_t>(std::ranges::count_if(
               contenders, [&](const auto& one) { return takes_part(one, in_flight); }));

  std::size_t done = 0;
  for (const auto in_flight : course.in_flight) {
    const auto rounds = rounds_of(course.lives, in_flight);
    std::vector<Cell> cells(contenders.size(), Cell{in_flight, {}, {}});
    for (std::size_t round = 0; round < rounds.count; ++round)
      for (std::size_t i = 0; i < contenders.size() && !course.stop.stop_requested(); ++i) {
        if (!takes_part(contenders[i], in_flight)) continue;
        progress(done++, all,
                 contenders[i].entrant.name + ", " + std::to_string(in_flight) + " at once");
        run_batch(course, contenders[i], rounds.lives_of(round),
                  course.budget / static_cast<std::int64_t>(rounds.count), cells[i]);
      }
    for (std::size_t i = 0; i < contenders.size(); ++i)
      if (!cells[i].lives.rounds.empty()) entrants[i].cells.push_back(std::move(cells[i]));
  }
  return entrants;
}

}  // namespace ringfort::cli
