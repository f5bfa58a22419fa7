#include "ringfort/specs/validate.hpp"

#include "ringfort/specs/cron.hpp"
#include "ringfort/specs/grammar.hpp"
#include "ringfort/specs/yaml_reader.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace ringfort::specs {
namespace {

using testing::HasSubstr;

const std::string data_dir = std::string{RINGFORT_SOURCE_DIR} + "/tests/specs/data";

std::string faults(std::string_view yaml) {
  const auto parsed = parse_deployment(yaml, "t.yaml");
  if (!parsed) return "does not parse: " + to_string(parsed.error());
  return to_string(validate(parsed->value, parsed->positions));
}

/// The faults of a document whose one service has an image and `fields`.
std::string faults_of_web(std::string_view fields) {
  return faults("version: v1\ndeployment: test\nservices:\n  web:\n    image: {name: host}\n" +
                std::string{fields});
}

TEST(Validation, AcceptsTheFullExample) {
  const auto loaded = load_deployment(data_dir + "/full.yaml");
  EXPECT_TRUE(loaded) << to_string(loaded.error());
}

TEST(Validation, AcceptsADeploymentWithoutServices) {
  EXPECT_EQ(faults("version: v1\ndeployment: a-1\n"), "");
}

TEST(Validation, JudgesVersionAndName) {
  EXPECT_EQ(faults("version: v2\ndeployment: -x\n"),
            "t.yaml:1:10: version: \"v2\" is no version of the schema. Write v1.\n"
            "t.yaml:2:13: deployment: \"-x\" is no name for a deployment. Write 3 to 63 letters, "
            "digits or hyphens, the first no hyphen.\n");
  EXPECT_EQ(faults("version: v1\ndeployment: " + std::string(63, 'a') + "\n"), "");
  for (const auto& name : {std::string{"ab"}, std::string(64, 'a'), std::string{"a_b"},
                           std::string{"a b"}, std::string{"caf\xc3\xa9"}}) {
    EXPECT_THAT(faults("version: v1\ndeployment: " + name + "\n"), HasSubstr("is no name for"));
  }
}

TEST(Validation, RefusesServiceNamesThatLeaveTheirDirectory) {
  EXPECT_EQ(faults("version: v1\ndeployment: test\nservices:\n  ../../x: {image: {name: host}}\n"),
            "t.yaml:4:3: services.../../x: the service name \"../../x\" has the byte 0x2e at "
            "position 1. Begin with a letter or digit and go on with letters, digits, '-', '_' or "
            "'.'.\n");
}

TEST(Validation, JudgesTheSeccompProfile) {
  for (const auto* profile : {"default", "build", "strict"})
    EXPECT_EQ(faults_of_web("    seccomp: " + std::string{profile} + "\n"), "");
  EXPECT_THAT(faults_of_web("    seccomp: buidl\n"),
              AllOf(HasSubstr("t.yaml:6:14"), HasSubstr("buidl"), HasSubstr("build")));
  EXPECT_EQ(faults_of_web("    seccomp: strict\n"
                          "    endpoints: [{name: a, protocol: tcp, port: 8080}]\n"),
            "t.yaml:6:14: services.web.seccomp: strict makes no sockets, and the service has "
            "endpoints. Write default, or socket_activation: true at the endpoint.\n");
  EXPECT_EQ(faults_of_web("    seccomp: strict\n"
                          "    endpoints: [{name: a, protocol: tcp, port: 8080, "
                          "socket_activation: true}]\n"),
            "");
}

TEST(Validation, FindsUnknownDependencies) {
  EXPECT_EQ(faults(R"(version: v1
deployment: test
services:
  web:
    image: {name: host}
    depends: [{service: bd}, {service: db}, {service: db}]
  db: {image: {name: host}}
)"),
            "t.yaml:6:25: services.web.depends[0].service: there is no service \"bd\". Write db.\n"
            "t.yaml:6:55: services.web.depends[2].service: \"db\" is given twice. Remove one.\n");
}

TEST(Validation, TellsTheWholeCircleOfDependencies) {
  const auto text = faults(R"(version: v1
deployment: test
services:
  a: {image: {name: host}, depends: [{service: b}]}
  b: {image: {name: host}, depends: [{service: c}, {service: d}]}
  c: {image: {name: host}, depends: [{service: a}]}
  d: {image: {name: host}, depends: [{service: d}]}
  e: {image: {name: host}, depends: [{service: a}]}
)");
  EXPECT_EQ(text,
            "t.yaml:6:48: services.c.depends[0].service: the dependencies go in a circle: "
            "a -> b -> c -> a. Remove one of them.\n"
            "t.yaml:7:48: services.d.depends[0].service: the dependencies go in a circle: "
            "d -> d. Remove one of them.\n");
}

TEST(Validation, FollowsLongChainsAndDiamonds) {
  std::string yaml = "version: v1\ndeployment: test\nservices:\n";
  for (int i = 0; i < 3000; ++i) {
    yaml += "  s" + std::to_string(i) + ": {image: {name: host}";
    if (i > 1) {
      yaml += ", depends: [{service: s" + std::to_string(i - 1) + "}, {service: s" +
              std::to_string(i - 2) + "}]";
    }
    yaml += "}\n";
  }
  EXPECT_EQ(faults(yaml), "");
}

TEST(Validation, TellsPlaceFaultAndRemedyOfEveryRule) {
  struct Row {
    std::string_view fields;
    std::string_view error;
  };
  for (
      const auto& [fields, error] : {
          Row{"    linger: 61m\n", "web.linger: is longer than an hour. Write 1h"},
          // schedule
          {"    rtype: cron\n", "web.schedule: a cron service lacks its schedule. Write sched"},
          {"    schedule: 0 0 0 * * *\n", "t.yaml:6:15: services.web.schedule: only a cron serv"},
          {"    rtype: cron\n    schedule: 0 0 25 * * *\n",
           "t.yaml:7:15: services.web.schedule: the schedule has the hour \"25\". Write"},
          // command and environment
          {"    command: {entrypoint: [\"\"]}\n", "command.entrypoint[0]: is empty. Write the pr"},
          {"    command: {workdir: srv}\n", "command.workdir: the path \"srv\" is not absolute."},
          {"    env: {1A: x}\n", "web.env.1A: \"1A\" is no name of a variable. Write letters"},
          {"    env: {\"A=B\": x}\n", "is no name of a variable"},
          {"    env: {A: \"$S:\"}\n", "web.env.A: the reference \"$S:\" is not complete. Write"},
          {"    env: {A: \"$S:@db\"}\n", "is not complete. Write $S:@service/secret."},
          {"    env: {A: \"$S:@../key\"}\n", "is not complete. Write $S:@service/secret."},
          {"    env: {A: \"$E:1X\"}\n", "is not complete. Write $E:VARIABLE."},
          // resources
          {"    resources: {cpu: 0}\n", "t.yaml:6:22: services.web.resources.cpu: is not above 0"},
          {"    resources: {cpu: -1}\n", "resources.cpu: is not above 0"},
          {"    resources: {memory: 0}\n", "resources.memory: is 0, which leaves nothing. Write"},
          {"    resources: {memory: 1Mi, memory_reservation: 2Mi}\n", "is more than memory. Writ"},
          {"    resources: {memory: 2Mi, memory_swap: 1Mi}\n", "is less than memory"},
          {"    resources: {pids_limit: 0}\n", "0 is out of range. Write 1 to 4194304."},
          {"    resources: {memory_swappiness: 101}\n", "101 is out of range. Write 0 to 100."},
          {"    resources: {oom_score_adj: -1001}\n", "Write -1000 to 1000."},
          {"    resources: {blkio_weight: 9}\n", "Write 10 to 1000."},
          {"    resources: {cpuset: 3-1}\n", "\"3-1\" is no set of processors."},
          {"    resources: {gpu: {count: 0}}\n", "gpu.count: is 0."},
          {"    resources: {gpu: {distributed: {master_port: 0}}}\n", "master_port: is 0."},
          // endpoints and network
          {"    endpoints: [{name: a, protocol: tcp, port: 0}]\n",
           "t.yaml:6:48: services.web.endpoints[0].port: is 0. Write 1 to 65535."},
          {"    endpoints: [{name: a, protocol: tcp, port: 1, target_port: 0}]\n",
           "endpoints[0].target_port: is 0."},
          {"    endpoints: [{name: \"\", protocol: tcp, port: 1}]\n", "endpoints[0].name: \"\" is"},
          {"    endpoints: [{name: a, protocol: tcp, port: 1}, {name: a, protocol: tcp, port: "
           "2}]\n",
           "endpoints[1].name: \"a\" is given twice. Choose another."},
          {"    endpoints: [{name: a, protocol: http, port: 1, path: x}]\n", "begin with /"},
          {"    endpoints: [{name: a, protocol: udp, port: 1, socket_activation: true}]\n",
           "endpoints[0].socket_activation: is for streams"},
          {"    endpoints: [{name: a, protocol: tcp, port: 1, socket_activation: true}, {name: b, "
           "protocol: tcp, port: 2, socket_activation: true}]\n",
           "endpoints[1].socket_activation: is given twice"},
          {"    endpoints: [{name: a, protocol: http, port: 1, host: \"*\"}]\n", "is no host"},
          {"    endpoints: [{name: a, protocol: http, port: 1, stream: {tls: true}}]\n",
           "endpoints[0].stream: only tcp and udp"},
          {"    endpoints: [{name: a, protocol: tcp, port: 1, stream: {health_check: {type: "
           "udp_probe, request: x}}}]\n",
           "health_check.type: does not fit the protocol."},
          {"    endpoints: [{name: a, protocol: tcp, port: 1, target_role: x}]\n",
           "no replica group has the role \"x\""},
          {"    endpoints: [{name: a, protocol: tcp, port: 1, tunnel: {access: {max_ttl: 0s}}}]\n",
           "tunnel.access.max_ttl: is 0."},
          {"    port_mappings: [{container_port: 0}]\n", "container_port: is 0."},
          {"    port_mappings: [{container_port: 1, host_ip: x}]\n", "\"x\" is no address."},
          {"    port_mappings: [{container_port: 1, host_port: 5}, {container_port: 2, host_port: "
           "5}]\n",
           "port_mappings[1].host_port: 5 is given twice."},
          {"    expose: [0]\n", "\"0\" is no port."},
          {"    network_mode: bridge:../x\n", "web.network_mode: \"../x\" is no name."},
          {"    hostname: -x\n", "is no host name"},
          {"    dns: [dns.example]\n", "web.dns[0]: \"dns.example\" is no address."},
          {"    extra_hosts: [db]\n", "\"db\" is no entry for hosts. Write name:address"},
          // scale and groups
          {"    scale: {mode: adaptive, min: 3, max: 2}\n",
           "t.yaml:6:34: services.web.scale.min: 3 is more than max, 2. Write at most 2."},
          {"    scale: {mode: adaptive, min: 0, max: 0}\n", "scale.max: is 0."},
          {"    scale: {mode: adaptive, targets: {}}\n", "scale.targets: is empty. Write cpu,"},
          {"    scale: {mode: adaptive, targets: {cpu: 101}}\n",
           "targets.cpu: 101 is out of range"},
          {"    replica_groups: [{role: A, count: 1}]\n", "replica_groups[0].role: \"A\" is no ro"},
          {"    replica_groups: [{role: a, count: 0}]\n", "replica_groups[0].count: is 0."},
          {"    replica_groups: [{role: a, count: 1}, {role: a, count: 1}]\n",
           "replica_groups[1].role: the role \"a\" is given twice."},
          {"    replica_groups: [{role: a, count: 1, env: {\"\": x}}]\n", "no name of a variable"},
          // health and init
          {"    health: {check: {type: http, url: localhost}}\n", "\"localhost\" is no address."},
          {"    health: {check: {type: http, url: \"http://a\", expect_status: 99}}\n",
           "is no HTTP status. Write 100 to 599."},
          {"    health: {check: {type: command, command: \"\"}}\n", "check.command: is empty."},
          {"    health: {interval: 0s}\n", "health.interval: is 0."},
          {"    health: {retries: 0}\n", "health.retries: is 0."},
          {"    init: {steps: [{id: a, uses: init.wait_tpc}]}\n",
           "init.steps[0].uses: there is no action \"init.wait_tpc\". Write init.wait_tcp."},
          {"    init: {steps: [{id: a, uses: init.run}]}\n",
           "init.steps[0].with.command: is missing. Write command: and a value."},
          {"    init: {steps: [{id: a, uses: init.run, with: {command: x, comand: y}}]}\n",
           "init.run takes no \"comand\". Write command."},
          {"    init: {steps: [{id: a, uses: init.wait_tcp, with: {host: h, port: x}}]}\n",
           "with.port: \"x\" is no port."},
          {"    init: {steps: [{id: a, uses: init.run, with: {command: x, timeout: soon}}]}\n",
           "with.timeout: \"soon\" is no time."},
          {"    init: {steps: [{id: a, uses: init.run, with: {command: x}}, {id: a, uses: "
           "init.run, with: {command: x}}]}\n",
           "init.steps[1].id: \"a\" is given twice."},
          // storage and devices
          {"    storage: [{type: bind, source: a, target: /a}]\n", "storage[0].source: the path"},
          {"    storage: [{type: bind, source: /a/../b, target: /a}]\n", "has a part \"..\" or"},
          {"    storage: [{type: anonymous, target: /a/..}]\n",
           "t.yaml:6:41: services.web.storage[0].target: the path \"/a/..\" has a part \"..\" or "
           "\".\". Write an absolute path without \"..\", quotes or control characters."},
          {"    storage: [{type: anonymous, target: '/x\")) (allow default)'}]\n",
           "has the character \". Write an absolute path"},
          {"    storage: [{type: anonymous, target: \"/a\\nb\"}]\n", "has the character \\x0a."},
          {"    storage: [{type: anonymous, target: /}]\n", "target: is the root."},
          {"    storage: [{type: anonymous, target: //}]\n", "target: is the root."},
          {"    storage: [{type: anonymous, target: /proc/x}]\n",
           "t.yaml:6:41: services.web.storage[0].target: \"/proc/x\" lies in /proc, where the "
           "system's own files are. Write a directory of its own such as /data."},
          {"    storage: [{type: tmpfs, target: //sys/}]\n", "\"//sys/\" lies in /sys,"},
          {"    storage: [{type: tmpfs, target: /dev}]\n", "\"/dev\" lies in /dev,"},
          {"    storage: [{type: anonymous, target: \"/a\\u0085b\"}]\n",
           "has the character \\xc2\\x85"},
          {"    storage: [{type: anonymous, target: /a}, {type: tmpfs, target: //a/}]\n",
           "storage[1].target: \"//a/\" is given twice."},
          {"    storage: [{type: anonymous, target: /a}, {type: tmpfs, target: /a}]\n",
           "storage[1].target: \"/a\" is given twice."},
          {"    storage: [{type: named, name: Data, target: /a}]\n", "\"Data\" is no name for a v"},
          {"    storage: [{type: named, name: a-, target: /a}]\n", "\"a-\" is no name for a vol"},
          {"    storage: [{type: named, name: a, target: /a, size: 0}]\n",
           "storage[0].size: is 0,"},
          {"    storage: [{type: tmpfs, target: /a, mode: 4096}]\n", "storage[0].mode: is no mode"},
          {"    storage: [{type: s3, bucket: b, target: /a}]\n", "\"b\" is no bucket."},
          {"    devices: [{path: /etc/passwd}]\n",
           "devices[0].path: \"/etc/passwd\" is no device. Write one such as /dev/dri/renderD128."},
          {"    devices: [{path: /dev/../etc}]\n", "has a part \"..\""},
          {"    endpoints: [{name: a, protocol: http, port: 1, path: \"/a\\nb\"}]\n",
           "endpoints[0].path: \"/a\\x0ab\" has a character that no address has."},
          {"    devices: [{path: \"\"}]\n", "devices[0].path: the path \"\" is empty."},
          {"    devices: [{path: /dev/x, read: false, write: false}]\n", "gives no access at all"},
          // identity and the rest
          {"    capabilities: [net_admin]\n", "capabilities[0]: \"net_admin\" is no capability."},
          {"    user: \"a b\"\n", "web.user: \"a b\" is no user."},
          {"    user: \"a:\"\n", "web.user: \"a:\" is no user."},
          {"    stop_signal: SIGFOO\n", "web.stop_signal: \"SIGFOO\" is no signal."},
          {"    ulimits: {nofiles: {soft: 1}}\n", "there is no limit \"nofiles\". Write nofile."},
          {"    ulimits: {nofile: {soft: 2, hard: 1}}\n", "the soft limit is above the hard one."},
          {"    ulimits: {nofile: {soft: -2}}\n", "is negative."},
          {"    cgroup_parent: a/../b\n", "is no cgroup"},
          {"    affinity: {pin: zone}\n", "names no node. Write pin: \"id=2\"."},
          {"    wasm: {}\n", "web.wasm: only a wasm service has it."},
          {"    service_type: wasm_http\n", "has no http endpoint. Add one."},
          {"    service_type: wasm_plugin\n    wasm: {min_instances: 11}\n",
           "wasm.min_instances: is more than max_instances. Write at most 10."},
          {"    require: [landlok]\n",
           "require[0]: \"landlok\" is neither a protection nor a field. Write landlock."},
          {"    require: [seccomp, memory]\n",
           "require[1]: \"memory\" is about a memory limit, and none is set. Write resources.mem"},
          {"    require: [everything]\n", "Write landlock, namespaces, seccomp, cgroup, memory"},
          {"    logs: {max_size_bytes: 0}\n", "logs.max_size_bytes: is 0."},
          {"    logs: {max_size: 0}\n", "logs.max_size: is 0, which leaves nothing."},
          {"    logs: {mode: blok}\n", "blok"},
          {"    logs: {max_files: 0}\n", "logs.max_files: 0 is not between 1 and 100."},
          {"    logs: {max_files: 101}\n", "logs.max_files: 101 is not between 1 and 100."},
      }) {
    EXPECT_THAT(faults_of_web(fields), HasSubstr(error)) << fields;
  }
}

TEST(Validation, AsksTheMachineForDevices) {
  const auto parsed = parse_deployment(
      "version: v1\ndeployment: test\nservices:\n  web:\n    image: {name: host}\n"
      "    devices: [{path: /dev/null}, {path: /dev/none}]\n",
      "t.yaml");
  ASSERT_TRUE(parsed);
  const auto is_there = [](const std::string& path) { return path == "/dev/null"; };
  EXPECT_EQ(
      to_string(missing_devices(parsed->value, parsed->positions, is_there)),
      "t.yaml:6:41: services.web.devices[1].path: there is no device \"/dev/none\". See what is "
      "there: ls /dev; or remove it.\n");
}

/// Each field that holds a path, with a hole for one.
constexpr const char* kPathFields[] = {
    "    command: {workdir: HOLE}\n",
    "    storage: [{type: bind, source: HOLE, target: /a}]\n",
    "    storage: [{type: bind, source: /a, target: HOLE}]\n",
    "    storage: [{type: named, name: a, target: HOLE}]\n",
    "    storage: [{type: anonymous, target: HOLE}]\n",
    "    storage: [{type: tmpfs, target: HOLE}]\n",
    "    storage: [{type: s3, bucket: abc, target: HOLE}]\n",
    "    devices: [{path: HOLE}]\n",
    "    resources: {gpu: {count: 1, vendor: nvidia, mps_pipe_dir: HOLE}}\n",
    "    resources: {gpu: {count: 1, vendor: nvidia, mps_log_dir: HOLE}}\n",
    "    resources: {gpu: {count: 1, vendor: nvidia, time_slicing_config_path: HOLE}}\n",
    "    cgroup_parent: HOLE\n",
    "    replica_groups: [{role: a, count: 1, command: {workdir: HOLE}}]\n",
};

TEST(Validation, RefusesHostilePathsInEveryFieldWithPlaceAndRemedy) {
  for (const std::string_view field : kPathFields) {
    for (const auto* path :
         {R"y("")y", R"y("/x\")) (allow default)")y", R"y("/a\nb")y", R"y("/a\tb")y",
          R"y("/a\\b")y", R"y("/a/../b")y", R"y("/\x7f")y", R"y("/a\u009bb")y", R"y("/a\0b")y"}) {
      std::string text{field};
      text.replace(text.find("HOLE"), 4, path);
      const auto found = faults_of_web(text);
      EXPECT_THAT(found, HasSubstr("t.yaml:6:")) << text;
      EXPECT_THAT(found, testing::AnyOf(HasSubstr(". Write"), HasSubstr(". Remove"))) << text;
    }
  }
}

