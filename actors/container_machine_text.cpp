// How the table of container_machine reads in words and in Markdown.
#include "ringfort/actors/container_machine.hpp"

#include <algorithm>

namespace ringfort::actors {

namespace {

constexpr std::string_view kEvents[] = {"create",
                                        "start",
                                        "stop",
                                        "kill",
                                        "pause",
                                        "unpause",
                                        "exec",
                                        "stats",
                                        "wait",
                                        "remove",
                                        "shutdown",
                                        "built",
                                        "build failed",
                                        "discarded",
                                        "discard failed",
                                        "opened",
                                        "launched",
                                        "began",
                                        "start failed",
                                        "ended",
                                        "freeze failed",
                                        "over limit",
                                        "kill overdue",
                                        "restart planned",
                                        "restart given up",
                                        "restart due"};
static_assert(std::size(kEvents) == kEventCount);

constexpr std::string_view kEffects[] = {"-",
                                         "make the files",
                                         "open descriptors",
                                         "launch",
                                         "TERM, then KILL",
                                         "signal",
                                         "kill the tree",
                                         "kill the tree as oom",
                                         "freeze",
                                         "thaw",
                                         "run command",
                                         "measure",
                                         "guard memory",
                                         "unguard memory",
                                         "store the record",
                                         "queue",
                                         "answer create",
                                         "answer start",
                                         "answer stop",
                                         "answer remove",
                                         "answer from the record",
                                         "remove the files",
                                         "quit"};
static_assert(std::size(kEffects) == static_cast<std::size_t>(Effect::Quit) + 1);

std::string cell(const Row& row) {
  std::string text = row.to == row.from ? "" : "**" + std::string(to_string(row.to)) + "**";
  for (Effect effect : row.effects) {
    if (effect == Effect::None) continue;
    text += (text.empty() ? "" : ", ") + std::string(to_string(effect));
  }
  return text.empty() ? "ok" : text;
}

void add_table(std::string& text, Event first, Event last) {
  text += "| event |";
  for (std::size_t state = 0; state < kStateCount; ++state)
    text += " " + std::string(to_string(static_cast<State>(state))) + " |";
  text += "\n|---|";
  for (std::size_t state = 0; state < kStateCount; ++state) text += "---|";
  for (auto event = static_cast<std::size_t>(first); event <= static_cast<std::size_t>(last);
       ++event) {
    text += "\n| " + std::string(to_string(static_cast<Event>(event))) + " |";
    for (std::size_t state = 0; state < kStateCount; ++state) {
      auto row = std::ranges::find_if(rows(), [&](const Row& candidate) {
        return candidate.from == static_cast<State>(state) &&
               candidate.on == static_cast<Event>(event);
      });
      text += row == rows().end() ? " |" : " " + cell(*row) + " |";
    }
  }
  text += "\n";
}

}  // namespace

std::string_view to_string(Event event) { return kEvents[static_cast<std::size_t>(event)]; }
std::string_view to_string(Effect effect) { return kEffects[static_cast<std::size_t>(effect)]; }

std::string machine_markdown() {
  std::string text =
      "<!-- Printed from actors/container_machine.cpp; do not edit. -->\n"
      "# States of a container\n\n"
      "A cell holds the next state in bold, if it changes, and what is done. An empty cell means: "
      "refused with Conflict.\n\n";
  add_table(text, Event::Create, Event::Shutdown);
  text +=
      "\nNews are ignored where the cell is empty, and always when they belong to an older "
      "start.\n\n";
  add_table(text, Event::Built, Event::RestartDue);
  return text;
}

}  // namespace ringfort::actors
