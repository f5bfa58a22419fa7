// Whole lives of a program, many at once: through the runtime, and as processes of the host.
#pragma once

#include "ringfort/api/runtime.hpp"
#include "ringfort/cli/bench/host_program.hpp"
#include "ringfort/cli/bench/samples.hpp"

#include <functional>
#include <memory>
#include <stop_token>
#include <string>

namespace ringfort::cli {

struct Load {
  std::size_t lives = 0;
  std::size_t in_flight = 1;  ///< threads, each with one life at a time
  Nanoseconds budget{};       ///< no life begins later than that; 0 = no bound
  std::stop_token stop;       ///< nor after this
};

/// One life by its number.
using Life = std::function<Result<LifeTimes>(std::size_t number)>;
Figures run_lives(const Load& load, const Life& life);

/// Whether the program writes the time of its first instruction to stdout (programs/stamp.c).
enum class Stamp { None, Written };

/// posix_spawn and the wait for its end, which must be code 0.
Result<LifeTimes> host_life(HostProgram program, Stamp stamp);

/// Of `program` alone, with nothing around it.
Figures bare_lives(const std::string& program, const Load& load, Stamp stamp = Stamp::None);

/// What each container of a batch has.
struct ContainerKind {
  std::shared_ptr<const specs::Service> service;
  Durability durability = Durability::Process;
  Stamp stamp = Stamp::None;
};

/// create, start, wait, remove.
Figures runtime_lives(Runtime& runtime, const ContainerKind& kind, const Load& load);

}  // namespace ringfort::cli