TEST(Validation, TakesOddPathsThatHurtNobody) {
  for (const auto* path : {R"y("/a b")y", R"y("/it's")y", R"y("/(a)[b]{c}")y", R"y("/$(x);#&*?")y",
                           R"y("/caf\u00e9")y", R"y("/-rf")y"})
    EXPECT_EQ(faults_of_web("    storage: [{type: bind, source: " + std::string{path} +
                            ", target: " + path + "}]\n"),
              "");
}

TEST(Validation, JudgesWhatStandsBesideTheServices) {
  const auto text = faults(R"(version: v1
deployment: test
externals:
  a: {backends: []}
  b: {backends: [nowhere], endpoints: [{name: x, protocol: http, port: 0}]}
tunnels:
  t: {from: "", to: x, local_port: 0, remote_port: 0}
api: {bind: everywhere, jwt_secret: "$S:"}
)");
  for (const auto* error : {
           "t.yaml:4:7: externals.a.backends: is empty. Write at least one host:port.",
           "externals.b.backends[0]: \"nowhere\" is no address.",
           "externals.b.endpoints[0].port: is 0.",
           "tunnels.t.from: is empty.",
           "tunnels.t.local_port: is 0.",
           "tunnels.t.remote_port: is 0.",
           "api.bind: \"everywhere\" is no address.",
           "api.jwt_secret: the reference \"$S:\" is not complete.",
       }) {
    EXPECT_THAT(text, HasSubstr(error));
  }
}

