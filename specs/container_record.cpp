#include "ringfort/specs/container_record.hpp"

#include "ringfort/specs/json.hpp"

#include <nlohmann/json.hpp>

#include <array>
#include <cstdio>
#include <utility>

namespace ringfort::specs {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kVersion = 1;
constexpr const char* kHint =
    "look at it; nothing is touched: `ringfort rm -f` with its name throws the container away";

tl::unexpected<Error> damaged(std::string what) {
  return fail(ErrorKind::Internal, "its record " + std::move(what), kHint);
}

/// FNV-1a, 64 bits: tells a torn record from a whole one, no more.
std::uint64_t checksum(std::string_view owner, std::string_view body) {
  std::uint64_t hash = 14695981039346656037ULL;
  for (const auto text : {owner, body})
    for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
  return hash;
}

Json options_value(const RunOptions& options) {
  Json value;
  if (options.net) value["net"] = to_string(*options.net);
  value["connect"] = options.connect;
  value["listen"] = options.listen;
  value["read"] = options.read;
  value["write"] = options.write;
  value["own_port"] = options.own_port;
  if (options.timeout) value["timeout_us"] = options.timeout->count();
  value["grace_us"] = options.grace.count();
  if (options.user) value["user"] = *options.user;
  value["workdir"] = options.workdir;
  if (options.best_effort) value["best_effort"] = true;
  if (!options.origin.empty()) value["origin"] = options.origin;
  return value;
}

template <class T>
std::optional<T> optional_of(const Json& value, const char* key) {
  if (!value.contains(key)) return std::nullopt;
  return value.at(key).get<T>();
}

RunOptions options_of(const Json& value) {
  RunOptions options;
  if (const auto net = optional_of<std::string>(value, "net")) options.net = parse_net_mode(*net);
  value.at("connect").get_to(options.connect);
  value.at("listen").get_to(options.listen);
  value.at("read").get_to(options.read);
  value.at("write").get_to(options.write);
  value.at("own_port").get_to(options.own_port);
  if (const auto timeout = optional_of<std::int64_t>(value, "timeout_us"))
    options.timeout = Duration{*timeout};
  options.grace = Duration{value.at("grace_us").get<std::int64_t>()};
  options.user = optional_of<std::string>(value, "user");
  value.at("workdir").get_to(options.workdir);
  options.best_effort = value.value("best_effort", false);
  options.origin = optional_of<std::string>(value, "origin").value_or("");
  return options;
}

Json restarts_value(const RestartHistory& history) {
  Json value;
  value["boot_id"] = history.boot_id;
  value["restarts"] = history.restarts;
  value["attempts"] = history.attempts;
  value["exec_failures"] = history.exec_failures;
  value["starts_us"] = Json::array();
  for (const auto start : history.starts) value["starts_us"].push_back(start.count());
  if (history.next_start) value["next_start_us"] = history.next_start->count();
  if (history.next_start_wall) value["next_start"] = to_rfc3339(*history.next_start_wall);
  value["stopped_by_user"] = history.stopped_by_user;
  value["gave_up"] = history.gave_up;
  return value;
}

RestartHistory restarts_of(const Json& value) {
  RestartHistory history;
  value.at("boot_id").get_to(history.boot_id);
  value.at("restarts").get_to(history.restarts);
  value.at("attempts").get_to(history.attempts);
  value.at("exec_failures").get_to(history.exec_failures);
  for (const auto& start : value.at("starts_us"))
    history.starts.emplace_back(start.get<std::int64_t>());
  if (const auto next = optional_of<std::int64_t>(value, "next_start_us"))
    history.next_start = Duration{*next};
  if (const auto next = optional_of<std::string>(value, "next_start"))
    history.next_start_wall = from_rfc3339(*next);
  value.at("stopped_by_user").get_to(history.stopped_by_user);
  value.at("gave_up").get_to(history.gave_up);
  return history;
}

std::string body_of(const ContainerRecord& record, std::string_view service_json) {
  Json value;
  value["id"] = record.id.str();
  value["options"] = options_value(record.options);
  value["level"] = to_string(record.level);
  if (!record.lowered.empty()) value["lowered"] = record.lowered;
  value["durability"] = to_string(record.durability);
  value["layers"] = record.layers;
  value["missing"] = record.missing;
  value["not_enforced"] = record.not_enforced;
  if (record.port) value["port"] = *record.port;
  if (record.uid) value["uid"] = *record.uid;
  value["cgroup"] = record.cgroup;
  value["native_image"] = record.native_image;
  value["own_libraries"] = record.own_libraries;
  if (record.overlay) value["overlay"] = true;
  value["created_at"] = to_rfc3339(record.created_at);
  if (record.restarts) value["restarts"] = restarts_value(*record.restarts);
  auto text = value.dump(-1, ' ', false, Json::error_handler_t::replace);
  text.pop_back();
  return text.append(",\"service\":").append(service_json).append("}");
}

Result<ContainerRecord> record_of(std::string owner, std::string_view body) {
  try {
    const auto value = Json::parse(body);
    ContainerRecord record;
    record.owner = std::move(owner);
    auto id = parse_container_id(value.at("id").get<std::string>());
    if (!id) return fail(id.error());
    record.id = *std::move(id);
    auto service = service_from_json(value.at("service").dump());
    if (!service) return fail(service.error());
    record.service = *std::move(service);
    record.options = options_of(value.at("options"));
    const auto level = parse_level(value.at("level").get<std::string>());
    if (!level) return damaged("names a level that this version does not know");
    record.level = *level;
    record.lowered = value.value("lowered", std::string{});
    record.durability = value.at("durability") == "full" ? Durability::Full : Durability::Process;
    value.at("layers").get_to(record.layers);
    value.at("missing").get_to(record.missing);
    value.at("not_enforced").get_to(record.not_enforced);
    record.port = optional_of<std::uint16_t>(value, "port");
    record.uid = optional_of<std::uint32_t>(value, "uid");
    value.at("cgroup").get_to(record.cgroup);
    value.at("native_image").get_to(record.native_image);
    value.at("own_libraries").get_to(record.own_libraries);
    record.overlay = value.value("overlay", false);
    record.created_at =
        from_rfc3339(value.at("created_at").get<std::string>()).value_or(WallTime{});
    if (value.contains("restarts")) record.restarts = restarts_of(value.at("restarts"));
    return record;
  } catch (const nlohmann::json::exception& error) {
    return damaged(std::string("does not say what it should: ") + error.what());
  }
}

}  // namespace

