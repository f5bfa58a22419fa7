#include "ringfort/actors/site.hpp"

#include "ringfort/actors/root_choice.hpp"
#include "ringfort/platform/gaps.hpp"
#include "ringfort/platform/seatbelt_profile.hpp"
#include "ringfort/specs/container_record.hpp"
#include "ringfort/specs/enforcement.hpp"
#include "ringfort/specs/json.hpp"

#include <algorithm>
#include <charconv>
#include <filesystem>

namespace ringfort::actors {

namespace {

constexpr std::string_view kHostImage = "host";

/// A create that could not be done is CreateFailed, whatever the system called it; what the caller
/// must change in his input keeps its kind.
tl::unexpected<Error> cannot_create(Error error, const ContainerId& id) {
  if (error.kind == ErrorKind::Io || error.kind == ErrorKind::NotFound)
    error.kind = ErrorKind::CreateFailed;
  error.container = id.str();
  return fail(std::move(error));
}

Result<std::optional<platform::Image>> find_image(const Recipe& recipe, const Seams& seams) {
  const std::string& name = recipe.service->image.name;
  if (name == kHostImage) return std::nullopt;
  auto image = seams.files->images().find(name);
  if (!image) return fail(std::move(image.error()));
  return std::move(*image);
}

Result<std::optional<UserIds>> choose_user(const Recipe& recipe, const platform::HostFacts& host) {
  std::optional<std::string> asked =
      recipe.options.user ? recipe.options.user : recipe.service->user;
  if (!asked) {
    if (!recipe.uid) return std::nullopt;
    return UserIds{*recipe.uid, *recipe.uid, true};
  }
  auto user = parse_user(*asked);
  if (!user) return fail(std::move(user.error()));
  if (user->uid == 0)
    return fail(ErrorKind::InvalidSpec, "user 0 is never given to a container",
                "name a plain user, or leave the user out");
  if (host.root) return *user;
  if (user->uid == host.uid) return std::nullopt;
  return fail(ErrorKind::Unsupported, "user " + *asked + " differs from the one who runs ringfort",
              "run ringfort as root, or leave the user out");
}

platform::Command command_of(const Recipe& recipe, const std::optional<UserIds>& user,
                             bool host_image) {
  const specs::Service& service = *recipe.service;
  platform::Command command;
  command.argv = command_line(service.command);
  command.env.assign(service.env.begin(), service.env.end());
  command.workdir = recipe.options.workdir;
  if (service.command.workdir && (!host_image || command.workdir.empty()))
    command.workdir = *service.command.workdir;
  command.own_port = recipe.port;
  if (const auto* endpoint = specs::activated_endpoint(service.endpoints))
    command.listen_name = endpoint->name;
  command.hostname = service.hostname.value_or(recipe.id.str());
  command.deadline = recipe.options.timeout;
  command.grace = recipe.options.grace;
  command.pids_limit = service.resources.pids_limit;
  command.linger = service.linger.value_or(Duration{0});
  command.terminal = recipe.options.terminal;
  command.best_effort = recipe.options.best_effort;
  if (service.logs && service.logs->max_size) command.log.max_size = service.logs->max_size->count;
  if (service.logs && service.logs->max_files) command.log.max_files = *service.logs->max_files;
  command.log.blocks = service.logs && service.logs->mode == specs::LogMode::Block;
  if (user) {
    command.uid = user->uid;
    command.gid = user->gid;
    command.ids_of_block = user->of_block;
  }
  return command;
}

std::string record_text(const Recipe& recipe, const ServiceFacts& facts, const Site& site,
                        const std::optional<platform::Image>& image, const Seams& seams) {
  specs::ContainerRecord record;
  record.owner = seams.files->owner_nonce();
  record.id = site.id;
  record.options = recipe.options;
  record.level = site.level;
  record.lowered = site.lowered;
  record.durability = site.durability;
  record.layers = site.layers;
  record.missing = site.missing;
  record.not_enforced = site.not_enforced;
  record.port = recipe.port;
  record.uid = recipe.uid;
  if (site.cgroup) record.cgroup = site.cgroup->get()->path();
  record.native_image = image && image->native;
  record.own_libraries = image && image->own_libraries;
  record.overlay = site.has_overlay();
  record.created_at = site.created_at;
  return specs::to_text(record, facts.record_json);
}

/// The kernel's limit where it can be had; else the watchdog holds it.
void add_memory_limit(Site& site, const Seams& seams) {
  if (!site.policy.memory_limit) return;
  if (seams.has_cgroups()) {
    std::string name = "ringfort-" + seams.files->owner_nonce() + "-" + site.id.str();
    auto group = seams.make_cgroup(name, *site.policy.memory_limit);
    if (group) {
      site.layers.emplace_back("memory cgroup");
      site.cgroup = std::make_shared<CgroupSlot>(std::move(*group));
    }
  }
}

/// `require` also names what only the machine can answer for.
Status check_required(const ServiceFacts& facts, const Site& site) {
  const auto lacks = [](const std::string& wanted) {
    return fail(ErrorKind::Unsupported, "require: " + wanted + " does not hold on this machine",
                "leave it out of require, or see what would bring it: ringfort doctor");
  };
  auto holds = [&](std::string_view word) {
    return std::ranges::any_of(site.layers, [&](const std::string& layer) {
      return layer.find(word) != std::string::npos;
    });
  };
  for (const std::string& wanted : facts.required) {
    std::string_view word = wanted;
    if (word == "namespaces") word = "pid namespace";
    if (!holds(word)) return lacks(wanted);
  }
  for (const std::string& wanted : facts.required_fields)
    for (const std::string& field : site.not_enforced)
      if (field == wanted || field.starts_with(wanted + ".")) return lacks(field);
  return {};
}

Status create_files(const Recipe& recipe, const ServiceFacts& facts, const Site& site,
                    std::optional<platform::Image> image, const std::optional<UserIds>& user,
                    const Seams& seams) {
  platform::NewContainer files;
  files.id = site.id;
  files.durability = site.durability;
  files.replace = recipe.options.replace;
  files.origin = recipe.options.origin;
  if (image) {
    files.mount_points = platform::use_of(site.plan, image->mount_points);
    // One without a mount may still be the place to work in.
    if (recipe.service->command.workdir || !recipe.options.workdir.empty())
      files.mount_points.left_out.clear();
    files.image = std::move(image);
    files.overlay = site.has_overlay();
  }
  if (user) files.owner = user->uid;
  for (const auto& volume : site.policy.volumes) {
    if (volume.kind == platform::VolumeKind::Named) files.named_volumes.push_back(volume.name);
    if (volume.kind == platform::VolumeKind::Anonymous)
      files.anonymous_volumes.push_back(std::filesystem::path{volume.directory}.filename());
  }
  if (site.durability != Durability::None) {
    auto profile = platform::seatbelt_profile(site.policy);
    if (!profile) return fail(std::move(profile.error()));
    files.seatbelt = std::move(*profile);
    files.config_json = facts.config_json;
    files.record = record_text(recipe, facts, site, files.image, seams);
  }
  return seams.files->create(files);
}

}  // namespace

Result<Blueprint> draw_blueprint(const Recipe& recipe, const ImageTraits& image, Level level,
                                 bool gpu_access, const Seams& seams) {
  const platform::HostFacts host = seams.host_facts();
  const bool host_image = recipe.service->image.name == kHostImage;
  auto user = choose_user(recipe, host);
  if (!user) return fail(std::move(user.error()));
  const platform::PolicyContext about{seams.files->container_dir(recipe.id),
                                      image.native,
                                      gpu_access,
                                      recipe.port,
                                      host_image,
                                      image.own_libraries,
                                      image.overlay_over};
  auto policy = platform::make_policy(*recipe.service, recipe.options, about);
  if (!policy) return fail(std::move(policy.error()));
  auto plan =
      platform::make_launch_plan(*policy, command_of(recipe, *user, host_image), level, host);
  if (!plan) return fail(std::move(plan.error()));
  return Blueprint{std::move(*policy), std::move(*plan), std::move(*user)};
}

ServiceFacts::ServiceFacts(const specs::Service& about)
    : service(about),
      enforceable(specs::check_enforceable(about)),
      config_json(specs::to_json(about) + "\n"),
      record_json(specs::to_json(about, specs::JsonStyle::Compact)),
      not_enforced(specs::not_enforced(about)),
      required(specs::required_protections(about)),
      required_fields(specs::required_fields(about)) {}

Result<std::shared_ptr<const Site>> build_site(const Recipe& recipe, const ServiceFacts& facts,
                                               const Settings& settings, const Seams& seams) {
  const platform::HostFacts host = seams.host_facts();
  const std::string& image_name = recipe.service->image.name;

  if (!facts.enforceable) return cannot_create(facts.enforceable.error(), recipe.id);
  auto image = find_image(recipe, seams);
  if (!image) return cannot_create(std::move(image.error()), recipe.id);
  auto chosen = seams.choose_level(
      recipe.options.isolation.value_or(settings.isolation),
      recipe.options.best_effort ? platform::Effort::Best : platform::Effort::Exact);
  if (!chosen) return cannot_create(std::move(chosen.error()), recipe.id);
  const Level level = chosen->level;

  const auto overlay =
      wants_overlay(recipe.service->rootfs.value_or(recipe.options.rootfs), level, *image, seams);
  if (!overlay) return cannot_create(overlay.error(), recipe.id);
  const ImageTraits traits{*image && (*image)->native, *image && (*image)->own_libraries,
                           *overlay ? (*image)->rootfs : std::string{}};
  auto blueprint = draw_blueprint(recipe, traits, level, settings.gpu_access, seams);
  if (!blueprint) return cannot_create(std::move(blueprint.error()), recipe.id);
  const auto& user = blueprint->user;
  if (Status there = seams.check_sources(blueprint->policy); !there)
    return cannot_create(std::move(there.error()), recipe.id);
  if (user && level == Level::Landlock)
    if (Status ok = seams.check_reachable(blueprint->policy, user->uid, user->gid); !ok)
      return cannot_create(std::move(ok.error()), recipe.id);

  if (recipe.replaced) {
    Status gone = discard_site({recipe.id, recipe.replaced}, seams);
    if (!gone && gone.error().kind == ErrorKind::NotFound) gone = {};  // the claim decides
    if (!gone) return cannot_create(std::move(gone.error()), recipe.id);
  }
  auto site = std::make_shared<Site>();
  site->id = recipe.id;
  site->image = image_name;
  site->caller = recipe.options.caller;
  site->level = level;
  site->lowered = std::move(chosen->lowered);
  site->durability = recipe.options.durability.value_or(settings.durability);
  site->created_at = seams.now();
  if (site->durability == Durability::None && settings.on_exit == OnExit::Keep)
    return cannot_create(Error{ErrorKind::InvalidSpec,
                               "durability none keeps no record, and this runtime's containers are "
                               "to outlive it",
                               "choose durability process or full, or run it attached",
                               {},
                               0},
                         recipe.id);
  site->layers = platform::layers(blueprint->plan);
  site->not_enforced = facts.not_enforced;
  const bool has_gpu = !platform::gpu_nodes(blueprint->policy, host).empty();
  for (auto& field : platform::fields_not_held(*recipe.service, blueprint->plan, has_gpu))
    site->not_enforced.push_back(std::move(field));
  site->policy = std::move(blueprint->policy);
  site->plan = std::move(blueprint->plan);
  if (site->durability == Durability::Full) platform::sync_records(site->plan);
  add_memory_limit(*site, seams);
  site->missing = platform::gaps(site->policy, platform::confinement_of(level),
                                 {host, user && user->of_block, site->cgroup != nullptr});
  if (!chosen->missing.empty()) site->missing.push_back(std::move(chosen->missing));
  if (Status held = check_required(facts, *site); !held)
    return cannot_create(std::move(held.error()), recipe.id);
  if (Status made = create_files(recipe, facts, *site, std::move(*image), user, seams); !made)
    return cannot_create(std::move(made.error()), recipe.id);
  return site;
}

Result<std::shared_ptr<platform::RunRequest>> open_site(const Site& site, const Seams& seams) {
  auto request = std::make_shared<platform::RunRequest>();
  request->container = site.id.str();
  auto files = seams.files->open_for_run(site.id, site.durability);
  if (!files) return fail(std::move(files.error()));
  request->files = std::move(*files);
  if (site.cgroup) {
    if (auto group = site.cgroup->get()) {
      auto fds = group->open_for_run();
      if (!fds) return fail(std::move(fds.error()));
      request->cgroup = std::move(*fds);
    }
  }
  if (site.durability != Durability::None)
    request->state_dir = state_directory(*seams.files, site.id);
  request->plan = site.plan;
  return request;
}

Status discard_site(const messages::Discard& what, const Seams& seams) {
  const auto& id = what.id;
  if (!what.site) {
    if (seams.files->has_live_owner(id))
      return fail(Error{ErrorKind::Conflict, "belongs to another runtime that is alive",
                        "remove it there", id.str(), 0});
    Status gone = seams.spawner->end_found(id.str(), state_directory(*seams.files, id));
    if (gone) gone = seams.files->discard_found(id, Durability::Process, {});
    // Its record could not be read, so nobody knows which port was its own.
    if (gone) (void)seams.forget_stray_ports();
    return gone;
  }
  if (what.site->cgroup) what.site->cgroup->drop();
  Status gone = what.found
                    ? seams.files->discard_found(id, what.site->durability, what.site->created_at)
                    : seams.files->discard(id, what.site->durability);
  if (!gone) gone.error().container = id.str();
  return gone;
}

std::string state_directory(const platform::ContainerFiles& files, const ContainerId& id) {
  return files.data_dir() + "/state/" + id.str();
}

std::vector<std::string> command_line(const specs::Command& command) {
  std::vector<std::string> argv = command.entrypoint;
  argv.insert(argv.end(), command.args.begin(), command.args.end());
  if (argv.empty()) argv.emplace_back("/bin/sh");
  return argv;
}

Result<UserIds> parse_user(std::string_view text) {
  auto number = [](std::string_view digits) -> std::optional<std::uint32_t> {
    std::uint32_t value = 0;
    auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
    return value;
  };
  auto colon = text.find(':');
  auto uid = number(text.substr(0, colon));
  auto gid = colon == std::string_view::npos ? uid : number(text.substr(colon + 1));
  if (!uid || !gid)
    return fail(ErrorKind::InvalidSpec, "user \"" + printable(text) + "\" is not UID or UID:GID",
                "write numbers, as in 1000:1000");
  return UserIds{*uid, *gid, false};
}

}  // namespace ringfort::actors