TEST(Validation, NamesPathsEvenWithoutPositions) {
  Deployment deployment;
  deployment.version = "v1";
  deployment.deployment = "test";
  deployment.services["web"].image.name = "";
  EXPECT_EQ(to_string(validate(deployment)),
            "services.web.image.name: the image name is empty. Write a name such as tools:1.\n");
}

TEST(Cron, TakesSixOrSevenFieldsWithSeconds) {
  for (const auto* schedule : {"0 30 3 * * *", "*/5 * * * * *", "0 0 0 1,15 * ?",
                               "0 0 8-18/2 ? JAN-MAR MON-FRI", "59 59 23 31 12 7 2199",
                               "0 0 0 * * sun,3", "  0\t0 0 * * *  ", "0 0/15 * * * * 2026-2030"}) {
    EXPECT_TRUE(check_cron(schedule)) << schedule;
  }
}

TEST(Cron, RefusesWhatNeverHoldsOrIsNoField) {
  for (const auto* schedule : {"",
                               "* * * * *",
                               "* * * * * * * *",
                               "60 * * * * *",
                               "* 60 * * * *",
                               "* * 24 * * *",
                               "* * * 0 * *",
                               "* * * 32 * *",
                               "* * * * 13 *",
                               "* * * * * 0",
                               "* * * * * 8",
                               "* * * * * * 1969",
                               "*/0 * * * * *",
                               "*/61 * * * * *",
                               "5-1 * * * * *",
                               "1, * * * * *",
                               "- * * * * *",
                               "/ * * * * *",
                               "a * * * * *",
                               "* * * * FOO *",
                               "? * * * * *",
                               "* * * L * *",
                               "* * * * * MON#2",
                               "1-2-3 * * * * *",
                               "@daily"}) {
    EXPECT_FALSE(check_cron(schedule)) << schedule;
  }
  EXPECT_FALSE(check_cron(std::string(1'000'000, '*')));
}

