#include "ringfort/cli/output/access.hpp"

#include "ringfort/specs/names.hpp"

#include <algorithm>
#include <cstdlib>

namespace ringfort::cli {
namespace {

constexpr std::size_t kShown = 4 * 4096;

std::string shown(std::string_view text) { return printable(text, kShown); }

bool is_plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("/._-+,:@%=").find(c) != std::string_view::npos;
}

std::string quoted(std::string_view word) {
  if (!word.empty() && std::ranges::all_of(word, is_plain)) return std::string(word);
  std::string text = "'";
  for (const char c : word) text += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return text + "'";
}

std::string home() {
  const char* home = std::getenv("HOME");
  return home != nullptr && home[0] == '/' ? home : "";
}

std::string line_of(std::string_view label, const AccessRule& rule, std::string_view place) {
  std::string text = "  " + std::string(label) + ": " + shown(rule.text);
  if (!rule.gives.empty()) text += " gives " + rule.gives;
  text += " (" + rule.origin;
  if (!rule.field.empty()) text += ", " + rule.field;
  if (!place.empty()) text += ", " + shown(place);
  return text + ")\n";
}

Json to_value(const std::optional<AccessRule>& rule) {
  if (!rule) return nullptr;
  return {{"text", rule->text},
          {"origin", rule->origin},
          {"field", rule->field.empty() ? Json(nullptr) : Json(rule->field)},
          {"gives", rule->gives.empty() ? Json(nullptr) : Json(rule->gives)}};
}

}  // namespace

std::string shell_word(std::string_view word, std::string_view home) {
  const auto text = shown(word);
  if (text != word) return text;
  if (home.size() > 1 && word.starts_with(home) && word.size() > home.size() + 1 &&
      word[home.size()] == '/')
    return "~/" + quoted(word.substr(home.size() + 1));
  return quoted(word);
}

std::string flag_text(const AccessAnswer& answer) {
  std::string text;
  for (const auto& word : answer.flags)
    text += (text.empty() ? "" : " ") + shell_word(word, home());
  return text;
}

std::string text_of(const AccessAnswer& answer, std::string_view place, const Paint& paint) {
  std::string text =
      answer.allowed ? paint(Colour::Green, "allowed") : paint(Colour::Red, "denied");
  text += " " + answer.operation + " " + shown(answer.target);
  if (!answer.path.empty() && answer.path != answer.target) text += " -> " + shown(answer.path);
  const bool is_told = answer.allowed && answer.rule;  // by the rule's own line
  text += " (" + (is_told ? "" : shown(answer.because) + "; ") + "level " + answer.level + ")\n";
  if (answer.rule) text += line_of("rule", *answer.rule, place);
  if (answer.nearest) text += line_of("nearest", *answer.nearest, answer.rule ? "" : place);
  for (const auto& note : answer.notes) text += "  note: " + shown(note) + "\n";
  if (!answer.allowed && !answer.flags.empty()) text += "  allow it: " + flag_text(answer) + "\n";
  if (!answer.remedy.empty()) text += "  remedy: " + shown(answer.remedy) + "\n";
  return text;
}

std::string denial_line(const AccessAnswer& answer, std::string_view grade) {
  std::string text = "denied (" + std::string(grade) + ") " + answer.operation + " " +
                     shown(answer.target) + " (" + shown(answer.because) + ")";
  if (!answer.flags.empty()) return text + ". allow it: " + flag_text(answer);
  return answer.remedy.empty() ? text : text + ". " + shown(answer.remedy);
}

Json denial_value(const AccessAnswer& answer, std::string_view grade) {
  Json value;
  value["grade"] = grade;
  value.update(to_value(answer));
  return value;
}

Json to_value(const AccessAnswer& answer) {
  Json value;
  value["allowed"] = answer.allowed;
  value["operation"] = answer.operation;
  value["target"] = answer.target;
  value["path"] = answer.path.empty() ? Json(nullptr) : Json(answer.path);
  value["level"] = answer.level;
  value["held_by"] = answer.held_by == "nobody" ? Json(nullptr) : Json(answer.held_by);
  value["because"] = answer.because;
  value["rule"] = to_value(answer.rule);
  value["nearest"] = to_value(answer.nearest);
  value["flags"] = answer.flags;
  value["remedy"] = answer.remedy.empty() ? Json(nullptr) : Json(answer.remedy);
  value["notes"] = answer.notes;
  return value;
}

}  // namespace ringfort::cli
