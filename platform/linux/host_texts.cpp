#include "ringfort/platform/linux/host_texts.hpp"

#include "ringfort/platform/linux/cgroup_place.hpp"

#include <charconv>

namespace ringfort::platform {
namespace {

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view blanks = " \t\n";
  const auto first = text.find_first_not_of(blanks);
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

/// Calls `use(line)` for each line.
template <class Use>
void each_line(std::string_view text, Use use) {
  while (!text.empty()) {
    const auto end = text.find('\n');
    use(text.substr(0, end));
    text.remove_prefix(end == text.npos ? text.size() : end + 1);
  }
}

/// os-release(5) allows both kinds of quotes around a value.
std::string unquoted(std::string_view text) {
  text = trimmed(text);
  const bool quoted = text.size() >= 2 && (text.front() == '"' || text.front() == '\'') &&
                      text.back() == text.front();
  return std::string(quoted ? text.substr(1, text.size() - 2) : text);
}

bool lies_below(std::string_view path, std::string_view directory) {
  if (directory == "/") return true;
  return path.starts_with(directory) &&
         (path.size() == directory.size() || path[directory.size()] == '/');
}

}  // namespace

std::optional<std::int64_t> parse_number(std::string_view text) {
  text = trimmed(text);
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return {};
  return value;
}

std::optional<std::pair<std::int64_t, std::int64_t>> parse_range(std::string_view text) {
  text = trimmed(text);
  const auto gap = text.find_first_of(" \t");
  if (gap == text.npos) return {};
  const auto first = parse_number(text.substr(0, gap));
  const auto last = parse_number(text.substr(gap));
  if (!first || !last) return {};
  return std::pair{*first, *last};
}

std::optional<std::string> status_value(std::string_view status, std::string_view name) {
  std::optional<std::string> found;
  each_line(status, [&](std::string_view line) {
    if (!found && line.starts_with(name) && line.substr(name.size()).starts_with(':'))
      found = std::string(trimmed(line.substr(name.size() + 1)));
  });
  return found;
}

OsRelease parse_os_release(std::string_view text) {
  OsRelease release;
  each_line(text, [&](std::string_view line) {
    if (line.starts_with("ID=")) release.id = unquoted(line.substr(3));
    if (line.starts_with("VERSION_CODENAME=")) release.codename = unquoted(line.substr(17));
  });
  return release;
}

std::string filesystem_of(std::string_view mountinfo, std::string_view path) {
  std::string type;
  std::size_t longest = 0;
  each_line(mountinfo, [&](std::string_view line) {
    const auto mount = parse_mount(line);
    // The last of several at one place covers those before it.
    if (!mount || !lies_below(path, mount->point) || mount->point.size() < longest) return;
    longest = mount->point.size();
    type = mount->type;
  });
  return type;
}

}  // namespace ringfort::platform
