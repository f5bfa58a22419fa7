// Values of the specs as JSON text, for config.json, reports and APIs, and back where needed.
#pragma once

#include "ringfort/specs/deployment.hpp"
#include "ringfort/specs/result.hpp"
#include "ringfort/specs/status.hpp"

#include <string>
#include <string_view>

namespace ringfort::specs {

/// How the text is laid out: for people or for one line of a log.
enum class JsonStyle { Pretty, Compact };

/// Every field that has a value, in the order of the schema; sizes and durations as texts.
std::string to_json(const Service& service, JsonStyle style = JsonStyle::Pretty);
std::string to_json(const Deployment& deployment, JsonStyle style = JsonStyle::Pretty);

/// As strict as the YAML reader and bounded like it. Error: InvalidSpec with all problems.
Result<Service> service_from_json(std::string_view json);
Result<Deployment> deployment_from_json(std::string_view json);

/// `{code, signal, core_dumped, reason, started_at, finished_at, known}`; `signal` is a number or
/// null, times are RFC 3339 in UTC with microseconds or null.
std::string to_json(const ExitRecord& record, JsonStyle style = JsonStyle::Compact);
Result<ExitRecord> exit_record_from_json(std::string_view json);

/// `{state, exit, reason}`
std::string to_json(const ContainerState& state, JsonStyle style = JsonStyle::Compact);
/// `{cpu_usage_usec, memory_bytes, memory_limit, pids, taken_at}`; no limit is null.
std::string to_json(const Stats& stats, JsonStyle style = JsonStyle::Compact);
/// `{time, stream, sequence, message}`; bytes that are not UTF-8 become U+FFFD.
std::string to_json(const LogEntry& entry, JsonStyle style = JsonStyle::Compact);
/// `{kind, message, hint}` and, where known, `container` and `errno`.
std::string to_json(const Error& error, JsonStyle style = JsonStyle::Compact);

}  // namespace ringfort::specs
