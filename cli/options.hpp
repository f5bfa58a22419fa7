// Options with our own parsers and sentences, on top of CLI11.
#pragma once

#include "ringfort/specs/result.hpp"
#include "ringfort/specs/run_options.hpp"
#include "ringfort/specs/service.hpp"
#include "ringfort/specs/status.hpp"
#include "ringfort/specs/units.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace CLI {
class App;
}

namespace ringfort::cli {

/// How a taker's refusal leaves CLI11's parser; ends in parse_options.
class BadOption : public std::runtime_error {
 public:
  explicit BadOption(Error error) : std::runtime_error(error.what), error_(std::move(error)) {}
  const Error& error() const { return error_; }

 private:
  Error error_;
};

/// Takes the text of one occurrence; an option may occur any number of times.
using Taker = std::function<Status(const std::string&)>;

/// `name` as CLI11 has it ("--memory", "-j,--jobs"); `value` is the word in the help.
void add_option(CLI::App& app, const std::string& name, const std::string& value,
                const std::string& help, Taker take);
void add_flag(CLI::App& app, const std::string& name, const std::string& help, bool& target);

/// A positional word, with its place in the help.
void add_word(CLI::App& app, const std::string& name, const std::string& help, std::string& target,
              bool required);

enum class Need { Required, Optional };

/// Any number of them; at least one when that is required.
void add_words(CLI::App& app, const std::string& name, const std::string& help,
               std::vector<std::string>& target, Need need = Need::Required);

/// A taker that parses with `parse` (std::string_view -> Result<T>) and assigns.
template <class Parse, class Target>
Taker into(Parse parse, Target& target) {
  return [parse = std::move(parse), &target](const std::string& text) -> Status {
    auto value = parse(text);
    if (!value) return fail(value.error());
    target = *std::move(value);
    return {};
  };
}

/// The same, appending to a vector.
template <class Parse, class T>
Taker append(Parse parse, std::vector<T>& target) {
  return [parse = std::move(parse), &target](const std::string& text) -> Status {
    auto value = parse(text);
    if (!value) return fail(value.error());
    target.push_back(*std::move(value));
    return {};
  };
}

/// Any text that is not empty.
Result<std::string> parse_text(std::string_view text);
Result<std::uint16_t> parse_port(std::string_view text);
/// From 1 to `most`.
Result<std::size_t> parse_count(std::string_view text, std::size_t most);
/// As parse_bytes and parse_duration, without zero, which would mean "no limit" to some.
Result<Bytes> parse_size_limit(std::string_view text);
Result<Duration> parse_time_limit(std::string_view text);
/// RFC 3339, seconds since 1970, or a duration such as 10m before `now`.
Result<WallTime> parse_moment(std::string_view text, WallTime now);
/// "K=V".
Result<std::pair<std::string, std::string>> parse_variable(std::string_view text);

Result<Isolation> parse_isolation_flag(std::string_view text);
Result<specs::LogMode> parse_log_mode_flag(std::string_view text);
Result<RootfsMode> parse_rootfs_flag(std::string_view text);
Result<specs::SeccompProfile> parse_seccomp_flag(std::string_view text);
Result<Durability> parse_durability_flag(std::string_view text);
Result<NetMode> parse_net_flag(std::string_view text);

}  // namespace ringfort::cli
