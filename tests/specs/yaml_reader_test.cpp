#include "ringfort/specs/yaml_reader.hpp"

#include "ringfort/specs/validate.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace ringfort::specs {
namespace {

using testing::HasSubstr;

const std::string data_dir = std::string{RINGFORT_SOURCE_DIR} + "/tests/specs/data";

/// A document with one service `web`, whose fields are `fields` (indented by four).
std::string web(std::string_view fields) {
  return "version: v1\ndeployment: test\nservices:\n  web:\n" + std::string{fields};
}

Service parse_web(std::string_view fields) {
  const auto parsed = parse_deployment(web(fields), "t.yaml");
  if (!parsed) {
    ADD_FAILURE() << to_string(parsed.error());
    return {};
  }
  return parsed->value.services.at("web");
}

std::string problems_of(std::string_view yaml) {
  const auto parsed = parse_deployment(yaml, "t.yaml");
  return parsed ? "" : to_string(parsed.error());
}

constexpr std::string_view image = "    image: {name: host}\n";

TEST(YamlReader, ReadsWhatTheSeedWrites) {
  const auto parsed = parse_deployment(R"(
version: v1
deployment: e2e
services:
  echo:
    rtype: service
    image:
      name: native/echo:latest
    command:
      entrypoint: ["/bin/echo", "hello"]
    endpoints:
      - name: dummy
        protocol: tcp
        port: 8080
    resources:
      memory: "512Mi"
      gpu:
        vendor: apple
        count: 1
        mode: mps
    storage:
      - type: named
        name: data
        target: /data
        size: 1Gi
    scale:
      mode: fixed
      replicas: 1
)",
                                       "t.yaml");
  ASSERT_TRUE(parsed) << to_string(parsed.error());
  Service wanted;
  wanted.image.name = "native/echo:latest";
  wanted.command.entrypoint = {"/bin/echo", "hello"};
  auto& endpoint = wanted.endpoints.emplace_back();
  endpoint.name = "dummy";
  endpoint.port = 8080;
  wanted.resources.memory = Bytes{536'870'912};
  auto& gpu = wanted.resources.gpu.emplace();
  gpu.vendor = GpuVendor::Apple;
  gpu.mode = GpuMode::Mps;
  wanted.storage.emplace_back(
      NamedStorage{.name = "data", .target = "/data", .size = Bytes{1u << 30}});
  wanted.scale = FixedScale{1};
  EXPECT_EQ(parsed->value.services.at("echo"), wanted);
}

TEST(YamlReader, GivesTheDefaultsOfTheSchema) {
  const auto service = parse_web(image);
  EXPECT_EQ(service.rtype, ResourceType::Service);
  EXPECT_EQ(service.image.pull_policy, PullPolicy::IfNotPresent);
  EXPECT_EQ(service.image.source_policy, SourcePolicy::LocalFirst);
  EXPECT_EQ(service.health.start_grace, std::chrono::seconds{5});
  EXPECT_EQ(service.health.retries, 3u);
  EXPECT_EQ(service.health.check, HealthCheck{TcpCheck{0}});
  EXPECT_EQ(service.scale, Scale{(AdaptiveScale{1, 10, std::chrono::seconds{30}, {}})});
  EXPECT_EQ(service.network.overlays.global, (OverlayNetwork{true, true, false}));
  EXPECT_EQ(service.network.join, (Join{JoinMode::Token, JoinScope::Service}));
  EXPECT_FALSE(service.resources.memory);
}

TEST(YamlReader, ReadsEveryFieldOfTheFullExample) {
  const auto parsed = parse_deployment_file(data_dir + "/full.yaml");
  ASSERT_TRUE(parsed) << to_string(parsed.error());
  const auto& web = parsed->value.services.at("web");
  EXPECT_EQ(web.resources.gpu->sharing, GpuSharing::TimeSlice);
  EXPECT_EQ(web.resources.oom_score_adj, -500);
  EXPECT_EQ(web.command.args.at(2), "caf\xc3\xa9");
  EXPECT_EQ(std::get<UdpProbeCheck>(*web.endpoints.at(1).stream->health_check).expect, "pong");
  EXPECT_EQ(std::get<TmpfsStorage>(web.storage.at(3)).size, Bytes{10'000'000});
  EXPECT_EQ(web.network_mode, (NetworkMode{NetworkModeKind::Bridge, "front"}));
  EXPECT_EQ(web.ulimits.at("core"), (Ulimit{-1, -1}));
  EXPECT_EQ(web.replica_groups.at(0).affinity, (Affinity{AffinityKind::Pin, "id=2"}));
  EXPECT_EQ(parsed->value.tunnels.at("admin").protocol, Transport::Udp);
}

