#include "round.hpp"

#include <algorithm>
#include <array>
#include <csignal>

#include <arpa/inet.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace ringfort::chaos {

using nlohmann::json;
using namespace std::chrono_literals;

namespace {

/// What a killed command has told a zygote or a shim is done by then: a stop kills after one
/// second.
constexpr auto kLateEffects = 1500ms;

json to_json(const std::set<Condition>& conditions) {
  json list = json::array();
  for (const auto& condition : conditions) list.push_back(to_string(condition));
  return list;
}

json to_json(const Reply& reply) {
  static constexpr const char* kKinds[] = {"ok",   "not found", "refused",    "code",
                                           "seen", "failed",    "interrupted"};
  json event{{"answer", kKinds[reply.answer.kind]}};
  if (reply.answer.kind == Answer::Code) event["code"] = reply.answer.code;
  if (reply.answer.kind == Answer::Seen) {
    event["seen"] = to_string(reply.answer.condition);
    if (reply.answer.condition.phase == Phase::Exited) event["code"] = reply.answer.code;
  }
  if (reply.port) event["port"] = *reply.port;
  if (!reply.text.empty()) event["text"] = reply.text;
  if (!reply.lines.empty()) event["lines"] = reply.lines.size();
  return event;
}

}  // namespace

struct Round::Hand {
  Hand(Round& round) : client(round.world_, round.supervisor_) {
    thread = std::thread([this, &round] {
      for (std::unique_lock lock(round.mutex_);;) {
        round.changed_.wait(lock, [&] { return step || is_over; });
        if (!step) return;
        lock.unlock();
        round.ask(number, *step, client);
        lock.lock();
        step.reset();
        round.changed_.notify_all();
      }
    });
  }
  Client client;
  std::optional<Step> step;
  int number = 0;
  bool is_over = false;
  std::thread thread;
};

Round::Round(const Schedule& schedule, History& history) : schedule_(schedule), history_(history) {
  for (int i = 0; i < kClients; ++i) hands_.push_back(std::make_unique<Hand>(*this));
}

Round::~Round() {
  {
    const std::lock_guard lock(mutex_);
    for (auto& hand : hands_) hand->is_over = true;
  }
  changed_.notify_all();
  for (auto& hand : hands_)
    if (hand->thread.joinable()) hand->thread.join();
}

Verdict Round::run() {
  for (const auto& step : schedule_) do_step(++next_number_, step);
  for (int i = 0; i < kClients; ++i) give(i, 0, {});
  release_due(true);
  history_.add({{"event", "quiet"}});
  forget_old(true);
  for (auto& [name, model] : models_) settle(name);
  for (auto& [name, model] : models_) compare(name);
  clean_up();
  return verdict_;
}

void Round::violate(const std::string& text) {
  history_.add({{"event", "VIOLATION"}, {"text", text}});
  const std::lock_guard lock(mutex_);
  verdict_.violations.push_back(text);
}

void Round::do_step(int number, const Step& step) {
  std::this_thread::sleep_for(std::chrono::milliseconds(step.pause_ms));
  release_due(false);
  forget_old(false);
  if (is_operator(step.verb))
    operate(number, step);
  else
    give(step.client, number, step);
  look_at_mains();
}

/// Waits until the client's hands are free; number 0 gives nothing.
void Round::give(int client, int number, const Step& step) {
  auto& hand = *hands_[static_cast<std::size_t>(client)];
  for (std::unique_lock lock(mutex_);;) {
    if (changed_.wait_for(lock, 20ms, [&] { return !hand.step; })) {
      if (number == 0) return;
      hand.step = step;
      hand.number = number;
      return changed_.notify_all();
    }
    lock.unlock();
    release_due(false);
    lock.lock();
  }
}

