// What a bench has found, as values. Pure; table, chart and the verb show it.
#pragma once

#include "ringfort/cli/bench/samples.hpp"
#include "ringfort/cli/output/json.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace ringfort::cli {

struct Machine {
  std::string processor;
  std::size_t cores = 0;
  std::uint64_t memory_bytes = 0;
  std::string kernel;
  std::string file_system;  ///< under the containers
};

struct Cell {
  std::size_t in_flight = 0;
  Figures lives;   ///< of the program that does nothing
  Figures starts;  ///< of the one that stamps its first instruction
};

/// One way to start a program.
struct Entrant {
  std::string name;
  std::string command;  ///< as one would type it, or the calls
  std::string version;
  std::string refusal;  ///< why it can't be measured here; empty = it was
  std::vector<Cell> cells;
};

/// While so many containers of a program that sleeps live.
struct MemoryPoint {
  std::size_t live = 0;
  std::uint64_t supervisor_rss = 0;
  std::uint64_t supervisor_pss = 0;
  std::uint64_t all_pss = 0;  ///< supervisor, zygote and shims; not the programs
};

struct BenchResults {
  std::string version;  ///< ringfort's
  std::string level;
  Machine machine;
  std::vector<Entrant> entrants;
  std::vector<MemoryPoint> memory;
  std::string memory_refusal;  ///< why there is none
};

inline constexpr const char* kBare = "bare spawn";
inline constexpr const char* kRingfort = "ringfort";
inline constexpr const char* kRingfortNone = "ringfort none";
inline constexpr const char* kRingfortRun = "ringfort run";

/// Null when nobody of that name was measured at that number in flight.
const Cell* find_cell(const BenchResults& results, const std::string& name, std::size_t in_flight);
/// All that somebody was measured at, ascending.
std::vector<std::size_t> in_flights(const BenchResults& results);
std::size_t failures(const BenchResults& results);

/// "AMD EPYC, 2 cores, 24 GiB, Linux 6.18, ext4".
std::string to_string(const Machine& machine);

/// One figure a line: who,in_flight,live,figure,value,unit.
std::string to_csv(const BenchResults& results);
Json to_value(const BenchResults& results);

}  // namespace ringfort::cli
