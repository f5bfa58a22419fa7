// What is computed for one container, without the kernel.
#include "ringfort/platform/launch_plan.hpp"
#include "ringfort/platform/policy.hpp"
#include "ringfort/platform/seatbelt_profile.hpp"
#include "ringfort/platform/seccomp_filter.hpp"
#include "ringfort/specs/enforcement.hpp"
#include "ringfort/specs/json.hpp"
#include "ringfort/specs/yaml_reader.hpp"

#include <benchmark/benchmark.h>

namespace ringfort::platform {
namespace {

constexpr std::string_view kYaml = R"(
version: v1
deployment: bench
services:
  web:
    rtype: service
    image: {name: "bench/web:latest"}
    command: {entrypoint: ["/bin/server", "--port", "8080"]}
    env: {COLOUR: blue, MODE: fast}
    endpoints: [{name: http, protocol: http, port: 8080}]
    resources: {memory: 512Mi, gpu: {vendor: apple, count: 1}}
    storage: [{type: named, name: data, target: /data, size: 1Gi}]
    scale: {mode: fixed, replicas: 3}
)";

const specs::Service& service() {
  static const auto parsed = specs::parse_deployment(kYaml, "bench.yaml");
  return parsed.value().value.services.at("web");
}

Policy policy() {
  return make_policy(service(), {}, {"/data/containers/web-1", true, true, 20001, false}).value();
}

Command command() {
  Command command;
  command.argv = {"/bin/server", "--port", "8080"};
  command.env = {{"COLOUR", "blue"}, {"MODE", "fast"}};
  command.own_port = 20001;
  command.hostname = "web-1";
  return command;
}

HostFacts machine() {
  HostFacts host;
  host.landlock_abi = 7;
  host.uid = host.gid = 1000;
  host.system_directories = {"/usr"};
  host.system_links = {{"/bin", "usr/bin"}, {"/lib", "usr/lib"}, {"/lib64", "usr/lib64"}};
  host.etc_files = {"/etc/ssl", "/etc/localtime", "/etc/ld.so.cache"};
  return host;
}

void yaml_parse(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(specs::parse_deployment(kYaml, "bench.yaml"));
}
BENCHMARK(yaml_parse);

void config_json(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(specs::to_json(service()));
}
BENCHMARK(config_json);

void fields_not_enforced(benchmark::State& state) {
  for (auto _ : state) {
    benchmark::DoNotOptimize(specs::check_enforceable(service()));
    benchmark::DoNotOptimize(specs::not_enforced(service()));
    benchmark::DoNotOptimize(specs::required_protections(service()));
  }
}
BENCHMARK(fields_not_enforced);

void policy_of_a_service(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(policy());
}
BENCHMARK(policy_of_a_service);

void seatbelt_text(benchmark::State& state) {
  const auto about = policy();
  for (auto _ : state) benchmark::DoNotOptimize(seatbelt_profile(about));
}
BENCHMARK(seatbelt_text);

void seccomp_program(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(seccomp_filter({NetMode::Local}));
}
BENCHMARK(seccomp_program);

void launch_plan(benchmark::State& state, Level level) {
  const auto about = policy();
  const auto what = command();
  const auto host = machine();
  for (auto _ : state) benchmark::DoNotOptimize(make_launch_plan(about, what, level, host));
}
BENCHMARK_CAPTURE(launch_plan, landlock, Level::Landlock);
BENCHMARK_CAPTURE(launch_plan, namespaces, Level::Namespaces);

void plan_encode(benchmark::State& state, Level level) {
  const auto plan = make_launch_plan(policy(), command(), level, machine()).value();
  for (auto _ : state) benchmark::DoNotOptimize(encode(plan));
  state.counters["bytes"] = static_cast<double>(encode(plan).size());
}
BENCHMARK_CAPTURE(plan_encode, landlock, Level::Landlock);
BENCHMARK_CAPTURE(plan_encode, namespaces, Level::Namespaces);

}  // namespace
}  // namespace ringfort::platform