TEST(YamlReader, TakesOtherSpellingsOfOneThing) {
  const auto with = [](std::string_view fields) {
    return parse_web(std::string{image} + std::string{fields});
  };
  EXPECT_EQ(with("    cap_add: [X]\n").capabilities, std::vector<std::string>{"X"});
  EXPECT_TRUE(with("    wasm_http: {}\n").wasm);
  EXPECT_EQ(with("    host_network: true\n").network_mode.kind, NetworkModeKind::Host);
  EXPECT_EQ(with("    host_network: false\n").network_mode.kind, NetworkModeKind::Default);
  const NetworkMode front{NetworkModeKind::Bridge, "front"};
  EXPECT_EQ(with("    network_mode: bridge:front\n").network_mode, front);
  EXPECT_EQ(with("    network_mode: {bridge: front}\n").network_mode, front);
  EXPECT_EQ(with("    network_mode: {bridge: {name: front}}\n").network_mode, front);
  EXPECT_EQ(with("    network_mode: {container: {id: c1}}\n").network_mode,
            (NetworkMode{NetworkModeKind::Container, "c1"}));
  EXPECT_EQ(with("    ulimits: {core: {hard: 5}}\n").ulimits.at("core"), (Ulimit{5, 5}));
}

TEST(YamlReader, KeepsTextAsItIsWritten) {
  const auto service = parse_web(
      std::string{image} + "    env: {A: 1.10, B: true, C: 'x y', D: \"\", E: 007, F: a#b}\n");
  EXPECT_EQ(
      service.env,
      (std::map<std::string, std::string>{
          {"A", "1.10"}, {"B", "true"}, {"C", "x y"}, {"D", ""}, {"E", "007"}, {"F", "a#b"}}));
}

TEST(YamlReader, ParsesWithoutValidating) {
  const auto parsed = parse_deployment(
      "{version: v7, deployment: '', services: {'../x': {image: {name: ''}}}}", "t");
  ASSERT_TRUE(parsed) << to_string(parsed.error());
  EXPECT_EQ(parsed->value.version, "v7");
}

TEST(YamlReader, FollowsHonestAliases) {
  const auto parsed = parse_deployment(
      "version: v1\ndeployment: test\nservices:\n  a: &a {image: {name: host}}\n  b: *a\n", "t");
  ASSERT_TRUE(parsed) << to_string(parsed.error());
  EXPECT_EQ(parsed->value.services.at("a"), parsed->value.services.at("b"));
}

