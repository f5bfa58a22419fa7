#include "ringfort/specs/units.hpp"

#include "ringfort/specs/names.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <optional>
#include <span>

namespace ringfort {
namespace {

// Wide enough for UINT64_MAX times the largest unit, and for a fraction of 18 digits times it.
__extension__ using Wide = unsigned __int128;

struct Unit {
  std::string_view name;
  std::uint64_t factor;
};

constexpr std::array<Unit, 12> byte_units{{
    {"", 1},
    {"Ki", 1ull << 10},
    {"Mi", 1ull << 20},
    {"Gi", 1ull << 30},
    {"Ti", 1ull << 40},
    {"Pi", 1ull << 50},
    {"k", 1'000},
    {"K", 1'000},
    {"M", 1'000'000},
    {"G", 1'000'000'000},
    {"T", 1'000'000'000'000},
    {"P", 1'000'000'000'000'000},
}};
constexpr std::span<const Unit> binary_units{byte_units.data(), 6};

/// Largest first: a duration is written in this order.
constexpr std::array<Unit, 6> time_units{{
    {"d", 86'400'000'000},
    {"h", 3'600'000'000},
    {"m", 60'000'000},
    {"s", 1'000'000},
    {"ms", 1'000},
    {"us", 1},
}};

constexpr std::size_t most_decimals = 18;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// A decimal number split at its point, both parts digits only.
struct Number {
  std::string_view whole;
  std::string_view fraction;
};

/// Takes a number off the front of `text`; nothing if there is none.
std::optional<Number> take_number(std::string_view& text) {
  const auto digits = [&] {
    std::size_t count = 0;
    while (count < text.size() && is_digit(text[count])) ++count;
    const auto taken = text.substr(0, count);
    text.remove_prefix(count);
    return taken;
  };
  Number number{digits(), {}};
  if (number.whole.empty()) return std::nullopt;
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    number.fraction = digits();
    if (number.fraction.empty()) return std::nullopt;
  }
  while (number.fraction.ends_with('0')) number.fraction.remove_suffix(1);
  return number;
}

enum class Misfit { NotWhole, TooLarge };

/// number x factor, exactly, up to `limit`.
tl::expected<std::uint64_t, Misfit> scale(Number number, std::uint64_t factor,
                                          std::uint64_t limit) {
  Wide whole = 0;
  for (const char c : number.whole) {
    whole = whole * 10 + static_cast<unsigned>(c - '0');
    if (whole > limit) return tl::unexpected{Misfit::TooLarge};
  }
  if (number.fraction.size() > most_decimals) return tl::unexpected{Misfit::NotWhole};
  Wide fraction = 0;
  Wide power = 1;
  for (const char c : number.fraction) {
    fraction = fraction * 10 + static_cast<unsigned>(c - '0');
    power *= 10;
  }
  if (fraction * factor % power != 0) return tl::unexpected{Misfit::NotWhole};
  const Wide total = whole * factor + fraction * factor / power;
  if (total > limit) return tl::unexpected{Misfit::TooLarge};
  return static_cast<std::uint64_t>(total);
}

const Unit* find(std::span<const Unit> units, std::string_view name) {
  for (const Unit& unit : units) {
    if (unit.name == name) return &unit;
  }
  return nullptr;
}

/// "the size "12x"": how an error begins.
std::string named(std::string_view noun, std::string_view text) {
  return "the " + std::string{noun} + " \"" + printable(text, 60) + "\"";
}

tl::unexpected<Error> misfit(Misfit why, std::string subject, std::string_view smallest,
                             std::string_view largest) {
  if (why == Misfit::TooLarge) {
    return fail(ErrorKind::InvalidSpec, std::move(subject) + " is too large",
                "the largest is " + std::string{largest});
  }
  return fail(ErrorKind::InvalidSpec,
              std::move(subject) + " is not a whole number of " + std::string{smallest},
              "write it in a smaller unit");
}

constexpr std::string_view bytes_hint =
    "write a number and Ki, Mi, Gi, Ti, Pi (1024) or k, M, G, T, P (1000), such as 512Mi";
constexpr std::string_view duration_hint =
    "write numbers and d, h, m, s, ms or us, largest first, such as 1m 30s";

}  // namespace

Result<Bytes> parse_bytes(std::string_view text) {
  const auto subject = named("size", text);
  std::string_view rest = text;
  const auto number = take_number(rest);
  if (!number) {
    return fail(ErrorKind::InvalidSpec, subject + " does not begin with a number",
                std::string{bytes_hint});
  }
  std::string_view name = rest;
  if (name.ends_with('B')) name.remove_suffix(1);
  const Unit* unit = find(byte_units, name);
  if (unit == nullptr) {
    return fail(ErrorKind::InvalidSpec,
                subject + " has the unknown unit \"" + printable(rest, 20) + "\"",
                std::string{bytes_hint});
  }
  const auto count = scale(*number, unit->factor, std::numeric_limits<std::uint64_t>::max());
  if (!count) return misfit(count.error(), subject, "bytes", "18446744073709551615");
  return Bytes{*count};
}

std::string to_string(Bytes bytes) {
  const Unit* best = binary_units.data();
  for (const Unit& unit : binary_units) {
    if (bytes.count != 0 && bytes.count % unit.factor == 0) best = &unit;
  }
  return std::to_string(bytes.count / best->factor) + std::string{best->name};
}

Result<Duration> parse_duration(std::string_view text) {
  if (text == "0") return Duration::zero();
  const auto subject = named("duration", text);
  const auto wrong = [&](std::string_view why) {
    return fail(ErrorKind::InvalidSpec, subject + std::string{why}, std::string{duration_hint});
  };
  constexpr auto limit = static_cast<std::uint64_t>(Duration::max().count());

  std::uint64_t total = 0;
  const Unit* last = nullptr;
  std::string_view rest = text;
  do {
    const auto number = take_number(rest);
    if (!number) return wrong(" lacks a number");
    const auto length = std::min(rest.find_first_of(" 0123456789"), rest.size());
    const Unit* unit = find(time_units, rest.substr(0, length));
    if (length == 0) return wrong(" has no unit");
    if (unit == nullptr) {
      return wrong(" has the unknown unit \"" + printable(rest.substr(0, length), 20) + "\"");
    }
    // Catches "1m 30m", which is a typing error and no way to say 31 minutes.
    if (last != nullptr && unit <= last) return wrong(" has its units out of order");
    const auto part = scale(*number, unit->factor, limit - total);
    if (!part) return misfit(part.error(), subject, "microseconds", "106751991d");
    total += *part;
    last = unit;
    rest.remove_prefix(length);
    while (rest.starts_with(' ')) rest.remove_prefix(1);
  } while (!rest.empty());
  return Duration{static_cast<Duration::rep>(total)};
}

std::string to_string(Duration duration) {
  if (duration == Duration::zero()) return "0s";
  const bool is_negative = duration < Duration::zero();
  // In unsigned arithmetic, since the least value has no positive counterpart.
  auto left = static_cast<std::uint64_t>(duration.count());
  if (is_negative) left = 0 - left;
  std::string text = is_negative ? "-" : "";
  for (const Unit& unit : time_units) {
    if (left < unit.factor) continue;
    text += std::to_string(left / unit.factor) + std::string{unit.name};
    left %= unit.factor;
  }
  return text;
}

}  // namespace ringfort
