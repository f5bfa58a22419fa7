#include "ringfort/cli/output/json.hpp"

#include "ringfort/cli/output/words.hpp"

#include <unistd.h>

namespace ringfort::cli {
namespace {

Json time_or_null(const std::optional<WallTime>& time) {
  return time ? Json(to_rfc3339(*time)) : Json(nullptr);
}

}  // namespace

Json to_value(const ExitRecord& exit) {
  Json value;
  value["code"] = exit.code;
  value["signal"] = exit.signal ? Json(*exit.signal) : Json(nullptr);
  value["core_dumped"] = exit.core_dumped;
  value["reason"] = to_string(exit.reason);
  value["started_at"] = time_or_null(exit.started_at);
  value["finished_at"] = time_or_null(exit.finished_at);
  value["known"] = exit.known;
  return value;
}

Json to_value(const Error& error) {
  Json value;
  value["kind"] = to_string(error.kind);
  value["message"] = error.what;
  value["hint"] = error.hint;
  return value;
}

std::string dump(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

bool print(const Json& value) { return write_all(STDOUT_FILENO, dump(value) + "\n"); }

}  // namespace ringfort::cli