TEST(YamlReader, TellsPlaceFaultAndRemedyOfEveryError) {
  struct Row {
    std::string_view fields;
    std::string_view error;
  };
  for (const auto& [fields, error] : {
           Row{"    comand: {}\n",
               "t.yaml:6:5: services.web: unknown key \"comand\". Write command."},
           {"    xyzzy: {}\n", "t.yaml:6:5: services.web: unknown key \"xyzzy\". Remove it."},
           {"    resources: {memroy: 1}\n",
            "t.yaml:6:17: services.web.resources: unknown key \"memroy\". Write memory."},
           {"    resources: {pidsLimit: 1}\n",
            "t.yaml:6:17: services.web.resources: unknown key \"pidsLimit\". Write pids_limit."},
           {"    lifecycle: {xyzzy: 1}\n",
            "t.yaml:6:17: services.web.lifecycle: unknown key \"xyzzy\". Write delete_on_exit."},
           {"    command: {zzzzzzzz: 1}\n",
            "unknown key \"zzzzzzzz\". Write one of: args, entrypoint, workdir."},
           {"    resources: {memory: 512mb}\n",
            "t.yaml:6:25: services.web.resources.memory: the size \"512mb\" has the unknown unit "
            "\"mb\". Write a number and Ki, Mi, Gi, Ti, Pi (1024) or k, M, G, T, P (1000), such as "
            "512Mi."},
           {"    resources: {memory: }\n",
            "services.web.resources.memory: expects a size, not nothing. Write a size such as"},
           {"    stop_grace_period: 30\n",
            "t.yaml:6:24: services.web.stop_grace_period: the duration \"30\" has no unit. Write "},
           {"    privileged: yes\n",
            "t.yaml:6:17: services.web.privileged: expects true or false, not the text \"yes\". "
            "Write true or false."},
           {"    privileged: \"true\"\n", "not the text \"true\". Write it without quotes."},
           {"    endpoints: [{name: a, protocol: tcp, port: 65536}]\n",
            "services.web.endpoints[0].port: 65536 is out of range. Write a number from 0 to "
            "65535."},
           {"    endpoints: [{name: a, protocol: tcp, port: -1}]\n",
            "endpoints[0].port: -1 is out of range. Write a number from 0 to 65535."},
           {"    endpoints: [{name: a, protocol: tcp, port: 080}]\n",
            "expects a whole number, not the text \"080\". Write decimal digits without leading"},
           {"    endpoints: [{name: a, protocol: tcp, port: \"80\"}]\n",
            "Write it without quotes."},
           {"    endpoints: [{name: a, protocol: tcp, port: 1e3}]\n", "expects a whole number"},
           {"    endpoints: [{name: a, protocol: tcp, port: 99999999999999999999999}]\n",
            "99999999999999999999999 is out of range"},
           {"    endpoints: [{name: a, protocol: tpc, port: 1}]\n",
            "endpoints[0].protocol: the text \"tpc\" is none of the words that can stand here. "
            "Write tcp."},
           {"    endpoints: [{name: a}]\n",
            "t.yaml:6:17: services.web.endpoints[0].port: is missing. Write port: and a value."},
           {"    endpoints: {name: a}\n",
            "t.yaml:6:5: services.web.endpoints: expects a list, not a mapping. Write [a, b], or "
            "[]"},
           {"    command: [/bin/x]\n", "services.web.command: expects a mapping, not a list."},
           {"    command: {entrypoint: /bin/x}\n",
            "services.web.command.entrypoint: expects a list, not the text \"/bin/x\"."},
           {"    resources: {cpu: .inf}\n", "expects a number, not the text \".inf\""},
           {"    resources: {cpu: 1.5.2}\n", "expects a number, not the text \"1.5.2\""},
           {"    resources: {oom_score_adj: -99999999999}\n", "is out of range"},
           {"    user: ~\n", "services.web.user: has no value."},
           {"    user: [a]\n", "services.web.user: expects a text, not a list."},
           {"    storage: [{target: /x}]\n",
            "services.web.storage[0].type: is missing. Write one of: anonymous, bind, named, s3, "
            "tmpfs."},
           {"    storage: [{type: nfs, target: /x}]\n",
            "storage[0].type: the text \"nfs\" is none of the words that can stand here. Write one "
            "of: anonymous"},
           {"    storage: [{type: tmpfs, target: /x, source: /y}]\n",
            "storage[0]: unknown key \"source\". Write"},
           {"    scale: {replicas: 1}\n", "services.web.scale.mode: is missing. Write one of:"},
           {"    cap_add: [a]\n    capabilities: [b]\n", "services.web.cap_add: means the same as"},
           {"    network_mode: [host]\n", "expects a word, not a list"},
           {"    network_mode: 'bridge:'\n", "names nothing after the colon. Write bridge:NAME."},
           {"    network_mode: container\n", "does not say which container. Write container:ID."},
           {"    network_mode: hots\n", "Write host."},
           {"    affinity: pin\n", "is none of the words"},
           {"    affinity: {pni: x}\n", "unknown key \"pni\". Write pin."},
           {"    ulimits: {core: {}}\n", "services.web.ulimits.core: has neither soft nor hard."},
       }) {
    const auto problems = problems_of(web(std::string{image} + std::string{fields}));
    EXPECT_THAT(problems, HasSubstr(error)) << fields;
  }
}

