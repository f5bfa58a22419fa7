#include "schedule.hpp"

#include <array>

namespace ringfort::chaos {
namespace {

constexpr std::array<const char*, 19> kWords{
    "create",      "start",     "stop",      "kill",
    "term",        "wait",      "rm",        "rm -f",
    "inspect",     "exec",      "logs",      "kill supervisor",
    "kill client", "kill shim", "kill main", "freeze supervisor",
    "freeze shim", "fill disk", "thief"};

/// In [from, to), the same at every size: sizes of rapidcheck are for values, these are choices.
rc::Gen<int> between(int from, int to) {
  return rc::gen::noShrink(rc::gen::resize(rc::kNominalSize, rc::gen::inRange(from, to)));
}

rc::Gen<bool> one_in(int n) {
  return rc::gen::map(between(0, n), [](int drawn) { return drawn == 0; });
}

rc::Gen<Verb> verbs() {
  using V = Verb;
  return rc::gen::noShrink(rc::gen::weightedElement<Verb>({
      {18, V::Create},    {22, V::Start},   {6, V::Stop},     {4, V::Kill},
      {3, V::Term},       {6, V::Wait},     {6, V::Remove},   {7, V::ForceRemove},
      {8, V::Inspect},    {5, V::Exec},     {5, V::Logs},     {2, V::KillSupervisor},
      {6, V::KillClient}, {3, V::KillShim}, {3, V::KillMain}, {1, V::FreezeSupervisor},
      {2, V::FreezeShim}, {1, V::FillDisk}, {1, V::Thief},
  }));
}

rc::Gen<Program> programs() {
  return rc::gen::exec([] {
    Program program;
    program.lines = *between(0, 40);
    program.life_ms = *rc::gen::noShrink(rc::gen::element(-1, -1, 0, 0, 20, 100, 400));
    program.code = *between(0, 90);
    program.wants_port = *one_in(4);
    program.has_child = *one_in(3);
    program.is_stubborn = *one_in(5);
    program.is_confined = *one_in(2);
    return program;
  });
}

/// Clients have two names of their own, and two are everybody's. None begins with another.
std::string name_of(int client, int drawn) {
  return drawn < 2 ? "c" + std::to_string(client) + "n" + std::to_string(drawn)
                   : "all" + std::to_string(drawn);
}

rc::Gen<Step> steps() {
  return rc::gen::noShrink(rc::gen::exec([] {
    Step step;
    step.verb = *verbs();
    step.client = *between(0, kClients);
    const int drawn = *between(0, 4);
    step.name = name_of(step.client, drawn);
    step.by_supervisor = *one_in(2);
    step.program = *programs();
    step.pause_ms = *rc::gen::noShrink(rc::gen::element(0, 0, 0, 1, 3, 10, 30));
    step.which = *between(0, 64);
    step.hold_ms = *between(20, 600);
    return step;
  }));
}

}  // namespace

std::string to_string(Verb verb) { return kWords.at(static_cast<std::size_t>(verb)); }

nlohmann::json to_json(const Step& step) {
  nlohmann::json json{{"do", to_string(step.verb)}, {"pause", step.pause_ms}};
  if (is_operator(step.verb)) {
    json["which"] = step.which;
    json["hold"] = step.hold_ms;
    return json;
  }
  json["client"] = step.client;
  json["name"] = step.name;
  json["by"] = step.by_supervisor ? "supervisor" : "command";
  if (step.verb == Verb::Create)
    json["program"] = {{"lines", step.program.lines},
                       {"life", step.program.life_ms},
                       {"code", step.program.code},
                       {"port", step.program.wants_port},
                       {"child", step.program.has_child},
                       {"stubborn", step.program.is_stubborn},
                       {"level", step.program.is_confined ? "landlock" : "namespaces"}};
  return json;
}

rc::Shrinkable<Schedule> schedule(std::uint64_t seed, int count) {
  const auto all = rc::gen::container<Schedule>(static_cast<std::size_t>(count), steps());
  // Its own shrinking would keep the length.
  return rc::shrinkable::shrinkRecur(all(rc::Random(seed)).value(), [](const Schedule& steps) {
    return rc::shrink::removeChunks(steps);
  });
}

}  // namespace ringfort::chaos
