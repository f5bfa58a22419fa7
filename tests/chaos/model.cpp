#include "model.hpp"

#include <algorithm>
#include <deque>

namespace ringfort::chaos {
namespace {

constexpr Answer kOk{Answer::Ok, 0, {}};
constexpr Answer kNotFound{Answer::NotFound, 0, {}};
constexpr Answer kRefused{Answer::Refused, 0, {}};
constexpr Answer kFailed{Answer::Failed, 0, {}};

Answer code(int code) { return {Answer::Code, code, {}}; }

bool changes(Verb verb) {
  return verb != Verb::Inspect && verb != Verb::Logs && verb != Verb::Wait && verb != Verb::Exec;
}

Condition dying(Condition now, unsigned ends) {
  now.ends |= ends;
  now.doomed = true;
  return now;
}

}  // namespace

void Model::begin(const Request& request) {
  if (request.verb == Verb::Create) programs_[request.life] = request.program;
  const auto id = request.id;
  for (const auto& [other, its] : requests_) {
    if (changes(its.verb)) overlapped_.insert(id);
    if (changes(request.verb)) overlapped_.insert(other);
  }
  requests_[id] = request;
  std::set<Config> configs;
  for (auto config : configs_) {
    config.pending[id] = {};
    configs.insert(std::move(config));
  }
  configs_ = std::move(configs);
  close();
}

bool Model::end(int id, const Answer& answer, bool excused) {
  if (answer.kind == Answer::Interrupted) {
    // It may have been told to others, who do it now.
    interrupted_.insert(id);
    return true;
  }
  close();
  const bool may_be_refused = answer.kind == Answer::Refused && overlapped_.contains(id);
  const bool may_fail = answer.kind == Answer::Failed && (excused || overlapped_.contains(id));
  const bool is_of_library = requests_[id].is_idempotent;
  std::set<Config> configs;
  for (auto config : configs_) {
    const auto progress = config.pending.at(id);
    config.pending.erase(id);
    // A removal of the library ends one run; whoever starts another in between gets the better of
    // it.
    const bool is_untouched =
        progress.stage == 0 || (is_of_library && config.now.phase == Phase::Running);
    const bool fits =
        progress.answer ? explains(*progress.answer, answer) : may_be_refused && is_untouched;
    if (fits || may_fail) configs.insert(std::move(config));
  }
  requests_.erase(id);
  overlapped_.erase(id);
  if (configs.empty()) {  // said once: go on from what can be
    for (auto config : configs_) {
      config.pending.erase(id);
      configs.insert(std::move(config));
    }
    configs_ = std::move(configs);
    return false;
  }
  configs_ = std::move(configs);
  return true;
}

void Model::forget(int id) {
  if (interrupted_.erase(id) == 0) return;
  close();
  std::set<Config> configs;
  for (auto config : configs_) {
    config.pending.erase(id);
    configs.insert(std::move(config));
  }
  configs_ = std::move(configs);
  requests_.erase(id);
  overlapped_.erase(id);
}

void Model::spoil() {
  for (auto& [id, request] : requests_) request.is_spoilt = true;
}

std::set<Condition> Model::conditions() const {
  std::set<Condition> found;
  for (const auto& config : configs_) found.insert(config.now);
  return found;
}

const Program* Model::program(int life) const {
  const auto found = programs_.find(life);
  return found == programs_.end() ? nullptr : &found->second;
}

/// Adds all that may have happened since: ends of programs, steps of pending requests.
void Model::close() {
  std::deque<Config> todo(configs_.begin(), configs_.end());
  const auto add = [&](Config config) {
    if (configs_.insert(config).second) todo.push_back(std::move(config));
  };
  for (; !todo.empty(); todo.pop_front()) {
    const auto config = todo.front();
    if (config.now.phase == Phase::Running)
      for (const unsigned end : {kOwnCode, kByTerm, kByKill, kLost, kNoStart}) {
        if ((config.now.ends & end) == 0) continue;
        auto ended = config;
        ended.now = {Phase::Exited, config.now.life, config.now.run,
                     end,           false,           end == kNoStart ? config.now.before : 0};
        add(std::move(ended));
      }
    for (const auto& [id, progress] : config.pending) {
      if (progress.answer) continue;
      for (auto& [now, next] : moves(requests_.at(id), config.now, progress)) {
        auto moved = config;
        moved.now = now;
        moved.pending[id] = next;
        if (now.ends & (kByTerm | kByKill | kLost | kNoStart)) hurt_.insert(now.life);
        add(std::move(moved));
      }
    }
  }
}

Model::Moves Model::moves(const Request& request, const Condition& now,
                          const Progress& progress) const {
  return progress.stage == 0 ? first_moves(request, now) : later_moves(request, now);
}

/// The step at which a request meets the container.
Model::Moves Model::first_moves(const Request& request, const Condition& now) const {
  const auto answer = [&](const Answer& given) { return Moves{{now, {0, given}}}; };
  const bool absent = now.phase == Phase::Absent, running = now.phase == Phase::Running;
  const auto* program = this->program(now.life);
  switch (request.verb) {
    case Verb::Create:
      if (!absent) return answer(kRefused);
      return {{{Phase::Created, request.life, 0, 0, false, 0}, {0, kOk}}};
    case Verb::Start: {
      if (absent) return answer(kNotFound);
      if (running) return answer(kRefused);
      const bool ends = program->life_ms >= 0;
      const unsigned how = (ends ? kOwnCode : 0u) | (request.is_spoilt ? kNoStart : 0u);
      const unsigned before = now.ends == kNoStart ? now.before : now.ends;
      return {{{Phase::Running, now.life, request.id, how, ends, before}, {1, {}}}};
    }
    case Verb::Stop:
    case Verb::Term: {
      if (absent) return answer(kNotFound);
      const bool stops = request.verb == Verb::Stop;
      if (!running) return answer(stops ? kOk : kRefused);
      unsigned how = program->is_stubborn ? 0u : kOwnCode | kByTerm;
      if (stops) how |= kByKill;
      // A stubborn program may get its TERM before it has said that it heeds none.
      if (program->is_stubborn) how |= kByTerm;
      auto next = now;
      next.ends |= how;
      next.doomed = now.doomed || stops || !program->is_stubborn;
      return {{next, stops ? Progress{1, {}} : Progress{0, kOk}}};
    }
    case Verb::Kill:
      if (absent) return answer(kNotFound);
      if (!running) return answer(kRefused);
      return {{dying(now, kByKill), {0, kOk}}};
    case Verb::Wait: {
      if (absent) return answer(kNotFound);
      if (now.phase != Phase::Exited) return {{now, {1, {}}}};
      Moves moves = answer(code(code_of(now)));
      if (now.ends != kNoStart) return moves;
      auto before = now;
      before.ends = now.before;
      if (now.before == 0)
        moves.push_back({now, {1, {}}});
      else
        moves.push_back({now, {0, code(code_of(before))}});
      return moves;
    }
    case Verb::Remove:
    case Verb::ForceRemove: {
      if (absent) {
        auto moves = answer(request.is_idempotent ? kOk : kNotFound);
        // It was there when this one looked; somebody else has removed it since.
        if (overlapped_.contains(request.id)) moves.push_back({now, {0, kOk}});
        return moves;
      }
      if (!running) return {{Condition{}, {0, kOk}}};
      if (request.verb == Verb::Remove && !request.is_idempotent) return answer(kRefused);
      return {{dying(now, kByKill), {1, {}}}};
    }
    case Verb::Inspect:
      return answer(absent ? kNotFound : Answer{Answer::Seen, 0, now});
    case Verb::Exec:
      if (absent) return answer(kNotFound);
      if (!running) return answer(kRefused);
      return {{now, {1, {}}}};
    case Verb::Logs:
      return answer(absent ? kNotFound : kOk);
    case Verb::KillShim:
    case Verb::KillMain:
      if (!running || now.life != request.life) return answer(kOk);
      return {{dying(now, request.verb == Verb::KillShim ? kLost : kByKill), {0, kOk}}};
    default:
      return answer(kOk);
  }
}

/// Steps of requests that take their time.
Model::Moves Model::later_moves(const Request& request, const Condition& now) const {
  const bool absent = now.phase == Phase::Absent, running = now.phase == Phase::Running;
  switch (request.verb) {
    case Verb::Start: {
      Moves moves{{now, {1, kOk}}};
      if (running && now.run == request.id) {  // cut off on its way
        if (interrupted_.contains(request.id)) moves.push_back({dying(now, kLost), {1, kOk}});
        if (request.is_spoilt) moves.push_back({dying(now, kNoStart), {1, kFailed}});
      }
      // Killed while it began, or removed.
      if (absent || (now.ends & (kByKill | kByTerm | kLost | kNoStart))) {
        moves.push_back({now, {1, kFailed}});
        moves.push_back({now, {1, kRefused}});
        moves.push_back({now, {1, kNotFound}});
      }
      return moves;
    }
    case Verb::Stop:
      if (running) return {};
      return {{now, {1, kOk}}};
    case Verb::Wait:
      if (now.phase == Phase::Exited) return {{now, {1, code(code_of(now))}}};
      // Known: who waits in another process than the remover's may find the end's record gone, too.
      if (absent) return {{now, {1, kRefused}}, {now, {1, kNotFound}}, {now, {1, code(255)}}};
      return {};
    case Verb::Remove:
    case Verb::ForceRemove:
      if (running) return {};
      return {{Condition{}, {1, kOk}}};
    case Verb::Exec: {
      Moves moves{{now, {1, code(4)}}};
      // It dies with its container.
      if (!running || now.ends != 0) {
        moves.push_back({now, {1, kFailed}});
        moves.push_back({now, {1, kRefused}});
        moves.push_back({now, {1, code(137)}});
      }
      return moves;
    }
    default:
      return {};
  }
}

bool Model::explains(const Answer& predicted, const Answer& given) const {
  if (given.kind != Answer::Seen || predicted.kind != Answer::Seen)
    return predicted.kind == given.kind && predicted.code == given.code;
  const auto& is = predicted.condition;
  const auto& seen = given.condition;
  if (is.life != seen.life) return false;
  if (is.phase != Phase::Exited) return is.phase == seen.phase;
  if (is.ends == kNoStart && seen.ends == is.before)
    return seen.phase == (is.before == 0 ? Phase::Created : Phase::Exited);
  return seen.phase == Phase::Exited && is.ends == seen.ends;
}

int Model::code_of(const Condition& ended) const {
  switch (ended.ends) {
    case kByTerm:
      return 143;
    case kByKill:
      return 137;
    case kLost:
      return 255;
    case kNoStart:
      return 125;
    default:
      return program(ended.life)->code;
  }
}

std::string to_string(const Condition& condition) {
  static constexpr const char* kPhases[] = {"absent", "created", "running", "exited"};
  std::string text = kPhases[static_cast<int>(condition.phase)];
  if (condition.phase == Phase::Absent) return text;
  text += " life " + std::to_string(condition.life);
  if (condition.run != 0) text += " run " + std::to_string(condition.run);
  static constexpr std::pair<unsigned, const char*> kEnds[] = {{kOwnCode, " own code"},
                                                               {kByTerm, " term"},
                                                               {kByKill, " kill"},
                                                               {kLost, " lost"},
                                                               {kNoStart, " no start"}};
  for (const auto& [end, word] : kEnds)
    if (condition.ends & end) text += word;
  return text + (condition.doomed ? " doomed" : "");
}

}  // namespace ringfort::chaos
