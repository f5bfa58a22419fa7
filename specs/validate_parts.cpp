// The rules for a service's parts: limits, mounts, scale, health, init steps, wasm. See checks.hpp.
#include "ringfort/specs/checks.hpp"
#include "ringfort/specs/grammar.hpp"
#include "ringfort/specs/units.hpp"
#include "ringfort/specs/words.hpp"

#include <algorithm>
#include <cmath>
#include <set>

namespace ringfort::specs {
namespace {

template <class T>
void check_range(Checks& checks, const std::string& path, const std::optional<T>& value, T least,
                 T most) {
  if (!value) return;
  checks.expect(*value >= least && *value <= most, path,
                std::to_string(*value) + " is out of range",
                "write " + std::to_string(least) + " to " + std::to_string(most));
}

void check_size(Checks& checks, const std::string& path, const std::optional<Bytes>& size) {
  checks.expect(!size || size->count > 0, path, "is 0, which leaves nothing",
                "write a size such as 512Mi, or remove it for no limit");
}

void check_positive(Checks& checks, const std::string& path,
                    const std::optional<Duration>& duration) {
  checks.expect(!duration || *duration > Duration::zero(), path, "is 0", "write one such as 5s");
}

void check_gpu(Checks& checks, const std::string& path, const Gpu& gpu) {
  checks.expect(gpu.count >= 1, path + ".count", "is 0", "write at least 1, or remove gpu");
  if (gpu.distributed) {
    checks.expect(gpu.distributed->master_port != 0, path + ".distributed.master_port", "is 0",
                  "write 1 to 65535");
  }
  if (gpu.mps_pipe_dir) check_path(checks, path + ".mps_pipe_dir", *gpu.mps_pipe_dir);
  if (gpu.mps_log_dir) check_path(checks, path + ".mps_log_dir", *gpu.mps_log_dir);
  if (gpu.time_slicing_config_path) {
    check_path(checks, path + ".time_slicing_config_path", *gpu.time_slicing_config_path);
  }
}

struct StorageCheck {
  Checks& checks;
  const std::string& path;

