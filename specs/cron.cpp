#include "ringfort/specs/cron.hpp"

#include "ringfort/specs/grammar.hpp"
#include "ringfort/specs/names.hpp"
#include "ringfort/specs/words.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace ringfort::specs {
namespace {

constexpr auto months =
    word_list("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC");
constexpr auto weekdays = word_list("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT");

struct Field {
  std::string_view name;
  int least;
  int most;
  std::span<const std::string_view> names;  ///< of the values from `least` on
  bool may_be_open = false;
};

const std::array<Field, 7> all_fields{{
    {"second", 0, 59, {}},
    {"minute", 0, 59, {}},
    {"hour", 0, 23, {}},
    {"day of month", 1, 31, {}, true},
    {"month", 1, 12, months},
    {"day of week", 1, 7, weekdays, true},
    {"year", 1970, 2199, {}},
}};

std::vector<std::string_view> split(std::string_view text, std::string_view separators) {
  std::vector<std::string_view> parts;
  while (true) {
    const auto cut = text.find_first_of(separators);
    parts.push_back(text.substr(0, cut));
    if (cut == std::string_view::npos) return parts;
    text.remove_prefix(cut + 1);
  }
}

std::optional<int> value_of(const Field& field, std::string_view text) {
  std::string upper{text};
  for (char& c : upper) {
    if (is_lower(c)) c = static_cast<char>(c - 'a' + 'A');
  }
  const auto named = std::find(field.names.begin(), field.names.end(), upper);
  if (named != field.names.end())
    return field.least + static_cast<int>(named - field.names.begin());
  return number_between(text, field.least, field.most);
}

/// `*`, `a`, `a-b`, each also with `/step`.
bool is_item(const Field& field, std::string_view text) {
  const auto slash = text.find('/');
  if (slash != std::string_view::npos &&
      !number_between(text.substr(slash + 1), 1, field.most - field.least + 1)) {
    return false;
  }
  const auto base = text.substr(0, slash);
  if (base == "*") return true;
  const auto hyphen = base.find('-');
  const auto first = value_of(field, base.substr(0, hyphen));
  if (hyphen == std::string_view::npos) return first.has_value();
  const auto last = value_of(field, base.substr(hyphen + 1));
  return first && last && *first <= *last;
}

bool is_field(const Field& field, std::string_view text) {
  if (text == "?" && field.may_be_open) return true;
  const auto items = split(text, ",");
  return std::all_of(items.begin(), items.end(),
                     [&](std::string_view item) { return is_item(field, item); });
}

std::string range_of(const Field& field) {
  std::string text = std::to_string(field.least) + " to " + std::to_string(field.most);
  if (!field.names.empty()) {
    text += " or " + std::string{field.names.front()} + " to " + std::string{field.names.back()};
  }
  return text;
}

}  // namespace

Status check_cron(std::string_view schedule) {
  auto parts = split(schedule.substr(0, 512), " \t");
  std::erase_if(parts, [](std::string_view part) { return part.empty(); });
  if (parts.size() < 6 || parts.size() > all_fields.size()) {
    return fail(ErrorKind::InvalidSpec,
                "the schedule \"" + printable(schedule, 60) + "\" has " +
                    std::to_string(parts.size()) + " fields",
                "write second minute hour day month weekday, such as \"0 30 3 * * *\"");
  }
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (is_field(all_fields[i], parts[i])) continue;
    return fail(ErrorKind::InvalidSpec,
                "the schedule has the " + std::string{all_fields[i].name} + " \"" +
                    printable(parts[i], 40) + "\"",
                "write *, a number, a range a-b, a step */n or a list of them, within " +
                    range_of(all_fields[i]));
  }
  return {};
}

}  // namespace ringfort::specs
