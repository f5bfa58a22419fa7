// The course of a bench: how many lives of whom in which order. Batches of all contenders
// alternate, so that whatever changes on the machine meets each of them.
#pragma once

#include "ringfort/cli/bench/contest.hpp"

#include <functional>

namespace ringfort::cli {

struct Course {
  std::size_t lives = 2000;
  std::vector<std::size_t> in_flight{1, 8, 64, 1000};
  Nanoseconds budget = std::chrono::seconds{3};  ///< of a contender at one number in flight
  std::stop_token stop;
};

/// How the lives at one number in flight are dealt out.
struct Rounds {
  std::size_t count = 1;
  std::size_t lives = 0;  ///< of all rounds
  std::size_t lives_of(std::size_t round) const {
    return lives * (round + 1) / count - lives * round / count;
  }
};
/// Up to three rounds, each long enough that all lives in flight are there twice; at least one life
/// for each in flight.
Rounds rounds_of(std::size_t lives, std::size_t in_flight);

/// Told before each batch.
using Progress = std::function<void(std::size_t done, std::size_t all, const std::string& text)>;

/// The entrants with all their cells.
std::vector<Entrant> run_course(const Course& course, const std::vector<Contender>& contenders,
                                const Progress& progress);

}  // namespace ringfort::cli
