// The subcommands of ringfort-bench: each measures one thing, prints words, or with --json one line
// of JSON, and answers with the exit code.
#pragma once

#include "ringfort/api/runtime.hpp"
#include "ringfort/cli/bench/workplace.hpp"
#include "ringfort/cli/output/json.hpp"
#include "ringfort/specs/run_options.hpp"

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

namespace ringfort::bench {

struct LifecycleAsked {
  std::size_t lives = 5000;
  std::size_t in_flight = 64;
  std::size_t warm_up = 3000;
  std::size_t runs = 1;
  std::string level = "landlock";
  std::string data_dir;  ///< empty = a directory of its own in TMPDIR, removed at the end
  std::string program;   ///< empty = the one that does nothing
  std::size_t workers = 0;
  bool with_full = false;
  bool is_json = false;
};
/// create, start, wait, remove, divided by the bare spawn.
int measure_lifecycle(const LifecycleAsked& asked);

struct CommandsAsked {
  std::size_t lives = 100;
  std::vector<std::string> lines;  ///< each cut at spaces
  bool is_json = false;
};
/// Commands of the host, one at a time and in turns.
int measure_commands(const CommandsAsked& asked);

struct WatchdogsAsked {
  std::size_t containers = 1000;
  std::size_t seconds = 10;
  std::size_t hogs = 5;
  std::size_t limit_mib = 256;
  std::size_t rate_mib = 500;  ///< a second
  std::string level = "landlock";
  bool is_json = false;
};
/// What the watching of many memory limits takes, and how soon one that is passed kills.
int measure_watchdogs(const WatchdogsAsked& asked);

struct ClonesAsked {
  std::size_t files = 2000;
  std::size_t mib = 100;
  std::size_t clones = 5;
  std::string base;  ///< a directory of the file system to measure; empty = TMPDIR
  std::string level = "landlock";
  bool is_json = false;
};
/// A container of a large image, beside cp -a, cp --reflink and one overlay mount of the same.
int measure_clones(const ClonesAsked& asked);

struct MessagesAsked {
  std::size_t messages = 100'000;
  std::size_t rounds = 3;
  bool is_json = false;
};
/// Questions of an actor to containers, through the supervisor, beside CAF's own request and
/// answer.
int measure_messages(const MessagesAsked& asked);

struct BurstAsked {
  std::size_t burst = 5000;
  std::size_t alone = 2000;
  std::string level = "landlock";
  bool is_json = false;
};
/// Starts of one caller, alone and beside a burst of another's.
int measure_burst(const BurstAsked& asked);

struct DensityAsked {
  std::size_t containers = 10'000;
  std::size_t asked = 1000;
  std::string level = "landlock";
  bool is_json = false;
};
/// Many that live at once, some of which must answer, and their memory.
int measure_density(const DensityAsked& asked);

/// Of one value at least.
double median(std::vector<double> values);

/// Prints the error.
int refuse(const Error& error);

/// `text` as a level; auto is none.
Result<Isolation> level_named(const std::string& text);

/// A runtime in the place, with the images noop and stamp.
Result<std::unique_ptr<Runtime>> open_runtime(const cli::Workplace& place, Isolation level);

/// A place below `base` (empty = TMPDIR) and its runtime, which goes first.
struct Stage {
  cli::Workplace place;
  std::unique_ptr<Runtime> runtime;
};
Result<Stage> open_stage(const std::string& level, const std::string& base = {});

}  // namespace ringfort::bench