Reply Round::ask(int number, const Step& step, Client& client) {
  Request request;
  request.id = number;
  request.verb = step.verb;
  request.life = number;
  request.program = step.program;
  request.is_idempotent = step.by_supervisor;
  int fills = 0;
  bool was_supervised = false;
  {
    const std::lock_guard lock(mutex_);
    was_supervised = supervised_.contains(step.name);  // its supervisor may be killed meanwhile
    request.is_spoilt = is_full_;
    fills = is_full_ ? -1 : fills_;
    models_[step.name].begin(request);
    auto event = to_json(step);
    event["event"] = "begin";
    event["step"] = number;
    history_.add(event);
  }
  auto reply = client.ask(step, number);
  std::string violation = reply.violation;
  {
    const std::lock_guard lock(mutex_);
    auto& model = models_[step.name];
    const auto before = model.conditions();
    auto event = to_json(reply);
    event["event"] = "end";
    event["step"] = number;
    event["do"] = to_string(step.verb);
    event["name"] = step.name;
    ++verdict_.operations;
    // A code that no run may end with is seen by nobody else.
    auto answer = reply.answer;
    const auto* program = model.program(answer.condition.life);
    if (answer.kind == Answer::Seen && answer.condition.ends == kOwnCode && violation.empty() &&
        (program == nullptr || program->code != answer.code))
      violation = "the exit code is wrong";
    const bool excused = fills != fills_;
    const bool owns = step.verb == Verb::Create || step.verb == Verb::Start;
    if (step.by_supervisor && owns) supervised_.insert(step.name);
    if (reply.text.find("belongs to another runtime that is alive") != reply.text.npos &&
        (step.by_supervisor || was_supervised || supervised_.contains(step.name)))
      model.contest(number);
    if (!model.end(number, answer, excused) && violation.empty()) violation = "the answer can't be";
    if (answer.kind == Answer::Interrupted) {
      ++verdict_.interrupted;
      const bool is_harmless = step.verb == Verb::Wait || step.verb == Verb::Inspect ||
                               step.verb == Verb::Logs || step.verb == Verb::Exec;
      if (is_harmless)
        model.forget(number);
      else
        interrupted_[number] = {step.name, Clock::now()};
    }
    if (excused) soil(model);
    event["conditions"] = to_json(model.conditions());
    history_.add(event);
    if (!violation.empty())
      violation = "step " + std::to_string(number) + ", " + to_string(step.verb) + " " + step.name +
                  ": " + violation + ": " + to_json(reply).dump() + "; possible was " +
                  to_json(before).dump();
  }
  if (!violation.empty()) violate(violation);
  if (step.verb == Verb::Logs && reply.answer.kind == Answer::Ok) check_lines(step, reply);
  return reply;
}

/// Each run prints "<token> 1", "<token> 2", …; nothing may be missing or twice. A run that nobody
/// has hurt prints all of them.
void Round::check_lines(const Step& step, const Reply& reply) {
  std::unique_lock lock(mutex_);
  const auto& model = models_[step.name];
  const auto conditions = model.conditions();
  for (const auto& now : conditions)
    if (soiled_.contains(now.life)) return;  // lines may be missing, and a notice says so
  lock.unlock();
  if (reply.has_notice) return violate("logs of " + step.name + ": a notice without a fault");
  int last = 0, life = 0;
  const auto check_end = [&] {
    const std::lock_guard again(mutex_);
    const auto* program = model.program(life);
    return program == nullptr || last == program->lines || last == 0 || model.was_hurt(life);
  };
  for (std::size_t i = 0; i < reply.lines.size(); ++i) {
    const auto& line = reply.lines[i];
    const auto space = line.find(' ');
    const int its = life_of(line.substr(0, space), step.name);
    const int number = space == line.npos ? 0 : std::atoi(line.c_str() + space);
    const bool is_next = number == last + 1 && (life == 0 || its == life);
    const bool is_new_run = number == 1 && check_end();
    const bool is_cut = i + 1 == reply.lines.size();  // of a writer that was killed
    if (its == 0 || (!is_next && !is_new_run && !is_cut))
      return violate("logs of " + step.name + ": after line " + std::to_string(last) + " comes " +
                     line);
    life = its;
    last = number;
  }
  const auto ended = [](const Condition& now) { return now.ends == kOwnCode; };
  if (conditions.size() == 1 && ended(*conditions.begin()) &&
      conditions.begin()->phase == Phase::Exited && !check_end())
    violate("logs of " + step.name + ": the last line is " + std::to_string(last));
}

void Round::operate(int number, const Step& step) {
  auto event = to_json(step);
  event["event"] = "operator";
  event["step"] = number;
  history_.add(event);
  switch (step.verb) {
    case Verb::KillSupervisor: {
      const std::lock_guard lock(mutex_);
      supervisor_.kill_and_replace();
      supervised_.clear();
      ++verdict_.faults[to_string(step.verb)];
      return;
    }
    case Verb::KillClient:
      if (hands_[static_cast<std::size_t>(step.which % kClients)]->client.kill_command())
        ++verdict_.faults[to_string(step.verb)];
      return;
    case Verb::KillShim:
      return kill_shim(number, step);
    case Verb::KillMain:
      return kill_main(number, step);
    case Verb::FreezeSupervisor:
      return freeze(step, supervisor_.pid());
    case Verb::FreezeShim: {
      auto shims = world_.processes();
      std::erase_if(shims, [](const auto& one) { return one.name != "ringfort-shim"; });
      if (!shims.empty())
        freeze(step, shims[static_cast<std::size_t>(step.which) % shims.size()].pid);
      return;
    }
    case Verb::FillDisk:
      return fill_disk(step);
    default:
      return thief(step);
  }
}

