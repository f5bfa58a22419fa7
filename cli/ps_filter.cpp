#include "ringfort/cli/ps_filter.hpp"

#include "ringfort/specs/names.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

namespace ringfort::cli {
namespace {

constexpr const char* kKeys = "status, name, level and exited";

std::vector<std::string> states() {
  std::vector<std::string> words;
  for (int state = 0; state <= static_cast<int>(State::Stuck); ++state)
    words.emplace_back(to_string(static_cast<State>(state)));
  words.emplace_back("damaged");
  return words;
}

std::vector<std::string> levels() {
  return {std::string{to_string(Level::Landlock)}, std::string{to_string(Level::Namespaces)},
          std::string{to_string(Level::Network)}};
}

tl::unexpected<Error> wrong(std::string_view what, std::string why, std::string hint) {
  return fail(ErrorKind::InvalidSpec, "\"" + printable(what, 60) + "\" " + std::move(why),
              std::move(hint));
}

Status check_word(std::string_view value, std::string_view key,
                  const std::vector<std::string>& known) {
  if (std::ranges::find(known, value) != known.end()) return {};
  std::string list;
  for (const auto& word : known) list += (list.empty() ? "" : ", ") + word;
  return wrong(value, "is no " + std::string{key}, "write one of " + list);
}

Status check_code(std::string_view value) {
  int code = 0;
  const auto* end = value.data() + value.size();
  const auto [stop, error] = std::from_chars(value.data(), end, code);
  if (error == std::errc{} && stop == end && code >= 0 && code <= 255 &&
      std::to_string(code) == value)
    return {};
  return wrong(value, "is no exit code", "write a number from 0 to 255");
}

std::string state_word(const ContainerEntry& entry) {
  return entry.damaged ? "damaged" : std::string{to_string(entry.state.state)};
}

bool matches(const ContainerEntry& entry, std::string_view key, const std::string& value) {
  if (key == "name") return entry.id.str().starts_with(value);
  if (key == "status") return state_word(entry) == value;
  if (key == "level") return !entry.damaged && to_string(entry.level) == value;
  return entry.state.exit && std::to_string(entry.state.exit->code) == value;
}

}  // namespace

Status PsFilter::add(std::string_view text) {
  const auto equals = text.find('=');
  const auto key = text.substr(0, equals);
  const bool is_known = key == "status" || key == "name" || key == "level" || key == "exited";
  if (equals == std::string_view::npos || !is_known)
    return wrong(text, "is no filter", std::string{"write KEY=VALUE; known are "} + kKeys);
  const auto value = text.substr(equals + 1);
  if (value.empty()) return wrong(text, "has no value", "write one behind the =");
  Status sound;
  if (key == "status") sound = check_word(value, "state", states());
  if (key == "level") sound = check_word(value, "level", levels());
  if (key == "exited") sound = check_code(value);
  if (sound) wanted_[std::string{key}].emplace_back(value);
  return sound;
}

bool PsFilter::lets_through(const ContainerEntry& entry) const {
  return std::ranges::all_of(wanted_, [&](const auto& condition) {
    return std::ranges::any_of(condition.second, [&](const std::string& value) {
      return matches(entry, condition.first, value);
    });
  });
}

}  // namespace ringfort::cli
