#include "ringfort/specs/enforcement.hpp"

#include "ringfort/specs/used_fields.hpp"
#include "ringfort/specs/yaml_reader.hpp"
#include "ringfort/support/golden.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>

namespace ringfort::specs {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const std::string data_dir = std::string{RINGFORT_SOURCE_DIR} + "/tests/specs/data";

Service service_with(std::string_view fields) {
  const auto parsed = parse_deployment(
      "version: v1\ndeployment: test\nservices:\n  web:\n"
      "    image: {name: host}\n" +
          std::string{fields},
      "t");
  if (!parsed) {
    ADD_FAILURE() << to_string(parsed.error());
    return {};
  }
  return parsed->value.services.at("web");
}

bool is_leaf(const std::set<std::string>& paths, const std::string& path) {
  const auto below = paths.lower_bound(path + ".");
  return below == paths.end() || !below->starts_with(path + ".");
}

TEST(Enforcement, SaysSomethingOfEveryFieldOfTheSchema) {
  const auto paths = schema_paths();
  EXPECT_GT(paths.size(), 200u);
  for (const auto& path : paths) {
    EXPECT_TRUE(!is_leaf(paths, path) || find_rule(path) != nullptr) << path;
  }
}

TEST(Enforcement, SaysNothingOfFieldsThatDoNotExist) {
  const auto paths = schema_paths();
  std::set<std::pair<std::string_view, std::string_view>> seen;
  for (const auto& rule : enforcement_table()) {
    EXPECT_TRUE(paths.contains(std::string{rule.path})) << rule.path;
    EXPECT_TRUE(seen.emplace(rule.path, rule.value).second) << rule.path << " stands there twice";
  }
}

TEST(Enforcement, HoldsForWhatTheSeedUses) {
  const auto service = service_with(R"(    rtype: service
    command: {entrypoint: [/bin/echo, hello]}
    endpoints: [{name: a, protocol: tcp, port: 8080, target_port: 80}]
    resources: {memory: 512Mi}
    scale: {mode: fixed, replicas: 3}
    depends: [{service: db, condition: started}]
    env: {A: b}
    labels: {a: b}
)");
  EXPECT_THAT(not_enforced(service), IsEmpty());
  EXPECT_TRUE(check_enforceable(service));
}

TEST(Enforcement, NamesTheUsedFieldsThatAreNotEnforced) {
  struct Row {
    std::string_view fields;
    std::vector<std::string> paths;
  };
  for (const auto& [fields, paths] : {
           Row{"", {}},
           {"    resources: {cpu: 1, pids_limit: 5}\n", {"resources.cpu"}},
           {"    resources: {gpu: {}}\n", {}},
           {"    health: {retries: 3}\n", {}},
           {"    health: {retries: 4, check: {type: command, command: x}}\n", {"health"}},
           {"    storage: [{type: named, name: a, target: /a}]\n", {}},
           {"    storage: [{type: named, name: a, target: /a, size: 1Gi, tier: cached}]\n",
            {"storage.named.size", "storage.named.tier"}},
           {"    endpoints: [{name: a, protocol: udp, port: 1, hold: false}]\n",
            {"endpoints.hold", "endpoints.protocol"}},
           {"    scale: {mode: adaptive, min: 2}\n", {"scale.adaptive"}},
           {"    depends: [{service: db}]\n", {"depends.condition"}},
           {"    rtype: cron\n    schedule: 0 0 0 * * *\n", {"rtype", "schedule"}},
           {"    network_mode: none\n", {}},
           {"    network_mode: bridge:x\n", {"network_mode"}},
           {"    restart_policy: {kind: always}\n    linger: 5s\n", {}},
           {"    stop_signal: SIGINT\n", {"stop_signal"}},
           {"    ulimits: {core: {soft: 0}}\n", {"ulimits"}},
           {"    replica_groups: [{role: a, count: 1}]\n", {"replica_groups"}},
           {"    logs: {max_size: 1Mi, max_files: 2, mode: block}\n", {}},
           {"    logs: {retention_secs: 5}\n", {"logs.retention_secs"}},
           {"    tty: true\n    user: root\n    hostname: h\n", {"tty"}},
       }) {
    EXPECT_EQ(not_enforced(service_with(fields)), paths) << fields;
  }
}

TEST(Enforcement, RefusesWhatItWillNotDo) {
  struct Row {
    std::string_view fields;
    std::string_view error;
  };
  for (const auto& [fields, error] : {
           Row{"    privileged: true\n", "privileged is refused. ringfort exists for the opposite"},
           {"    cap_add: [NET_ADMIN]\n", "capabilities is refused. programs get no capability"},
           {"    service_type: wasm_http\n", "service_type \"wasm_\" is refused. no WebAssembly"},
           {"    wasm: {}\n", "wasm is refused"},
           {"    storage: [{type: s3, bucket: abc, target: /a}]\n", "storage.s3 is refused."},
           {"    env: {A: \"$E:HOME\"}\n", "env \"$E:\" is refused. nothing resolves it yet"},
           {"    env: {A: b, C: \"$S:key\"}\n", "env \"$S:\" is refused."},
       }) {
    const auto status = check_enforceable(service_with(fields));
    ASSERT_FALSE(status) << fields;
    EXPECT_EQ(status.error().kind, ErrorKind::Unsupported);
    EXPECT_THAT(to_string(status.error()), HasSubstr(error));
  }
}

TEST(Enforcement, MakesRequiredFieldsErrorsWhenNobodyEnforcesThem) {
  const std::string limits = "    resources: {memory: 64Mi, pids_limit: 9}\n";
  for (const auto* entry : {"memory", "resources.memory", "command", "env", "landlock", "seccomp",
                            "cgroup", "pids", "scale.fixed", "endpoints.port", "command.args"}) {
    EXPECT_TRUE(
        check_enforceable(service_with(limits + "    require: [" + std::string{entry} + "]\n")))
        << entry;
  }
  for (const auto* entry : {"memory", "cgroup", "resources.pids_limit"}) {
    const auto status =
        check_enforceable(service_with("    require: [" + std::string{entry} + "]\n"));
    ASSERT_FALSE(status) << entry << " without a limit";
    EXPECT_EQ(status.error().kind, ErrorKind::InvalidSpec) << entry;
    EXPECT_THAT(status.error().hint, HasSubstr("write resources.")) << entry;
  }
  for (const auto* entry : {"cpu", "resources", "resources.cpu", "storage", "storage.named.size",
                            "health", "health.check.tcp.port", "privileged"}) {
    const auto status =
        check_enforceable(service_with("    require: [" + std::string{entry} + "]\n"));
    ASSERT_FALSE(status) << entry;
    EXPECT_EQ(status.error().kind, ErrorKind::Unsupported) << entry;
  }
  const auto unknown = check_enforceable(service_with("    require: [moon]\n"));
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().kind, ErrorKind::InvalidSpec);
}

