#include "ringfort/cli/output/report.hpp"

#include "ringfort/cli/output/access.hpp"
#include "ringfort/cli/output/json.hpp"
#include "ringfort/specs/utf8.hpp"

namespace ringfort::cli {
namespace {

template <class T>
Json or_null(const std::optional<T>& value) {
  return value ? Json(*value) : Json(nullptr);
}

Json or_null(const std::optional<Duration>& value) {
  return value ? Json(value->count()) : Json(nullptr);
}

std::optional<Duration> duration_of(const std::optional<ExitRecord>& exit) {
  if (!exit || !exit->started_at || !exit->finished_at) return std::nullopt;
  return *exit->finished_at - *exit->started_at;
}

Json value_of(const Report& report) {
  Json value;
  value["id"] = report.id;
  value["level"] = report.level;
  value["lowered"] = report.lowered.empty() ? Json(nullptr) : Json(report.lowered);
  value["rootfs"] = report.rootfs.empty() ? Json(nullptr) : Json(report.rootfs);
  value["layers"] = report.layers;
  value["missing"] = report.missing;
  value["not_enforced"] = report.not_enforced;
  value["port"] = or_null(report.port);
  value["exit"] = report.exit ? to_value(*report.exit) : Json(nullptr);
  value["start_us"] = or_null(report.start);
  value["queued_us"] = or_null(report.queued);
  value["duration_us"] = or_null(duration_of(report.exit));
  if (report.denials) {
    value["denials"] = Json::array();
    for (const auto& denial : *report.denials)
      value["denials"].push_back(denial_value(denial, report.denial_grade));
  }
  value["error"] = report.error ? to_value(*report.error) : Json(nullptr);
  return value;
}

/// `text` without a code point that the bound cut in two.
std::string_view whole_code_points(const Captured& captured) {
  std::string_view text = captured.bytes;
  if (!captured.truncated) return text;
  const auto bad = specs::first_invalid_utf8(text);
  return bad && text.size() - *bad < 4 ? text.substr(0, *bad) : text;
}

void add_stream(Json& value, const std::string& name, const Captured& captured) {
  const auto text = whole_code_points(captured);
  const bool is_text = !specs::first_invalid_utf8(text);
  value[name] = is_text ? std::string{text} : to_base64(captured.bytes);
  value[name + "_base64"] = !is_text;
  value[name + "_truncated"] = captured.truncated;
}

}  // namespace

void Report::add(const Created& created) {
  level = to_string(created.level);
  lowered = created.lowered;
  rootfs = rootfs_word(created.overlay);
  layers = created.layers;
  missing = created.missing;
  not_enforced = created.not_enforced;
  port = created.port;
}

std::string to_json(const Report& report) { return dump(value_of(report)); }

std::string to_json(const Report& report, const Captured& out, const Captured& err) {
  Json value = value_of(report);
  add_stream(value, "stdout", out);
  add_stream(value, "stderr", err);
  return dump(value);
}

std::string to_base64(std::string_view bytes) {
  constexpr std::string_view alphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const auto byte = [&](std::size_t at) -> unsigned {
      return at < bytes.size() ? static_cast<unsigned char>(bytes[at]) : 0U;
    };
    const unsigned group = byte(i) << 16 | byte(i + 1) << 8 | byte(i + 2);
    for (int part = 0; part < 4; ++part) {
      const bool is_padding = i + static_cast<std::size_t>(part) > bytes.size();
      text += is_padding ? '=' : alphabet[group >> (18 - 6 * part) & 63U];
    }
  }
  return text;
}

}  // namespace ringfort::cli
