#include "ringfort/cli/containers.hpp"

#include "ringfort/cli/runtime_config.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>

namespace ringfort::cli {
namespace {

constexpr const char* kSeeAll = "see them all: ringfort ps -a";

Error unknown(const std::string& name) {
  return {ErrorKind::NotFound, "there is no container " + printable(name, 60), kSeeAll, {}, 0};
}

}  // namespace

bool exists(Runtime& runtime, const ContainerId& id) {
  const auto state = runtime.container_state(id);
  return state || state.error().kind != ErrorKind::NotFound;
}

Result<std::unique_ptr<Runtime>> open_keeping_runtime(const Call& call) {
  auto config = runtime_config(call);
  if (!config) return fail(config.error());
  config->on_exit = OnExit::Keep;
  config->durability = Durability::Process;
  return Runtime::open(*std::move(config));
}

Result<platform::LogFollower> follow_log(const std::string& data_dir, const ContainerId& id,
                                         const LogQuery& query) {
  return platform::LogFollower::open(data_dir + "/containers/" + id.str(),
                                     data_dir + "/state/" + id.str(), query);
}

Result<ContainerId> find_container(Runtime& runtime, const std::string& name) {
  if (const auto id = parse_container_id(name); id && exists(runtime, *id)) return *id;
  if (const ContainerId first{name, 1}; check(first) && exists(runtime, first)) return first;
  const auto all = runtime.list_containers(true);
  if (!all) return fail(all.error());
  std::vector<ContainerId> found;
  for (const auto& entry : *all)
    if (entry.id.str().starts_with(name)) found.push_back(entry.id);
  if (found.size() == 1) return found.front();
  if (found.empty() || name.empty()) return fail(unknown(name));
  return fail(ErrorKind::InvalidSpec,
              "several containers begin with " + printable(name, 60) + ": " + found[0].str() +
                  ", " + found[1].str() + (found.size() > 2 ? ", …" : ""),
              kSeeAll);
}

std::string display_name(const ContainerId& id) { return id.replica == 1 ? id.service : id.str(); }

std::string queued_text(const QueuePlace& place) {
  std::array<char, 96> text{};
  std::snprintf(text.data(), text.size(), "queued %.1f s, %zu before it",
                std::chrono::duration<double>(place.waited).count(), place.before);
  return text.data();
}

Json to_value(const ContainerEntry& entry) {
  Json value;
  value["id"] = entry.id.str();
  value["name"] = display_name(entry.id);
  value["state"] = to_string(entry.state.state);
  value["reason"] = entry.state.reason;
  value["image"] = entry.image;
  value["command"] = entry.command;
  value["level"] = to_string(entry.level);
  value["lowered"] = entry.lowered.empty() ? Json(nullptr) : Json(entry.lowered);
  value["rootfs"] = rootfs_word(entry.overlay);
  value["layers"] = entry.layers;
  value["missing"] = entry.missing;
  value["not_enforced"] = entry.not_enforced;
  value["damaged"] = entry.damaged;
  value["port"] = entry.port ? Json(*entry.port) : Json(nullptr);
  value["pid"] = entry.pid ? Json(*entry.pid) : Json(nullptr);
  value["restarts"] = entry.restarts;
  value["next_start"] = entry.next_start ? Json(to_rfc3339(*entry.next_start)) : Json(nullptr);
  value["queued"] = nullptr;
  if (entry.queued)
    value["queued"] = {
        {"waited_ms", std::chrono::duration<double, std::milli>(entry.queued->waited).count()},
        {"before", entry.queued->before}};
  value["exit"] = entry.state.exit ? to_value(*entry.state.exit) : Json(nullptr);
  return value;
}

}  // namespace ringfort::cli