/// Signals a process of a container, and tells the model before and after.
void Round::hit(int number, Verb verb, const std::string& name, int life, pid_t pid, int signal) {
  Request request;
  request.id = number;
  request.verb = verb;
  request.life = life;
  const std::lock_guard lock(mutex_);
  history_.add({{"event", "hit"}, {"step", number}, {"name", name}, {"life", life}, {"pid", pid}});
  models_[name].begin(request);
  if (::kill(pid, signal) == 0) ++verdict_.faults[to_string(verb)];
  if (!models_[name].end(number, {}, false)) verdict_.violations.push_back("the model is wrong");
}

/// A main program that lives, by the step's choice.
std::optional<std::pair<std::string, Process>> Round::choose_main(const Step& step) {
  std::vector<std::pair<std::string, Process>> mains;
  const auto all = world_.processes();
  const std::lock_guard lock(mutex_);
  for (const auto& [name, model] : models_)
    for (auto& main : mains_of(all, name)) mains.emplace_back(name, std::move(main));
  if (mains.empty()) return std::nullopt;
  return mains[static_cast<std::size_t>(step.which) % mains.size()];
}

/// One of a program that runs: what others stand for can't be told.
void Round::kill_shim(int number, const Step& step) {
  const auto chosen = choose_main(step);
  if (!chosen) return;
  const auto& [name, main] = *chosen;
  const int life = life_of(main.argv[1], name);
  const auto is_shim = [&](const auto& one) {
    return one.pid == chosen->second.parent && one.name == "ringfort-shim";
  };
  if (std::ranges::none_of(world_.processes(), is_shim)) return;  // killed a moment ago
  hit(number, Verb::KillShim, name, life, main.parent, SIGKILL);
  const std::lock_guard lock(mutex_);
  const auto* program = models_[name].program(life);
  if (program != nullptr && program->is_confined && program->has_child)
    orphans_.emplace_back(name, life);
}

void Round::kill_main(int number, const Step& step) {
  if (const auto chosen = choose_main(step))
    hit(number, Verb::KillMain, chosen->first, life_of(chosen->second.argv[1], chosen->first),
        chosen->second.pid, SIGKILL);
}

void Round::hold(const Step& step, std::function<void()> release) {
  ++verdict_.faults[to_string(step.verb)];
  holds_.push_back({Clock::now() + std::chrono::milliseconds(step.hold_ms), std::move(release)});
}

void Round::release_due(bool all) {
  for (std::size_t i = 0; i < holds_.size();) {
    if (all) std::this_thread::sleep_until(holds_[i].until);
    if (Clock::now() < holds_[i].until) {
      ++i;
      continue;
    }
    holds_[i].release();
    holds_.erase(holds_.begin() + static_cast<std::ptrdiff_t>(i));
  }
}

void Round::freeze(const Step& step, pid_t pid) {
  const int fd = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
  if (fd < 0) return;
  ::syscall(SYS_pidfd_send_signal, fd, SIGSTOP, nullptr, 0);
  hold(step, [this, fd] {
    ::syscall(SYS_pidfd_send_signal, fd, SIGCONT, nullptr, 0);
    ::close(fd);
    history_.add({{"event", "thawed"}});
  });
}

/// The disk was full while these lived.
void Round::soil(const Model& model) {
  for (const auto& now : model.conditions()) soiled_.insert(now.life);
}

void Round::fill_disk(const Step& step) {
  if (!world_.can_be_filled() || is_full_) return;
  {
    const std::lock_guard lock(mutex_);
    is_full_ = true;
    ++fills_;
    for (auto& [name, model] : models_) {
      model.spoil();
      soil(model);
    }
  }
  world_.fill();
  hold(step, [this] {
    world_.free();
    const std::lock_guard lock(mutex_);
    is_full_ = false;
    history_.add({{"event", "disk freed"}});
  });
}

/// Binds ports of the runtime's range; those that it gets are nobody's.
void Round::thief(const Step& step) {
  auto taken = std::make_shared<std::vector<int>>();
  for (int i = 0; i < 100; ++i) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    const int drawn = 20000 + (step.which * 7919 + i * 104729) % 12000;
    address.sin_port = htons(static_cast<std::uint16_t>(drawn));
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0)
      taken->push_back(fd);
    else
      ::close(fd);
  }
  hold(step, [taken] {
    for (const int fd : *taken) ::close(fd);
  });
}

void Round::forget_old(bool all) {
  std::unique_lock lock(mutex_);
  while (!interrupted_.empty()) {
    // In the order of steps, which is nearly that of time.
    const auto [number, made] = *interrupted_.begin();
    const auto due = made.second + kLateEffects;
    if (!all && Clock::now() < due) return;
    lock.unlock();
    std::this_thread::sleep_until(due);
    lock.lock();
    models_[made.first].forget(number);
    interrupted_.erase(number);
  }
}