TEST(Reference, FollowsItsGrammar) {
  EXPECT_EQ(parse_reference("plain"), Reference{});
  EXPECT_EQ(parse_reference("$HOME"), Reference{});
  EXPECT_EQ(parse_reference("a$S:x"), Reference{});
  EXPECT_EQ(parse_reference("$E:PATH"), (Reference{ReferenceKind::Environment, "", "PATH"}));
  EXPECT_EQ(parse_reference("$S:api-key.1"), (Reference{ReferenceKind::Secret, "", "api-key.1"}));
  EXPECT_EQ(parse_reference("$S:@db/pass"), (Reference{ReferenceKind::Secret, "db", "pass"}));
  for (const auto* text : {"$E:", "$E:a b", "$E:1", "$S:", "$S:/x", "$S:a/b", "$S:@", "$S:@db",
                           "$S:@db/", "$S:@/x", "$S:@db/x/y", "$S:-x", "$S:a b"}) {
    EXPECT_FALSE(parse_reference(text)) << text;
  }
}

TEST(Grammar, KnowsAddressesPortsAndNames) {
  struct Row {
    bool (*is_right)(std::string_view);
    std::vector<std::string_view> right;
    std::vector<std::string_view> wrong;
  };
  for (const auto& [is_right, right, wrong] : {
           Row{is_role,
               {"a", "a-b", "web2"},
               {"", "-a", "a-", "2a", "A", "a_b", "a23456789012345678901234567890x"}},
           {is_storage_name, {"a", "0", "a-0"}, {"", "a-", "-a", "a.b", "A"}},
           {is_ip_address, {"127.0.0.1", "::1", "fe80::1"}, {"", "1.2.3", "256.1.1.1", "::g", "a"}},
           {is_host_and_port,
            {"a:1", "10.0.0.1:65535", "[::1]:80"},
            {"a", "a:", ":1", "a:0", "a:65536", "[x]:1", "a b:1"}},
           {is_http_url, {"http://a", "https://a:1/x?y"}, {"", "http://", "ftp://a", "http://a b"}},
           {is_cpu_set, {"0", "0-3", "0-3,6,8-9"}, {"", ",", "3-1", "a", "0-", "1,,2"}},
           {is_user, {"root", "1000", "1000:1000", "_x:y-z"}, {"", ":", "a:", ":b", "a:b:c", "-x"}},
           {is_signal, {"TERM", "SIGTERM", "1", "64"}, {"", "SIG", "0", "65", "sigterm", "FOO"}},
           {is_port_range, {"80", "80/tcp", "80-90/udp"}, {"", "0", "/tcp", "90-80", "80/sctp"}},
           {is_capability, {"NET_ADMIN", "CAP_SYS_PTRACE", "ALL"}, {"", "CAP_", "net", "A B"}},
       }) {
    for (const auto text : right) EXPECT_TRUE(is_right(text)) << text;
    for (const auto text : wrong) EXPECT_FALSE(is_right(text)) << text;
  }
}

}  // namespace
}  // namespace ringfort::specs