TEST(YamlReader, TellsAllErrorsAtOnceInTheirOrder) {
  EXPECT_EQ(problems_of(R"(version: v1
deploymnet: x
services:
  web:
    image: {nam: host}
    resources:
      memory: 1Zi
      cpu: many
    env: [A]
  web:
    image: {name: host}
)"),
            "t.yaml:1:1: deployment: is missing. Write deployment: and a value.\n"
            "t.yaml:2:1: unknown key \"deploymnet\". Write deployment.\n"
            "t.yaml:5:5: services.web.image.name: is missing. Write name: and a value.\n"
            "t.yaml:5:13: services.web.image: unknown key \"nam\". Write name.\n"
            "t.yaml:7:15: services.web.resources.memory: the size \"1Zi\" has the unknown unit "
            "\"Zi\". Write a number and Ki, Mi, Gi, Ti, Pi (1024) or k, M, G, T, P (1000), such as "
            "512Mi.\n"
            "t.yaml:8:12: services.web.resources.cpu: expects a number, not the text \"many\". "
            "Write a number such as 1.5.\n"
            "t.yaml:9:5: services.web.env: expects a mapping, not a list. Write key: value below "
            "it.\n"
            "t.yaml:10:3: the key \"web\" is given twice; the first is in line 4. Remove one.\n");
}

TEST(YamlReader, NamesTheFileThatCannotBeRead) {
  const auto missing = parse_deployment_file("/nonexistent/x.yaml");
  ASSERT_FALSE(missing);
  EXPECT_EQ(to_string(missing.error()),
            "/nonexistent/x.yaml: cannot open: No such file or directory. Check the path.\n");
  EXPECT_FALSE(parse_deployment_file("/"));
  const auto endless = parse_deployment_file("/dev/zero");
  ASSERT_FALSE(endless);
  EXPECT_THAT(to_string(endless.error()), HasSubstr("bytes. Write at most 1Mi."));
}

TEST(YamlReader, ReadsTheOtherDocuments) {
  const auto policy = parse_network_policy(
      "name: office\ncidrs: [10.0.0.0/8]\nmembers: [{name: eve, kind: user}]\n"
      "access_rules: [{service: web, ports: [80, 443], action: deny}]\n",
      "p.yaml");
  ASSERT_TRUE(policy) << to_string(policy.error());
  EXPECT_EQ(policy->access_rules.at(0).ports, (std::vector<std::uint16_t>{80, 443}));
  EXPECT_EQ(policy->access_rules.at(0).deployment, "*");
  const auto auth = parse_registry_auth("username: u\npassword: p\nauth_type: token\n", "a.yaml");
  ASSERT_TRUE(auth);
  EXPECT_EQ(auth->auth_type, RegistryAuthType::Token);
}

TEST(Problems, BecomeOneError) {
  const auto one = to_error({{"f", 1, 2, "a.b", "is wrong", "write x"}});
  EXPECT_EQ(one.kind, ErrorKind::InvalidSpec);
  EXPECT_EQ(to_string(one), "f:1:2: a.b: is wrong. Write x");
  const auto two =
      to_error({{"f", 1, 2, "a", "is wrong", ""}, {"", 0, 0, "b", "is bad", "write y"}});
  EXPECT_EQ(two.what, "2 problems: f:1:2: a: is wrong. b: is bad. Write y.");
}

TEST(PositionMap, FindsTheNearestValueAroundAMissingOne) {
  PositionMap positions{"f"};
  positions.set("", {1, 1});
  positions.set("services.web", {4, 3});
  positions.set("services.web.endpoints[0]", {7, 9});
  EXPECT_EQ(positions.find("services.web.endpoints[0].port"), (Position{7, 9}));
  EXPECT_EQ(positions.find("services.web.image.name"), (Position{4, 3}));
  EXPECT_EQ(positions.find("tunnels"), (Position{1, 1}));
  EXPECT_EQ(PositionMap{}.find("x"), Position{});
}

}  // namespace
}  // namespace ringfort::specs
