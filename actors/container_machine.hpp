// The life of one container as a table: (state, event) -> (state, effects). Pure; the actor feeds
// it and carries out the effects. Says nothing about how.
#pragma once

#include "ringfort/specs/status.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace ringfort::actors {

/// What happens to a container. Calls may be refused; news are ignored where no row knows them.
enum class Event : std::uint8_t {
  // calls
  Create,
  Start,
  Stop,
  Kill,
  Pause,
  Unpause,
  Exec,
  ReadStats,
  Wait,
  Remove,
  Shutdown,
  // news of the files
  Built,
  BuildFailed,
  Discarded,
  DiscardFailed,
  // news of a run; each carries its generation
  Opened,
  Launched,
  Began,
  StartFailed,
  Ended,
  FreezeFailed,
  OverLimit,
  KillOverdue,
  // news of the restart policy
  RestartPlanned,
  RestartGivenUp,
  RestartDue,
};
inline constexpr std::size_t kCallCount = 11;
inline constexpr std::size_t kEventCount = 26;
inline constexpr std::size_t kStateCount = 11;

enum class Effect : std::uint8_t {
  None,
  Build,    ///< make the files (again)
  Open,     ///< open descriptors for a run
  Launch,   ///< ask the zygote for a shim
  StopRun,  ///< TERM, then KILL; a timer tells when even that did not help
  SignalRun,
  KillTree,       ///< KILL the whole tree; same timer
  KillForMemory,  ///< as KillTree, recorded as oom
  FreezeRun,
  ThawRun,
  RunExec,
  MeasureRun,
  Guard,  ///< put the tree into the watchdog's care
  Unguard,
  StoreExit,    ///< keep the record, tell watchers, answer all who wait
  KeepWaiting,  ///< queue the call until the record exists
  AnswerCreate,
  AnswerStart,
  AnswerStop,
  AnswerRemove,  ///< with an error: the files or the tree resist
  AnswerWait,
  Discard,  ///< remove the files
  Quit,     ///< the actor ends; every open call is answered
};

inline constexpr std::size_t kMaxEffects = 4;
using Effects = std::array<Effect, kMaxEffects>;

struct Row {
  State from;
  Event on;
  State to;
  Effects effects;
};

/// The whole table, in reading order.
std::span<const Row> rows();

/// A container at one moment.
struct Machine {
  State state = State::Creating;
  std::uint32_t generation = 0;  ///< of the last start
  std::uint32_t ended = 0;       ///< the last one whose record is stored
  bool alive = false;            ///< a shim of this generation exists
  bool leaving = false;          ///< shutting down: nothing keeps the actor but a living tree
  bool keep_files = false;       ///< then: what is on disk stays
  bool gone = false;
  bool operator==(const Machine&) const = default;
};

struct Refusal {
  std::string_view fact;    ///< "is running"
  std::string_view remedy;  ///< "stop it first"
};

struct Step {
  Machine next;
  Effects effects{};
  std::optional<Refusal> refusal;
};

/// `generation` matters for news of a run only: a stale one changes nothing.
Step step(const Machine& machine, Event event, std::uint32_t generation = 0);

/// A container that was found on disk. `state` is Created, Running, Paused, Exited or Failed.
Machine found_as(State state);

/// What the end of its runtime means for a container.
enum class Farewell { KillAndDiscard, KillAndKeepFiles, LetRun };
Step shut_down(Machine machine, Farewell farewell);

constexpr bool is_call(Event event) { return static_cast<std::size_t>(event) < kCallCount; }
constexpr bool is_about_a_run(Event event) {
  return event >= Event::Opened && event <= Event::KillOverdue;
}

std::string_view to_string(Event event);
std::string_view to_string(Effect effect);

/// The table as Markdown, for the documentation.
std::string machine_markdown();

}  // namespace ringfort::actors