/// Never two main programs for one name.
void Round::look_at_mains() {
  const auto all = world_.processes();
  std::vector<std::string> names;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [name, model] : models_) names.push_back(name);
  }
  for (const auto& name : names) {
    if (mains_of(all, name).size() < 2) continue;
    // One may have gone before the other came; the look took its time.
    const auto first = mains_of(all, name);
    const auto again = mains_of(world_.processes(), name);
    std::string both;
    int still = 0;
    for (const auto& main : first) {
      if (std::ranges::none_of(again, [&](const auto& one) { return one.pid == main.pid; }))
        continue;
      both += " " + std::to_string(main.pid) + " (below " + std::to_string(main.parent) + ") " +
              main.argv[1];
      ++still;
    }
    if (still > 1) violate("two main programs of " + name + ":" + both);
  }
}

/// What must end does so.
void Round::settle(const std::string& name) {
  const auto can_go_on = [](const Condition& now) {
    return now.phase == Phase::Running && !now.doomed;
  };
  const auto conditions = models_[name].conditions();
  if (std::ranges::any_of(conditions, can_go_on)) return;
  Step step;
  step.name = name;
  for (const auto end = Clock::now() + 10s;;) {
    step.verb = Verb::Inspect;
    const auto seen = ask(++next_number_, step, own_).answer;
    if (seen.kind != Answer::Seen || seen.condition.phase != Phase::Running) return;
    if (Clock::now() > end) return violate(name + " does not end");
    std::this_thread::sleep_for(20ms);
  }
}

/// Command, living supervisor and kernel say the same.
void Round::compare(const std::string& name) {
  Step step;
  step.name = name;
  const auto by_command = ask(++next_number_, step, own_);
  step.by_supervisor = true;
  const auto by_supervisor = ask(++next_number_, step, own_);
  const auto failed = [](const Condition& now) { return now.ends == kNoStart; };
  const bool may_differ = std::ranges::any_of(models_[name].conditions(), failed);
  if (!may_differ && (by_command.answer.kind != by_supervisor.answer.kind ||
                      by_command.answer.condition.phase != by_supervisor.answer.condition.phase))
    violate(name + ": command and supervisor differ");
  const auto& now = by_command.answer.condition;
  const bool runs = by_command.answer.kind == Answer::Seen && now.phase == Phase::Running;
  std::string text;
  for (const auto end = Clock::now() + 2s;;) {
    const auto mains = mains_of(world_.processes(), name);
    const bool fits =
        mains.size() == (runs ? 1U : 0U) && (!runs || life_of(mains[0].argv[1], name) == now.life);
    if (fits) break;
    if (Clock::now() > end) {
      violate(name + " is " + to_string(now) + ", but " + std::to_string(mains.size()) +
              " main programs live");
      break;
    }
    std::this_thread::sleep_for(20ms);
  }
  if (by_command.port) {
    for (const auto& [other, port] : ports_)
      if (port == by_command.port) violate(name + " and " + other + " have the same port");
    ports_[name] = by_command.port;
  }
  step.by_supervisor = false;
  step.verb = Verb::Logs;
  if (by_command.answer.kind == Answer::Seen) ask(++next_number_, step, own_);
}

/// At landlock, without a cgroup, what a program has started may outlive its killed shim.
bool Round::is_printed_limit(const Process& process) {
  if (process.argv.size() < 2 || process.argv[0] != "+talker") return false;
  for (const auto& [name, life] : orphans_)
    if (life_of(process.argv[1], name) == life) return true;
  return false;
}

/// All is removed, and nothing is left.
void Round::clean_up() {
  Step step;
  for (auto& [name, model] : models_) {
    step.name = name;
    step.verb = Verb::ForceRemove;
    ask(++next_number_, step, own_);
  }
  const auto listed = world_.ringfort({"ps", "-a", "--json"});
  if (listed.code != 0 || json::parse(listed.out, nullptr, false) != json::array())
    violate("ps -a: " + listed.out + listed.err);
  if (const int code = supervisor_.finish(); code != 0)
    violate("the supervisor ends with " + std::to_string(code));
  std::string left;
  for (const auto end = Clock::now() + 5s; Clock::now() < end;) {
    left.clear();
    for (const auto& path : world_.leftovers()) left += " " + path;
    for (const auto& process : world_.processes()) {
      if (is_printed_limit(process)) {
        ::kill(process.pid, SIGKILL);
        continue;
      }
      left += " process " + std::to_string(process.pid) + " " + process.name;
    }
    if (left.empty()) return;
    std::this_thread::sleep_for(20ms);
  }
  violate("left behind:" + left);
}

}  // namespace ringfort::chaos
