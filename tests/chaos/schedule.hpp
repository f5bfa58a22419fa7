// What a round does: a list of steps that depends on nothing but the seed.
#pragma once

#include <nlohmann/json.hpp>
#include <rapidcheck.h>

#include <cstdint>
#include <string>
#include <vector>

namespace ringfort::chaos {

enum class Verb {
  // of clients
  Create,
  Start,
  Stop,
  Kill,
  Term,
  Wait,
  Remove,
  ForceRemove,
  Inspect,
  Exec,
  Logs,
  // of operators
  KillSupervisor,
  KillClient,
  KillShim,
  KillMain,
  FreezeSupervisor,
  FreezeShim,
  FillDisk,
  Thief,
};
inline constexpr int kClients = 3;
inline constexpr Verb kFirstOperator = Verb::KillSupervisor;

std::string to_string(Verb verb);
inline bool is_operator(Verb verb) { return verb >= kFirstOperator; }

/// What a created container runs.
struct Program {
  int lines = 0;
  int life_ms = -1;  ///< -1: until it is ended
  int code = 0;
  bool wants_port = false;
  bool has_child = false;
  bool is_stubborn = false;  ///< heeds no TERM
  bool is_confined = false;  ///< level landlock, else namespaces
  bool operator==(const Program&) const = default;
};

struct Step {
  Verb verb = Verb::Inspect;
  int client = 0;
  std::string name;            ///< of the container
  bool by_supervisor = false;  ///< asked of the living supervisor, else a command of its own
  Program program;             ///< of a create
  int pause_ms = 0;            ///< before the step
  int which = 0;               ///< operators: of the processes there are
  int hold_ms = 0;             ///< operators: how long it lasts
  bool operator==(const Step&) const = default;
};

using Schedule = std::vector<Step>;

nlohmann::json to_json(const Step& step);

/// Of `count` steps.
/// What it shrinks to has fewer of them, and none that was not there.
rc::Shrinkable<Schedule> schedule(std::uint64_t seed, int count);

}  // namespace ringfort::chaos
