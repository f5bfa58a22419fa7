#include "ringfort/specs/json.hpp"

#include "ringfort/specs/names.hpp"

#include <nlohmann/json.hpp>

#include <exception>
#include <limits>

namespace ringfort::specs {
namespace {

using Json = nlohmann::ordered_json;

/// Log lines and error texts may hold any bytes; JSON may not.
std::string dump(const Json& json, JsonStyle style) {
  const int indent = style == JsonStyle::Pretty ? 2 : -1;
  return json.dump(indent, ' ', false, Json::error_handler_t::replace);
}

Json time_of(const std::optional<WallTime>& time) {
  return time ? Json(to_rfc3339(*time)) : Json(nullptr);
}

Json json_of(const ExitRecord& record) {
  return {
      {"code", record.code},
      {"signal", record.signal ? Json(*record.signal) : Json(nullptr)},
      {"core_dumped", record.core_dumped},
      {"reason", to_string(record.reason)},
      {"started_at", time_of(record.started_at)},
      {"finished_at", time_of(record.finished_at)},
      {"known", record.known},
  };
}

/// What ends the reading of a record; caught in the function that began it.
struct Wrong {
  std::string what;
};

const Json& member(const Json& json, const char* name) {
  const auto found = json.find(name);
  if (found == json.end()) throw Wrong{std::string{name} + " is missing"};
  return *found;
}

int integer(const Json& json, const char* name) {
  if (!json.is_number_integer()) throw Wrong{std::string{name} + " is no whole number"};
  const auto value = json.get<std::int64_t>();
  const bool is_huge = json.is_number_unsigned() && json.get<std::uint64_t>() > INT32_MAX;
  if (is_huge || value < INT32_MIN || value > INT32_MAX) {
    throw Wrong{std::string{name} + " is out of range"};
  }
  return static_cast<int>(value);
}

bool boolean(const Json& json, const char* name) {
  if (!json.is_boolean()) throw Wrong{std::string{name} + " is neither true nor false"};
  return json.get<bool>();
}

std::optional<WallTime> time(const Json& json, const char* name) {
  if (json.is_null()) return std::nullopt;
  const auto time =
      json.is_string() ? from_rfc3339(json.get_ref<const std::string&>()) : std::nullopt;
  if (!time) throw Wrong{std::string{name} + " is no RFC 3339 time"};
  return time;
}

ExitRecord exit_record(const Json& json) {
  if (!json.is_object()) throw Wrong{"it is no object"};
  ExitRecord record;
  record.code = integer(member(json, "code"), "code");
  const auto& signal = member(json, "signal");
  if (!signal.is_null()) record.signal = integer(signal, "signal");
  record.core_dumped = boolean(member(json, "core_dumped"), "core_dumped");
  const auto& reason = member(json, "reason");
  const auto known =
      reason.is_string() ? parse_end_reason(reason.get_ref<const std::string&>()) : std::nullopt;
  if (!known) throw Wrong{"reason is none of ours"};
  record.reason = *known;
  record.started_at = time(member(json, "started_at"), "started_at");
  record.finished_at = time(member(json, "finished_at"), "finished_at");
  record.known = boolean(member(json, "known"), "known");
  return record;
}

}  // namespace

std::string to_json(const ExitRecord& record, JsonStyle style) {
  return dump(json_of(record), style);
}

Result<ExitRecord> exit_record_from_json(std::string_view json) {
  const auto wrong = [](const std::string& why) {
    return fail(ErrorKind::InvalidSpec, "not an exit record: " + why, "");
  };
  constexpr std::size_t largest_record = 4096;
  if (json.size() > largest_record) return wrong("it is longer than 4 KiB");
  try {
    return exit_record(Json::parse(json));
  } catch (const Wrong& error) {
    return wrong(error.what);
  } catch (const Json::exception& error) {
    return wrong(printable(error.what()));
  }
}

std::string to_json(const ContainerState& state, JsonStyle style) {
  return dump({{"state", to_string(state.state)},
               {"exit", state.exit ? json_of(*state.exit) : Json(nullptr)},
               {"reason", state.reason}},
              style);
}

std::string to_json(const Stats& stats, JsonStyle style) {
  const bool is_limited = stats.memory_limit != std::numeric_limits<std::uint64_t>::max();
  return dump({{"cpu_usage_usec", stats.cpu_usage_usec},
               {"memory_bytes", stats.memory_bytes},
               {"memory_limit", is_limited ? Json(stats.memory_limit) : Json(nullptr)},
               {"pids", stats.pids},
               {"taken_at", to_rfc3339(stats.taken_at)}},
              style);
}

std::string to_json(const LogEntry& entry, JsonStyle style) {
  Json json{{"time", to_rfc3339(entry.time)},
            {"stream", entry.stream == LogStream::Stdout ? "stdout" : "stderr"},
            {"sequence", entry.sequence},
            {"message", entry.message},
            {"partial", entry.is_partial}};
  if (entry.is_notice) json["notice"] = true;
  return dump(json, style);
}

std::string to_json(const Error& error, JsonStyle style) {
  Json json{{"kind", to_string(error.kind)}, {"message", error.what}, {"hint", error.hint}};
  if (!error.container.empty()) json["container"] = error.container;
  if (error.os_errno != 0) json["errno"] = error.os_errno;
  return dump(json, style);
}

}  // namespace ringfort::specs
