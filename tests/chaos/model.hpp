// What the answers about one container may be. Several clients ask at once and programs end when
// they like, so the model keeps every condition the container may be in, with what each pending
// request has done in it so far; an answer that none of them explains is a violation. Pure.
#pragma once

#include "schedule.hpp"

#include <compare>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace ringfort::chaos {

enum class Phase { Absent, Created, Running, Exited };

/// Ways in which a run may end, as bits.
enum End : unsigned {
  kOwnCode = 1,
  kByTerm = 2,
  kByKill = 4,
  kLost = 8,  ///< its shim was killed
  kNoStart = 16,
};

struct Condition {
  Phase phase = Phase::Absent;
  int life = 0;         ///< the create that made it
  int run = 0;          ///< the start that began it
  unsigned ends = 0;    ///< Running: those that are possible; Exited: the one that was
  bool doomed = false;  ///< Running: must end
  /// How the run before ended, 0 if there was none. A start that never came to a shim has `failed`
  /// only for the runtime that tried; for others the container is what it was.
  unsigned before = 0;
  auto operator<=>(const Condition&) const = default;
};

struct Answer {
  enum Kind { Ok, NotFound, Refused, Code, Seen, Failed, Interrupted } kind = Ok;
  int code = 0;         ///< of Code
  Condition condition;  ///< of Seen
  auto operator<=>(const Answer&) const = default;
};

/// A request of a client, or what an operator does to a container.
struct Request {
  int id = 0;
  Verb verb = Verb::Inspect;
  int life = 0;                ///< Create: its life. KillShim, KillMain: the life that is hit
  Program program;             ///< Create
  bool is_idempotent = false;  ///< a removal of the library: no question before it
  bool is_spoilt = false;      ///< began under a fault
};

class Model {
 public:
  void begin(const Request& request);
  /// False if the answer can't be. `excused` = a fault may have spoilt it: a failure is believed.
  [[nodiscard]] bool end(int id, const Answer& answer, bool excused);
  /// Of a request whose maker was killed: what it may still have caused has happened by now.
  void forget(int id);
  /// Somebody else holds the container: this request may be refused.
  void contest(int id) { overlapped_.insert(id); }
  /// A fault is at work: what is pending now may fail half-way.
  void spoil();

  std::set<Condition> conditions() const;
  const Program* program(int life) const;
  /// May a run of this life have been cut short, or may its start have failed?
  bool was_hurt(int life) const { return hurt_.contains(life); }

 private:
  struct Progress {
    int stage = 0;
    std::optional<Answer> answer;
    auto operator<=>(const Progress&) const = default;
  };
  struct Config {
    Condition now;
    std::map<int, Progress> pending;
    auto operator<=>(const Config&) const = default;
  };
  using Moves = std::vector<std::pair<Condition, Progress>>;

  void close();
  Moves moves(const Request& request, const Condition& now, const Progress& progress) const;
  Moves first_moves(const Request& request, const Condition& now) const;
  Moves later_moves(const Request& request, const Condition& now) const;
  bool explains(const Answer& predicted, const Answer& given) const;
  int code_of(const Condition& ended) const;

  std::set<Config> configs_{Config{}};
  std::map<int, Request> requests_;  ///< pending ones, with those of the killed
  std::set<int> interrupted_;
  std::set<int> overlapped_;  ///< others were at work on the container meanwhile
  std::map<int, Program> programs_;
  std::set<int> hurt_;
};

std::string to_string(const Condition& condition);

}  // namespace ringfort::chaos
