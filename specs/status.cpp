#include "ringfort/specs/status.hpp"

#include <array>
#include <charconv>
#include <cstdio>
#include <utility>

namespace ringfort {
namespace {

constexpr std::array<std::pair<EndReason, std::string_view>, 7> reasons{{
    {EndReason::Exited, "exited"},
    {EndReason::Signaled, "signaled"},
    {EndReason::Oom, "oom"},
    {EndReason::Timeout, "timeout"},
    {EndReason::Stopped, "stopped"},
    {EndReason::StartFailed, "start_failed"},
    {EndReason::Lost, "lost"},
}};

constexpr int code_oom = 137;      // 128 + SIGKILL, whoever sent it
constexpr int code_timeout = 124;  // as timeout(1)

/// Reads fixed-width numbers and literal characters off the front of a text.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : rest_(text) {}

  int digits(std::size_t count) {
    int value = 0;
    const auto part = rest_.substr(0, count);
    const auto* end = part.data() + part.size();
    const bool begins_right = !part.empty() && part.front() >= '0' && part.front() <= '9';
    const auto [stop, error] = std::from_chars(part.data(), end, value);
    if (part.size() != count || !begins_right || error != std::errc{} || stop != end)
      failed_ = true;
    rest_.remove_prefix(part.size());
    return value;
  }

  bool accept(char c) {
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }

  void expect(char c) { failed_ |= !accept(c); }

  /// Digits after a point as microseconds; finer ones are dropped.
  int microseconds() {
    int value = 0;
    std::size_t count = 0;
    for (; !rest_.empty() && rest_.front() >= '0' && rest_.front() <= '9'; ++count) {
      if (count < 6) value = value * 10 + (rest_.front() - '0');
      rest_.remove_prefix(1);
    }
    if (count == 0) failed_ = true;
    for (; count < 6; ++count) value *= 10;
    return value;
  }

  bool ended() const { return !failed_ && rest_.empty(); }
  void fail() { failed_ = true; }

 private:
  std::string_view rest_;
  bool failed_ = false;
};

std::chrono::minutes take_offset(Scanner& scanner) {
  if (scanner.accept('Z') || scanner.accept('z')) return {};
  const bool is_west = scanner.accept('-');
  if (!is_west) scanner.expect('+');
  const int hours = scanner.digits(2);
  scanner.expect(':');
  const int minutes = scanner.digits(2);
  if (hours > 23 || minutes > 59) scanner.fail();
  const std::chrono::minutes offset{hours * 60 + minutes};
  return is_west ? -offset : offset;
}

}  // namespace

std::string to_rfc3339(WallTime time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date{day};
  const std::chrono::hh_mm_ss clock{time - day};
  std::array<char, 64> text{};
  const int length = std::snprintf(
      text.data(), text.size(), "%04d-%02u-%02uT%02d:%02d:%02d.%06dZ",
      static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
      static_cast<unsigned>(date.day()), static_cast<int>(clock.hours().count()),
      static_cast<int>(clock.minutes().count()), static_cast<int>(clock.seconds().count()),
      static_cast<int>(clock.subseconds().count()));
  return {text.data(), static_cast<std::size_t>(length)};
}

std::optional<WallTime> from_rfc3339(std::string_view text) {
  Scanner scanner{text};
  const std::chrono::year year{scanner.digits(4)};
  scanner.expect('-');
  const std::chrono::month month{static_cast<unsigned>(scanner.digits(2))};
  scanner.expect('-');
  const std::chrono::day day{static_cast<unsigned>(scanner.digits(2))};
  if (!scanner.accept('t')) scanner.expect('T');
  const int hours = scanner.digits(2);
  scanner.expect(':');
  const int minutes = scanner.digits(2);
  scanner.expect(':');
  const int seconds = scanner.digits(2);
  const int micros = scanner.accept('.') ? scanner.microseconds() : 0;
  const auto offset = take_offset(scanner);

  const std::chrono::year_month_day date{year, month, day};
  if (!scanner.ended() || !date.ok() || hours > 23 || minutes > 59 || seconds > 59) {
    return std::nullopt;
  }
  return WallTime{std::chrono::sys_days{date}} + std::chrono::hours{hours} +
         std::chrono::minutes{minutes} + std::chrono::seconds{seconds} +
         std::chrono::microseconds{micros} - offset;
}

std::string_view to_string(State state) {
  switch (state) {
    case State::Creating:
      return "creating";
    case State::Created:
      return "created";
    case State::Starting:
      return "starting";
    case State::Running:
      return "running";
    case State::Paused:
      return "paused";
    case State::Stopping:
      return "stopping";
    case State::Exited:
      return "exited";
    case State::Failed:
      return "failed";
    case State::Backoff:
      return "backoff";
    case State::Removing:
      return "removing";
    case State::Stuck:
      return "stuck";
  }
  return "unknown";
}

std::string_view to_string(EndReason reason) {
  for (const auto& [value, name] : reasons) {
    if (value == reason) return name;
  }
  return "unknown";
}

std::optional<EndReason> parse_end_reason(std::string_view text) {
  for (const auto& [value, name] : reasons) {
    if (name == text) return value;
  }
  return std::nullopt;
}

ExitRecord make_exit_record(RawExit raw, EndCauses causes) {
  ExitRecord record;
  record.code = raw.by_signal ? 128 + raw.value : raw.value;
  record.core_dumped = raw.core_dumped;
  if (raw.by_signal) {
    record.signal = raw.value;
    record.reason = EndReason::Signaled;
  }
  if (causes.oom) {
    record.reason = EndReason::Oom;
    record.code = code_oom;
  } else if (causes.timeout) {
    // Also when the program exits 0 after the TERM: the caller asked whether it was done in time.
    record.reason = EndReason::Timeout;
    record.code = code_timeout;
  } else if (causes.stopped) {
    record.reason = EndReason::Stopped;
  }
  return record;
}

}  // namespace ringfort