  void operator()(const BindStorage& bind) const {
    check_path(checks, path + ".source", bind.source);
  }
  void operator()(const NamedStorage& named) const {
    checks.expect(is_storage_name(named.name), path + ".name",
                  quoted(named.name) + " is no name for a volume",
                  "write up to 63 lower-case letters, digits and inner hyphens");
    check_size(checks, path + ".size", named.size);
  }
  void operator()(const AnonymousStorage&) const {}
  void operator()(const TmpfsStorage& tmpfs) const {
    check_size(checks, path + ".size", tmpfs.size);
    checks.expect(!tmpfs.mode || *tmpfs.mode <= 07777, path + ".mode", "is no mode",
                  "write it in decimal, such as 493 for rwxr-xr-x");
  }
  void operator()(const S3Storage& s3) const {
    const bool is_bucket =
        s3.bucket.size() >= 3 && s3.bucket.size() <= 63 && is_host_name(s3.bucket);
    checks.expect(is_bucket, path + ".bucket", quoted(s3.bucket) + " is no bucket",
                  "write 3 to 63 letters, digits, dots and hyphens");
    if (s3.endpoint) {
      checks.expect(is_http_url(*s3.endpoint), path + ".endpoint",
                    quoted(*s3.endpoint) + " is no address", "write https://HOST");
    }
    if (s3.credentials) check_reference(checks, path + ".credentials", *s3.credentials);
  }
};

/// Without doubled and final slashes, which name the same place.
std::string plain_path(std::string_view path) {
  std::string plain;
  for (const char c : path)
    if (c != '/' || !plain.ends_with('/')) plain += c;
  if (plain.size() > 1 && plain.ends_with('/')) plain.pop_back();
  return plain;
}

/// What would hide the files that the system itself shows there; empty = nothing.
std::string_view system_directory(const std::string& target) {
  const auto is_below = [&](std::string_view top) {
    return target == top || target.starts_with(std::string{top} + "/");
  };
  if (is_below("/dev/shm")) return {};
  for (const std::string_view top : {"/proc", "/sys", "/dev"})
    if (is_below(top)) return top;
  return {};
}

struct InitAction {
  std::string_view name;
  std::vector<std::string_view> required;
  std::vector<std::string_view> optional;
  bool is_open = false;  ///< takes further arguments
};

const std::vector<InitAction>& init_actions() {
  static const std::vector<InitAction> actions{
      {"init.wait_tcp", {"host", "port"}, {"timeout"}},
      {"init.wait_http", {"url"}, {"expect_status", "timeout"}},
      {"init.run", {"command"}, {"timeout"}},
      {"init.s3_push", {}, {}, true},
      {"init.s3_pull", {}, {}, true},
  };
  return actions;
}

void check_init_argument(Checks& checks, const std::string& path, std::string_view name,
                         const std::string& value) {
  if (name == "port") {
    checks.expect(number_between(value, 1, 65535).has_value(), path, quoted(value) + " is no port",
                  "write 1 to 65535");
  } else if (name == "expect_status") {
    checks.expect(number_between(value, 100, 599).has_value(), path,
                  quoted(value) + " is no HTTP status", "write 100 to 599");
  } else if (name == "timeout") {
    checks.expect(number_between(value, 1, 86400) || parse_duration(value), path,
                  quoted(value) + " is no time", "write seconds, or one such as 30s");
  } else if (name == "url") {
    checks.expect(is_http_url(value), path, quoted(value) + " is no address", "write http://HOST");
  } else {
    checks.expect(!value.empty(), path, "is empty", "write a value");
  }
}

void check_init_step(Checks& checks, const std::string& path, const InitStep& step) {
  const auto& actions = init_actions();
  const auto action = std::find_if(actions.begin(), actions.end(),
                                   [&](const InitAction& one) { return one.name == step.uses; });
  if (action == actions.end()) {
    std::vector<std::string_view> names(actions.size());
    std::transform(actions.begin(), actions.end(), names.begin(),
                   [](const InitAction& one) { return one.name; });
    checks.expect_one_of(path + ".uses", step.uses, names,
                         "there is no action " + quoted(step.uses));
    return;
  }
  if (action->is_open) return;
  for (const auto name : action->required) {
    const std::string argument{name};
    checks.expect(step.with.contains(argument), member(path + ".with", name), "is missing",
                  "write " + argument + ": and a value");
  }
  auto known = action->required;
  known.insert(known.end(), action->optional.begin(), action->optional.end());
  for (const auto& [name, value] : step.with) {
    const auto here = member(path + ".with", name);
    const bool is_known = std::find(known.begin(), known.end(), name) != known.end();
    checks.expect_one_of(here, name, known, step.uses + " takes no " + quoted(name));
    if (is_known) check_init_argument(checks, here, name, value);
  }
}

}  // namespace

void check_resources(Checks& checks, const std::string& path, const Resources& resources) {
  checks.expect(!resources.cpu || (std::isfinite(*resources.cpu) && *resources.cpu > 0),
                path + ".cpu", "is not above 0", "write processors, such as 0.5");
  check_size(checks, path + ".memory", resources.memory);
  check_size(checks, path + ".memory_reservation", resources.memory_reservation);
  if (resources.memory && resources.memory_reservation) {
    checks.expect(*resources.memory_reservation <= *resources.memory, path + ".memory_reservation",
                  "is more than memory", "write at most " + to_string(*resources.memory));
  }
  if (resources.memory && resources.memory_swap) {
    checks.expect(*resources.memory_swap >= *resources.memory, path + ".memory_swap",
                  "is less than memory, which it includes",
                  "write at least " + to_string(*resources.memory));
  }
  check_range<std::uint64_t>(checks, path + ".pids_limit", resources.pids_limit, 1, 4'194'304);
  check_range<std::uint64_t>(checks, path + ".cpu_shares", resources.cpu_shares, 2, 262'144);
  check_range(checks, path + ".memory_swappiness", resources.memory_swappiness, 0u, 100u);
  check_range(checks, path + ".oom_score_adj", resources.oom_score_adj, -1000, 1000);
  check_range(checks, path + ".blkio_weight", resources.blkio_weight, 10u, 1000u);
  if (resources.cpuset) {
    checks.expect(is_cpu_set(*resources.cpuset), path + ".cpuset",
                  quoted(*resources.cpuset) + " is no set of processors",
                  "write one such as 0-3,6");
  }
  if (resources.gpu) check_gpu(checks, path + ".gpu", *resources.gpu);
}

void check_storage(Checks& checks, const std::string& path, const std::vector<Storage>& storage) {
  std::set<std::string> targets;
  for (std::size_t i = 0; i < storage.size(); ++i) {
    const auto here = element(path, i);
    const auto& target = target_of(storage[i]);
    check_path(checks, here + ".target", target);
    checks.expect(target.find_first_not_of('/') != std::string::npos || target.empty(),
                  here + ".target", "is the root", "write a directory below it");
    const auto plain = plain_path(target);
    const auto system = system_directory(plain);
    checks.expect(
        system.empty(), here + ".target",
        quoted(target) + " lies in " + std::string{system} + ", where the system's own files are",
        "write a directory of its own such as /data");
    checks.expect(targets.insert(plain).second, here + ".target",
                  quoted(target) + " is given twice", "choose another");
    std::visit(StorageCheck{checks, here}, storage[i]);
  }
}

void check_scale(Checks& checks, const std::string& path, const Scale& scale) {
  const auto* adaptive = std::get_if<AdaptiveScale>(&scale);
  if (adaptive == nullptr) return;
  checks.expect(adaptive->max >= 1, path + ".max", "is 0", "write at least 1");
  checks.expect(
      adaptive->min <= adaptive->max, path + ".min",
      std::to_string(adaptive->min) + " is more than max, " + std::to_string(adaptive->max),
      "write at most " + std::to_string(adaptive->max));
  if (!adaptive->targets) return;
  const auto& [cpu, memory, rps] = *adaptive->targets;
  checks.expect(cpu || memory || rps, path + ".targets", "is empty",
                "write cpu, memory or rps, or remove it");
  check_range(checks, path + ".targets.cpu", cpu, 1u, 100u);
  check_range(checks, path + ".targets.memory", memory, 1u, 100u);
  check_range(checks, path + ".targets.rps", rps, 1u, 1'000'000u);
}

void check_health(Checks& checks, const std::string& path, const Health& health) {
  check_positive(checks, path + ".interval", health.interval);
  check_positive(checks, path + ".timeout", health.timeout);
  checks.expect(health.retries >= 1, path + ".retries", "is 0", "write at least 1");
  if (const auto* http = std::get_if<HttpCheck>(&health.check)) {
    checks.expect(is_http_url(http->url), path + ".check.url", quoted(http->url) + " is no address",
                  "write http://HOST:PORT/PATH");
    checks.expect(http->expect_status >= 100 && http->expect_status <= 599,
                  path + ".check.expect_status", "is no HTTP status", "write 100 to 599");
  }
  if (const auto* command = std::get_if<CommandCheck>(&health.check)) {
    checks.expect(!command->command.empty(), path + ".check.command", "is empty",
                  "write the command to run");
  }
}

void check_init(Checks& checks, const std::string& path, const Init& init) {
  std::set<std::string_view> ids;
  for (std::size_t i = 0; i < init.steps.size(); ++i) {
    const auto& step = init.steps[i];
    const auto here = element(path + ".steps", i);
    checks.expect(!step.id.empty(), here + ".id", "is empty", "write a name for the step");
    checks.expect(ids.insert(step.id).second, here + ".id", quoted(step.id) + " is given twice",
                  "choose another");
    check_positive(checks, here + ".timeout", step.timeout);
    check_init_step(checks, here, step);
  }
}

void check_wasm(Checks& checks, const std::string& path, const Service& service) {
  const bool is_wasm =
      service.service_type != ServiceType::Standard && service.service_type != ServiceType::Job;
  if (service.service_type == ServiceType::WasmHttp) {
    const auto& endpoints = service.endpoints;
    checks.expect(std::any_of(endpoints.begin(), endpoints.end(),
                              [](const Endpoint& endpoint) {
                                return endpoint.protocol == Protocol::Http ||
                                       endpoint.protocol == Protocol::Https;
                              }),
                  path + ".endpoints", "a wasm_http service has no http endpoint", "add one");
  }
  if (!service.wasm) return;
  const auto here = path + ".wasm";
  const auto& wasm = *service.wasm;
  checks.expect(is_wasm, here, "only a wasm service has it", "write service_type: wasm_http");
  checks.expect(wasm.max_instances >= 1, here + ".max_instances", "is 0", "write at least 1");
  checks.expect(wasm.min_instances <= wasm.max_instances, here + ".min_instances",
                "is more than max_instances",
                "write at most " + std::to_string(wasm.max_instances));
  check_positive(checks, here + ".request_timeout", wasm.request_timeout);
  check_positive(checks, here + ".epoch_interval", wasm.epoch_interval);
  check_size(checks, here + ".max_memory", wasm.max_memory);
  check_size(checks, here + ".kv_max_value_size", wasm.kv_max_value_size);
  for (std::size_t i = 0; i < wasm.preopens.size(); ++i) {
    check_path(checks, element(here + ".preopens", i) + ".source", wasm.preopens[i].source);
    check_path(checks, element(here + ".preopens", i) + ".target", wasm.preopens[i].target);
  }
}

}  // namespace ringfort::specs
