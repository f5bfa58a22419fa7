#include "ringfort/cli/options.hpp"

#include "ringfort/specs/names.hpp"
#include "ringfort/specs/words.hpp"

#include <CLI/CLI.hpp>

#include <charconv>

namespace ringfort::cli {
namespace {

/// "--jobs" of "-j,--jobs".
std::string long_name(const std::string& name) { return name.substr(name.rfind(',') + 1); }

std::string quoted(std::string_view text) { return "\"" + printable(text, 60) + "\""; }

}  // namespace

void add_option(CLI::App& app, const std::string& name, const std::string& value,
                const std::string& help, Taker take) {
  const auto parsed = [take = std::move(take), shown = long_name(name)](const std::string& text) {
    if (auto taken = take(text); !taken) {
      Error error = taken.error();
      error.what.insert(0, shown + ": ");
      throw BadOption(std::move(error));
    }
  };
  app.add_option_function<std::string>(name, parsed, help)->type_name(value)->trigger_on_parse();
}

void add_flag(CLI::App& app, const std::string& name, const std::string& help, bool& target) {
  app.add_flag(name, target, help);
}

void add_word(CLI::App& app, const std::string& name, const std::string& help, std::string& target,
              bool required) {
  auto* word = app.add_option(name, target, help)->type_name("");
  if (required) word->required();
}

void add_words(CLI::App& app, const std::string& name, const std::string& help,
               std::vector<std::string>& target, Need need) {
  app.add_option(name, target, help)->type_name("")->required(need == Need::Required);
}

Result<std::string> parse_text(std::string_view text) {
  if (text.empty()) return fail(ErrorKind::InvalidSpec, "the value is empty", "write one");
  return std::string{text};
}

Result<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, port);
  if (error != std::errc{} || stop != end || port == 0)
    return fail(ErrorKind::InvalidSpec, quoted(text) + " is not a port",
                "write a number from 1 to 65535");
  return port;
}

Result<std::size_t> parse_count(std::string_view text, std::size_t most) {
  std::size_t count = 0;
  const auto* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, count);
  if (error != std::errc{} || stop != end || count == 0 || count > most)
    return fail(ErrorKind::InvalidSpec, quoted(text) + " is not a count",
                "write a number from 1 to " + std::to_string(most));
  return count;
}

Result<Bytes> parse_size_limit(std::string_view text) {
  auto bytes = parse_bytes(text);
  if (bytes && bytes->count == 0)
    return fail(ErrorKind::InvalidSpec, "a limit of " + quoted(text) + " leaves nothing",
                "write a size such as 64Mi, or leave the limit out");
  return bytes;
}

Result<Duration> parse_time_limit(std::string_view text) {
  auto duration = parse_duration(text);
  if (duration && *duration == Duration::zero())
    return fail(ErrorKind::InvalidSpec, "a limit of " + quoted(text) + " leaves no time",
                "write a duration such as 30s, or leave the limit out");
  return duration;
}

Result<WallTime> parse_moment(std::string_view text, WallTime now) {
  if (const auto time = from_rfc3339(text)) return *time;
  constexpr std::int64_t kMostSeconds = 253'402'300'799;  // the year 9999
  std::int64_t seconds = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (error == std::errc{} && stop == text.data() + text.size() && seconds >= 0 &&
      seconds <= kMostSeconds)
    return WallTime{std::chrono::seconds{seconds}};
  if (const auto before = parse_duration(text)) return now - *before;
  return fail(ErrorKind::InvalidSpec, printable(text, 60) + " is no time",
              "write one such as 2026-01-31T12:00:00Z, 1767225600 or 10m");
}

Result<std::pair<std::string, std::string>> parse_variable(std::string_view text) {
  const auto cut = text.find('=');
  if (cut == std::string_view::npos || cut == 0)
    return fail(ErrorKind::InvalidSpec, quoted(text) + " is not a variable",
                "write NAME=VALUE; the caller's own variables are never handed on");
  return std::pair{std::string{text.substr(0, cut)}, std::string{text.substr(cut + 1)}};
}

Result<Durability> parse_durability_flag(std::string_view text) {
  for (const auto durability : {Durability::None, Durability::Process, Durability::Full})
    if (text == to_string(durability)) return durability;
  return fail(ErrorKind::InvalidSpec, "\"" + printable(text) + "\" is no durability",
              "write none, process or full");
}

Result<Isolation> parse_isolation_flag(std::string_view text) {
  if (const auto isolation = parse_isolation(text)) return *isolation;
  return fail(ErrorKind::InvalidSpec, quoted(text) + " is not a level",
              "write auto, landlock, namespaces or network");
}

Result<specs::LogMode> parse_log_mode_flag(std::string_view text) {
  for (const auto mode : {specs::LogMode::Drop, specs::LogMode::Block})
    if (text == specs::word(mode)) return mode;
  return fail(ErrorKind::InvalidSpec, quoted(text) + " is not a log mode", "write drop or block");
}

Result<RootfsMode> parse_rootfs_flag(std::string_view text) {
  using enum RootfsMode;
  for (const auto mode : {Auto, Visible, Overlay})
    if (text == to_string(mode)) return mode;
  return fail(ErrorKind::InvalidSpec, quoted(text) + " is not a root file system",
              "write auto, visible or overlay");
}

Result<specs::SeccompProfile> parse_seccomp_flag(std::string_view text) {
  using enum specs::SeccompProfile;
  for (const auto profile : {Default, Build, Strict})
    if (text == specs::word(profile)) return profile;
  return fail(ErrorKind::InvalidSpec, quoted(text) + " is not a seccomp profile",
              "write default, build or strict");
}

Result<NetMode> parse_net_flag(std::string_view text) {
  if (const auto mode = parse_net_mode(text)) return *mode;
  return fail(ErrorKind::InvalidSpec, quoted(text) + " is not a network",
              "write none, local or full");
}

}  // namespace ringfort::cli
