#include "ringfort/platform/explain.hpp"

#include "ringfort/specs/utf8.hpp"
#include "ringfort/support/golden.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <rapidcheck/gtest.h>

namespace ringfort::platform {
namespace {

using nlohmann::json;
using support::matches_golden;
using testing::HasSubstr;
using testing::Not;

Policy rich() {
  Policy policy;
  policy.container_dir = "/srv/ringfort/containers/web-1";
  policy.rootfs_dir = policy.container_dir + "/rootfs";
  policy.scratch_dir = policy.container_dir + "/tmp";
  policy.native_image = true;
  policy.paths = {{"/home/me/out", Access::Write}, {"/opt/tool", Access::Read}};
  policy.volumes = {{"data", "/data", false, "", VolumeKind::Named},
                    {"", "/src", true, "/home/me/src", VolumeKind::Bind},
                    {"", "/t", false, "", VolumeKind::Tmpfs, "", Bytes{1 << 20}},
                    {"", "/var", false, ""}};
  policy.network = {NetMode::Local, {8080, 40001}, {5432, 8080, 40001}, {53, 80, 443}};
  policy.gpu = GpuAccess::MpsOnly;
  policy.seccomp = specs::SeccompProfile::Build;
  policy.memory_limit = Bytes{512ull << 20};
  return policy;
}

Policy bare() {
  Policy policy;
  policy.container_dir = "/srv/ringfort/containers/run-1";
  policy.scratch_dir = policy.container_dir + "/tmp";
  return policy;
}

TEST(Explain, TellsEveryRuleOfARichPolicy) {
  EXPECT_TRUE(matches_golden(explain_policy(rich()), "explain_rich.txt"));
}

TEST(Explain, TellsWhatABarePolicyLeaves) {
  EXPECT_TRUE(matches_golden(explain_policy(bare()), "explain_bare.txt"));
}

TEST(Explain, TellsWhatLevelNetworkMakesOfTheNetwork) {
  Policy policy = rich();
  policy.network.entries = {{80, 8080, false}, {9000, 9000, true}};
  auto text = explain_policy(policy, Level::Network);
  EXPECT_THAT(text, HasSubstr("loopback of its own, these ports only"));
  EXPECT_THAT(text, HasSubstr("127.0.0.1:80"));
  EXPECT_THAT(text, HasSubstr("to port 8080, if it is free"));
  EXPECT_THAT(text, HasSubstr("to port 9000\n"));
  policy.network = {};
  policy.network.mode = NetMode::Full;
  EXPECT_THAT(explain_policy(policy, Level::Network), HasSubstr("nothing beyond it"));
  EXPECT_EQ(explain_policy(policy, Level::Namespaces), explain_policy(policy));
}

TEST(Explain, NeverSendsControlBytesToATerminal) {
  Policy policy = bare();
  policy.paths = {{"/a\x1b[2J\n", Access::Read}, {"/b\xff", Access::Write}};

  const auto text = explain_policy(policy);

  EXPECT_THAT(text, HasSubstr("/a\\x1b[2J\\x0a"));
  EXPECT_THAT(text, Not(HasSubstr("\x1b")));
  EXPECT_THAT(text, Not(HasSubstr("\xff")));
}

TEST(ExplainJson, HoldsTheWholePolicy) {
  const auto expected = json::parse(R"({
    "container_dir": "/srv/ringfort/containers/web-1",
    "rootfs": "visible",
    "rootfs_dir": "/srv/ringfort/containers/web-1/rootfs",
    "scratch_dir": "/srv/ringfort/containers/web-1/tmp",
    "native_image": true,
    "paths": [{"path": "/home/me/out", "access": "write"}, {"path": "/opt/tool", "access": "read"}],
    "volumes": [{"kind": "named", "name": "data", "target": "/data", "read_only": false, "source": null},
                {"kind": "bind", "name": null, "target": "/src", "read_only": true, "source": "/home/me/src"},
                {"kind": "tmpfs", "name": null, "target": "/t", "read_only": false, "source": null},
                {"kind": "anonymous", "name": null, "target": "/var", "read_only": false, "source": null}],
    "network": {"mode": "local", "bind_ports": [8080, 40001], "connect_ports": [5432, 8080, 40001],
                "seatbelt_connect_ports": [53, 80, 443]},
    "gpu": "mps-only", "gpu_devices": null, "seccomp": "build", "memory_limit": 536870912, "max_files": 4096})");

  EXPECT_EQ(json::parse(explain_policy_json(rich())), expected);
}

TEST(ExplainJson, SaysNullForWhatIsAbsent) {
  const auto parsed = json::parse(explain_policy_json(bare()));

  EXPECT_TRUE(parsed.at("rootfs_dir").is_null());
  EXPECT_TRUE(parsed.at("memory_limit").is_null());
  EXPECT_TRUE(parsed.at("volumes").empty());
}

RC_GTEST_PROP(ExplainJson, IsJsonWhateverThePathsHold, ()) {
  const auto parts = *rc::gen::container<std::vector<std::string>>(rc::gen::element<std::string>(
      "/", "a", "\"", "\\", "\n", std::string(1, '\0'), "\x7f", "\xc2\x9b", "\xc3\xa9",
      "\xf0\x9f\x98\x80", "\xff", "\xed\xa0\x80"));
  std::string path;
  for (const auto& part : parts) path += part;
  Policy policy = bare();
  policy.paths = {{path, Access::Read}};

  const auto parsed = json::parse(explain_policy_json(policy));

  const auto read = parsed.at("paths").at(0).at("path").get<std::string>();
  if (specs::first_invalid_utf8(path))
    RC_ASSERT(read.find("\xef\xbf\xbd") != std::string::npos);
  else
    RC_ASSERT(read == path);
}

}  // namespace
}  // namespace ringfort::platform
