// The rules inside one service. See validate.hpp.
#include "ringfort/specs/checks.hpp"
#include "ringfort/specs/cron.hpp"
#include "ringfort/specs/enforcement.hpp"
#include "ringfort/specs/grammar.hpp"
#include "ringfort/specs/names.hpp"
#include "ringfort/specs/words.hpp"

#include <algorithm>
#include <set>

namespace ringfort::specs {
namespace {

void check_image(Checks& checks, const std::string& path, const Image& image) {
  const auto directory = image_directory_name(image.name);
  if (!directory) {
    checks.expect(false, path + ".name", directory.error().what, directory.error().hint);
    return;
  }
  checks.expect(image.name.find(' ') == std::string::npos, path + ".name",
                quoted(image.name) + " has a space", "write a name such as tools:1");
}

void check_command(Checks& checks, const std::string& path, const Command& command) {
  checks.expect(command.entrypoint.empty() || !command.entrypoint.front().empty(),
                element(path + ".entrypoint", 0), "is empty", "write the program to run");
  if (command.workdir) check_path(checks, path + ".workdir", *command.workdir);
}

void check_schedule(Checks& checks, const std::string& path, const Service& service) {
  const bool is_cron = service.rtype == ResourceType::Cron;
  if (!service.schedule) {
    checks.expect(!is_cron, path + ".schedule", "a cron service lacks its schedule",
                  "write schedule: \"0 30 3 * * *\"");
    return;
  }
  checks.expect(is_cron, path + ".schedule", "only a cron service has a schedule",
                "write rtype: cron, or remove the schedule");
  checks.expect(check_cron(*service.schedule), path + ".schedule");
}

void check_groups(Checks& checks, const std::string& path, const Service& service) {
  std::set<std::string_view> roles;
  for (std::size_t i = 0; i < service.replica_groups.size(); ++i) {
    const auto& group = service.replica_groups[i];
    const auto here = element(path + ".replica_groups", i);
    checks.expect(is_role(group.role), here + ".role", quoted(group.role) + " is no role",
                  "write up to 30 lower-case letters, digits and hyphens, a letter first");
    checks.expect(roles.insert(group.role).second, here + ".role",
                  "the role " + quoted(group.role) + " is given twice", "choose another");
    checks.expect(group.count >= 1, here + ".count", "is 0", "write at least 1");
    if (group.image) check_image(checks, here + ".image", *group.image);
    if (group.command) check_command(checks, here + ".command", *group.command);
    if (group.resources) check_resources(checks, here + ".resources", *group.resources);
    check_env(checks, here + ".env", group.env);
  }
  const std::vector<std::string_view> known{roles.begin(), roles.end()};
  for (std::size_t i = 0; i < service.endpoints.size(); ++i) {
    const auto& role = service.endpoints[i].target_role;
    if (!role) continue;
    checks.expect_one_of(element(path + ".endpoints", i) + ".target_role", *role, known,
                         "no replica group has the role " + quoted(*role));
  }
}

void check_devices(Checks& checks, const std::string& path, const std::vector<Device>& devices) {
  for (std::size_t i = 0; i < devices.size(); ++i) {
    const auto& device = devices[i];
    check_path(checks, element(path, i) + ".path", device.path);
    const bool is_below_dev = device.path.starts_with("/dev/") && device.path.size() > 5;
    checks.expect(is_below_dev || device.path.empty(), element(path, i) + ".path",
                  quoted(device.path) + " is no device", "write one such as /dev/dri/renderD128");
    checks.expect(device.read || device.write || device.mknod, element(path, i),
                  "gives no access at all", "write read: true, or remove it");
  }
}

template <class Predicate>
void check_each(Checks& checks, const std::string& path, const std::vector<std::string>& texts,
                Predicate is_right, const std::string& what, const std::string& instead) {
  for (std::size_t i = 0; i < texts.size(); ++i) {
    checks.expect(is_right(texts[i]), element(path, i), quoted(texts[i]) + what, instead);
  }
}

template <class Predicate>
void check_text(Checks& checks, const std::string& path, const std::optional<std::string>& text,
                Predicate is_right, const std::string& what, const std::string& instead) {
  if (text) checks.expect(is_right(*text), path, quoted(*text) + what, instead);
}

void check_ulimits(Checks& checks, const std::string& path,
                   const std::map<std::string, Ulimit>& ulimits) {
  static constexpr auto known =
      word_list("as", "core", "cpu", "data", "fsize", "locks", "memlock", "msgqueue", "nice",
                "nofile", "nproc", "rss", "rtprio", "rttime", "sigpending", "stack");
  for (const auto& [name, limit] : ulimits) {
    const auto here = member(path, name);
    checks.expect_one_of(here, name, known, "there is no limit " + quoted(name));
    checks.expect(limit.soft >= -1 && limit.hard >= -1, here, "is negative",
                  "write a number, or -1 for no limit");
    const bool is_ordered = limit.hard == -1 || (limit.soft != -1 && limit.soft <= limit.hard);
    checks.expect(is_ordered, here, "the soft limit is above the hard one", "lower it");
  }
}

void check_identity(Checks& checks, const std::string& path, const Service& service) {
  check_each(checks, path + ".capabilities", service.capabilities, is_capability,
             " is no capability", "write a name such as NET_ADMIN");
  check_each(checks, path + ".cap_drop", service.cap_drop, is_capability, " is no capability",
             "write a name such as NET_ADMIN, or ALL");
  check_text(checks, path + ".user", service.user, is_user, " is no user",
             "write a name or number, and a group after a colon");
  check_text(checks, path + ".stop_signal", service.stop_signal, is_signal, " is no signal",
             "write a name such as SIGTERM, or 1 to 64");
  check_text(
      checks, path + ".cgroup_parent", service.cgroup_parent,
      [](std::string_view text) {
        const bool is_absolute = text.starts_with('/');
        return !text.empty() && !fault_of_path(is_absolute ? text : "/" + std::string{text});
      },
      " is no cgroup", "write a path without \"..\"");
  const auto is_filled = [](std::string_view text) { return !text.empty(); };
  check_each(checks, path + ".extra_groups", service.extra_groups, is_user, " is no group",
             "write a name or number");
  check_each(checks, path + ".security_opt", service.security_opt, is_filled, " is empty",
             "remove it");
  if (service.affinity && service.affinity->kind == AffinityKind::Pin) {
    const auto& pin = service.affinity->pin;
    const auto equals = pin.find('=');
    checks.expect(equals != std::string::npos && equals > 0 && equals + 1 < pin.size(),
                  path + ".affinity", quoted(pin) + " names no node", "write pin: \"id=2\"");
  }
}

void check_requirements(Checks& checks, const std::string& path, const Service& service) {
  for (std::size_t i = 0; i < service.require.size(); ++i) {
    checks.expect(check_required(service, service.require[i]), element(path + ".require", i));
  }
}

/// A server without sockets can only use the one that it is handed.
void check_seccomp(Checks& checks, const std::string& path, const Service& service) {
  if (service.seccomp != SeccompProfile::Strict) return;
  const bool is_handed_one = activated_endpoint(service.endpoints) != nullptr;
  checks.expect(service.endpoints.empty() || is_handed_one, path + ".seccomp",
                "strict makes no sockets, and the service has endpoints",
                "write default, or socket_activation: true at the endpoint");
}

}  // namespace

std::string quoted(std::string_view text) { return "\"" + printable(text, 60) + "\""; }

void check_reference(Checks& checks, const std::string& path, const std::string& value) {
  const auto reference = parse_reference(value);
  if (!reference) checks.expect(false, path, reference.error().what, reference.error().hint);
}

void check_path(Checks& checks, const std::string& path, const std::string& value) {
  const auto fault = fault_of_path(value);
  checks.expect(!fault, path, "the path " + quoted(value) + " " + fault.value_or(""),
                "write an absolute path without \"..\", quotes or control characters");
}

void check_env(Checks& checks, const std::string& path,
               const std::map<std::string, std::string>& env) {
  for (const auto& [name, value] : env) {
    const auto here = member(path, name);
    checks.expect(is_env_name(name), here, quoted(name) + " is no name of a variable",
                  "write letters, digits and _, no digit first");
    check_reference(checks, here, value);
  }
}

void check_service(Checks& checks, const std::string& path, const Service& service) {
  check_image(checks, path + ".image", service.image);
  check_command(checks, path + ".command", service.command);
  check_schedule(checks, path, service);
  check_env(checks, path + ".env", service.env);
  check_resources(checks, path + ".resources", service.resources);
  check_endpoints(checks, path + ".endpoints", service.endpoints);
  check_scale(checks, path + ".scale", service.scale);
  check_groups(checks, path, service);
  check_health(checks, path + ".health", service.health);
  check_init(checks, path + ".init", service.init);
  check_storage(checks, path + ".storage", service.storage);
  check_devices(checks, path + ".devices", service.devices);
  check_network(checks, path, service);
  check_identity(checks, path, service);
  check_ulimits(checks, path + ".ulimits", service.ulimits);
  check_wasm(checks, path, service);
  check_requirements(checks, path, service);
  check_seccomp(checks, path, service);
  if (service.linger)
    checks.expect(*service.linger <= std::chrono::hours{1}, path + ".linger",
                  "is longer than an hour", "write 1h at most");
  if (service.logs) {
    checks.expect(service.logs->max_size_bytes.count > 0, path + ".logs.max_size_bytes", "is 0",
                  "write a size such as 100Mi");
    checks.expect(!service.logs->max_size || service.logs->max_size->count > 0,
                  path + ".logs.max_size", "is 0, which leaves nothing",
                  "write a size such as 10Mi, or remove it");
    const auto files = service.logs->max_files.value_or(1);
    checks.expect(files >= 1 && files <= 100, path + ".logs.max_files",
                  std::to_string(files) + " is not between 1 and 100", "write one such as 3");
  }
}

}  // namespace ringfort::specs
