#include "ringfort/actors/recovery.hpp"

#include "ringfort/specs/container_record.hpp"

#include <map>
#include <set>
#include <utility>

namespace ringfort::actors {

namespace {

std::shared_ptr<const Site> site_of(const specs::ContainerRecord& record, Blueprint blueprint,
                                    const Seams& seams) {
  auto site = std::make_shared<Site>();
  site->id = record.id;
  site->image = record.service.image.name;
  site->level = record.level;
  site->lowered = record.lowered;
  site->durability = record.durability;
  site->created_at = record.created_at;
  site->layers = record.layers;
  site->missing = record.missing;
  site->not_enforced = record.not_enforced;
  site->policy = std::move(blueprint.policy);
  site->plan = std::move(blueprint.plan);
  if (site->durability == Durability::Full) platform::sync_records(site->plan);
  if (!record.cgroup.empty() && site->policy.memory_limit) {
    // Without it, after a reboot say, the watchdog holds the limit.
    auto group = seams.reopen_cgroup(record.cgroup);
    if (group) site->cgroup = std::make_shared<CgroupSlot>(std::move(*group));
  }
  return site;
}

Result<specs::ContainerRecord> parse_record(const ContainerId& id, const std::string& text) {
  auto record = specs::parse_container_record(text);
  if (record && record->id != id)
    record = fail(ErrorKind::Internal, "its record is that of " + record->id.str(),
                  "somebody has moved it: look into the state directory");
  if (!record) record.error().container = id.str();
  return record;
}

Result<specs::ContainerRecord> read_record(const ContainerId& id, const Seams& seams) {
  const auto text = seams.files->read_record(id);
  if (!text) return fail(text.error());
  return parse_record(id, *text);
}

struct Look {
  specs::ContainerRecord record;
  Sighting seen;
};

Result<Look> look_at(const ContainerId& id, const Seams& seams) {
  auto text = seams.files->read_record(id);
  if (!text) return fail(std::move(text.error()));
  auto record = parse_record(id, *text);
  if (!record) return fail(std::move(record.error()));
  auto traces = seams.shim_traces(state_directory(*seams.files, id));
  if (!traces) {
    traces.error().container = id.str();
    return fail(std::move(traces.error()));
  }
  const bool has_live_owner =
      record->owner != seams.files->owner_nonce() && seams.files->is_alive(record->owner);
  return Look{
      std::move(*record),
      {std::move(*text), std::move(*traces), has_live_owner, seams.files->has_directory(id)}};
}

std::optional<std::uint64_t> run_of(const platform::ShimTraces& traces) {
  return traces.shim ? std::optional{traces.shim->cookie} : std::nullopt;
}

Result<std::shared_ptr<Recovered>> recover(Look look, const Settings& settings,
                                           const Seams& seams) {
  const auto& record = look.record;
  auto recovered = std::make_shared<Recovered>();
  recovered->service = std::make_shared<const specs::Service>(record.service);
  recovered->options = record.options;
  recovered->uid = record.uid;
  recovered->port = record.port;
  if (record.restarts) recovered->restarts = *record.restarts;
  Recipe recipe;
  recipe.id = record.id;
  recipe.service = recovered->service;
  recipe.options = record.options;
  recipe.port = record.port;
  recipe.uid = record.uid;
  const ImageTraits traits{
      record.native_image, record.own_libraries,
      record.overlay ? seams.files->images().image_path(record.service.image.name) : std::string{}};
  auto blueprint = draw_blueprint(recipe, traits, record.level, settings.gpu_access, seams);
  if (!blueprint) {
    blueprint.error().container = record.id.str();
    return fail(std::move(blueprint.error()));
  }
  recovered->site = site_of(record, std::move(*blueprint), seams);

  const auto& traces = look.seen.traces;
  recovered->found = platform::judge(traces);
  if (recovered->found == platform::Found::Ended || recovered->found == platform::Found::Lost)
    recovered->exit = platform::exit_record_of(traces);
  if (traces.shim && traces.shim->main_pid != 0)
    recovered->began = messages::Began{1, traces.shim->shim_pid, traces.shim->main_pid,
                                       WallTime{Duration{traces.shim->started_usec}}};
  recovered->has_live_owner = look.seen.has_live_owner;
  const bool is_whole = look.seen.is_whole;
  if (recovered->has_live_owner && !is_whole)
    return fail(Error{ErrorKind::Conflict, "is being made or removed by another runtime",
                      "ask again", record.id.str(), 0});
  recovered->leaving = !recovered->has_live_owner && (record.leaving || !is_whole);
  recovered->seen = std::move(look.seen);
  return recovered;
}

/// Error: one that cannot be read now may have any port.
Result<std::set<std::uint16_t>> recorded_ports(const platform::ContainerFiles& files) {
  std::set<std::uint16_t> known;
  const auto ids = files.recorded();
  if (!ids) return fail(ids.error());
  for (const auto& id : *ids) {
    const auto text = files.read_record(id);
    if (!text && text.error().kind != ErrorKind::NotFound) return fail(text.error());
    const auto record = text ? specs::parse_container_record(*text) : fail(text.error());
    if (record && record->port) known.insert(*record->port);
  }
  return known;
}

}  // namespace

Result<std::shared_ptr<const Recovered>> recover_site(const ContainerId& id,
                                                      const Settings& settings,
                                                      const Seams& seams) {
  auto look = look_at(id, seams);
  if (!look) return fail(std::move(look.error()));
  return recover(std::move(*look), settings, seams);
}

Result<bool> is_as_known(const ContainerId& id, const Recovered& found, const Seams& seams) {
  const auto look = look_at(id, seams);
  if (!look && look.error().kind == ErrorKind::Io) return fail(look.error());
  if (!look) return false;
  const auto& now = look->seen;
  const auto& then = found.seen;
  if (now.traces.locked != then.traces.locked) return false;
  // Its owner may come and go, and writes into its record. Before a run has a name, the record has.
  if (then.traces.locked && then.traces.shim) return run_of(now.traces) == run_of(then.traces);
  if (then.traces.locked) return now.record == then.record && now.is_whole == then.is_whole;
  return run_of(now.traces) == run_of(then.traces) && now.record == then.record &&
         now.has_live_owner == then.has_live_owner && now.is_whole == then.is_whole;
}

bool forget_stray_ports(platform::ContainerFiles& files) {
  if (files.ports().strays({}).empty()) return false;
  auto known = recorded_ports(files);
  if (!known) return false;
  std::map<std::uint16_t, platform::HeldPort> held;
  for (const auto port : files.ports().strays(*known)) {
    auto cursor = port;
    // Not to be had: its container is being made at this moment.
    if (auto claim = platform::claim_port({port, port}, cursor)) held[port] = std::move(*claim);
  }
  // A container may have been made between the two. Who makes one holds the port until its record
  // is there, so what has no record now, with the port in our hand, is nobody's.
  known = held.empty() ? known : recorded_ports(files);
  if (!known) return false;
  bool any = false;
  for (const auto& [port, claim] : held)
    if (!known->contains(port)) any = files.ports().set(port, false).has_value() || any;
  return any;
}

Result<std::shared_ptr<const Recovered>> take_over_site(const ContainerId& id,
                                                        std::optional<std::uint16_t> port,
                                                        const Settings& settings,
                                                        const Seams& seams) {
  auto record = read_record(id, seams);
  if (!record) return fail(record.error());
  record->owner = seams.files->owner_nonce();
  record->port = port;
  if (auto taken = seams.files->take_over(id, specs::to_text(*record), record->durability); !taken)
    return fail(std::move(taken.error()));
  auto look = look_at(id, seams);
  if (!look) return fail(std::move(look.error()));
  return recover(std::move(*look), settings, seams);
}

Status keep_restarts(const ContainerId& id, const specs::RestartHistory& history,
                     const Seams& seams) {
  auto record = read_record(id, seams);
  if (!record) return fail(record.error());
  if (record->leaving)
    return fail(Error{ErrorKind::Conflict, "is being removed", "create it again", id.str(), 0});
  record->restarts = history;
  return seams.files->rewrite(id, specs::to_text(*record), record->durability);
}

}  // namespace ringfort::actors