std::string to_text(const ContainerRecord& record) {
  return to_text(record, to_json(record.service, JsonStyle::Compact));
}

std::string to_text(const ContainerRecord& record, std::string_view service_json) {
  const auto body = body_of(record, service_json);
  std::array<char, 96> head{};
  const int size =
      std::snprintf(head.data(), head.size(), "record %d %016llx %zu\n", kVersion,
                    static_cast<unsigned long long>(checksum(record.owner, body)), body.size());
  const auto word = record.leaving ? kLeavingWord : kOwnerWord;
  return std::string(word) + record.owner + "\n" +
         std::string(head.data(), static_cast<std::size_t>(size)) + body + "\n";
}

Result<ContainerRecord> parse_container_record(std::string_view text) {
  const auto line_end = text.find('\n');
  const bool leaving = text.starts_with(kLeavingWord);
  if ((!leaving && !text.starts_with(kOwnerWord)) || line_end == text.npos)
    return damaged("has no owner");
  std::string owner(text.substr(kOwnerWord.size(), line_end - kOwnerWord.size()));
  const auto rest = text.substr(line_end + 1);
  const auto head_end = rest.find('\n');
  if (head_end == rest.npos) return damaged("is cut");

  int version = 0;
  unsigned long long sum = 0;  // NOLINT(google-runtime-int): what sscanf fills
  std::size_t length = 0;
  const std::string head(rest.substr(0, head_end));
  if (std::sscanf(head.c_str(), "record %d %16llx %zu", &version, &sum, &length) != 3)
    return damaged("has no head");
  if (version > kVersion)
    return fail(ErrorKind::Unsupported,
                "its record is of version " + std::to_string(version) + ", ours is " +
                    std::to_string(kVersion),
                "use the ringfort that wrote it, or a newer one");
  auto body = rest.substr(head_end + 1);
  if (length > body.size()) return damaged("is cut");
  body = body.substr(0, length);
  if (checksum(owner, body) != sum) return damaged("is damaged (checksum)");
  auto record = record_of(std::move(owner), body);
  if (record) record->leaving = leaving;
  return record;
}

}  // namespace ringfort::specs
