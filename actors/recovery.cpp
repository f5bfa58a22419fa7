#include "ringfort/actors/recovery.hpp"

#include "ringfort/specs/container_record.hpp"

#include <utility>

namespace ringfort::actors {

namespace {

std::shared_ptr<const Site> site_of(const specs::ContainerRecord& record, Blueprint blueprint,
                                    const Seams& seams) {
  auto site = std::make_shared<Site>();
  site->id = record.id;
  site->image = record.service.image.name;
  site->level = record.level;
  site->durability = record.durability;
  site->layers = record.layers;
  site->missing = record.missing;
  site->not_enforced = record.not_enforced;
  site->policy = std::move(blueprint.policy);
  site->plan = std::move(blueprint.plan);
  if (!record.cgroup.empty() && site->policy.memory_limit) {
    // Without it, after a reboot say, the watchdog holds the limit.
    auto group = seams.reopen_cgroup(record.cgroup);
    if (group) site->cgroup = std::make_shared<CgroupSlot>(std::move(*group));
  }
  return site;
}

}  // namespace

Result<std::shared_ptr<const Recovered>> recover_site(const ContainerId& id,
                                                      const Settings& settings,
                                                      const Seams& seams) {
  auto text = seams.files->read_record(id);
  if (!text) return fail(std::move(text.error()));
  auto named = [&](Error error) {
    error.container = id.str();
    return fail(std::move(error));
  };
  auto record = specs::parse_container_record(*text);
  if (!record) return named(std::move(record.error()));
  if (record->id != id)
    return named({ErrorKind::Internal,
                  "its record is that of " + record->id.str(),
                  "somebody has moved it: look into the state directory",
                  {},
                  0});

  auto recovered = std::make_shared<Recovered>();
  recovered->service = std::make_shared<const specs::Service>(record->service);
  recovered->options = record->options;
  recovered->uid = record->uid;
  recovered->port = record->port;
  Recipe recipe;
  recipe.id = id;
  recipe.service = recovered->service;
  recipe.options = record->options;
  recipe.port = record->port;
  recipe.uid = record->uid;
  auto blueprint = draw_blueprint(recipe, {record->native_image, record->own_libraries},
                                  record->level, settings.gpu_access, seams);
  if (!blueprint) return named(std::move(blueprint.error()));
  recovered->site = site_of(*record, std::move(*blueprint), seams);

  const auto traces = seams.shim_traces(state_directory(*seams.files, id));
  recovered->found = platform::judge(traces);
  if (recovered->found == platform::Found::Ended || recovered->found == platform::Found::Lost)
    recovered->exit = platform::exit_record_of(traces);
  if (traces.shim && traces.shim->main_pid != 0)
    recovered->began = messages::Began{1, traces.shim->shim_pid, traces.shim->main_pid,
                                       WallTime{Duration{traces.shim->started_usec}}};
  recovered->has_live_owner =
      record->owner != seams.files->owner_nonce() && seams.files->is_alive(record->owner);
  record->owner = seams.files->owner_nonce();
  recovered->record = specs::to_text(*record);
  return std::shared_ptr<const Recovered>(std::move(recovered));
}

}  // namespace ringfort::actors