TEST(Enforcement, LeavesProtectionsToTheMachine) {
  EXPECT_THAT(required_protections(service_with("    require: [landlock, memory, seccomp]\n")),
              ElementsAre("landlock", "seccomp"));
}

/// The example is what the round trips are tried with, so it must leave nothing out.
TEST(FullExample, UsesEveryFieldOfTheSchema) {
  const auto parsed = parse_deployment_file(data_dir + "/full.yaml");
  ASSERT_TRUE(parsed);
  std::set<std::string> used;
  for (const auto& [name, service] : parsed->value.services) {
    for (const auto& [path, texts] : used_fields(service)) used.insert(path);
  }
  const auto paths = schema_paths();
  std::set<std::string> unused;
  for (const auto& path : paths) {
    // A group overrides the service with the same types, which the service itself shows in full.
    const bool is_override = path.starts_with("replica_groups.image.") ||
                             path.starts_with("replica_groups.command.") ||
                             path.starts_with("replica_groups.resources.");
    if (is_leaf(paths, path) && !is_override && !used.contains(path)) unused.insert(path);
  }
  EXPECT_THAT(unused, IsEmpty());
  for (const auto& path : used) EXPECT_TRUE(paths.contains(path)) << path;
}

TEST(Enforcement, IsPrintedAsATable) {
  const auto text = markdown_table();
  EXPECT_THAT(text, testing::StartsWith("| Field | On Linux | |\n|---|---|---|\n"));
  EXPECT_THAT(text, HasSubstr("| `resources.cpu` | not enforced yet |  |\n"));
  EXPECT_THAT(text, HasSubstr("| `env` = `$S:` | refused | nothing resolves it yet"));
}

TEST(Enforcement, IsPrintedForTheDocumentation) {
  const std::string page =
      "<!-- Printed from specs/enforcement_table.cpp; do not edit. -->\n"
      "# What happens to each field of a spec\n\n"
      "A row holds for the field and all below it, unless a longer path or a value says more.\n"
      "*Enforced*: done. *Refused*: creation fails. *Not enforced yet*: read and checked, named "
      "in\n"
      "`not_enforced`.\n\n" +
      markdown_table();
  EXPECT_TRUE(support::matches_golden(page, "../../docs/spec-fields.md"));
}

}  // namespace
}  // namespace ringfort::specs
