#include "ringfort/platform/gaps.hpp"

#include <gmock/gmock.h>

namespace ringfort::platform {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr Confinement kAll[] = {Confinement::Seatbelt, Confinement::Landlock,
                                Confinement::Namespaces, Confinement::Network};

Policy quiet_policy() {
  Policy policy;
  policy.container_dir = "/data/containers/a-1";
  policy.rootfs_dir = "/data/containers/a-1/rootfs";
  policy.scratch_dir = "/data/containers/a-1/tmp";
  return policy;
}

GapFacts whole_machine() {
  GapFacts facts;
  facts.host.landlock_abi = 7;
  facts.host.root = true;
  facts.own_uid = true;
  facts.memory_cgroup = true;
  return facts;
}

VolumeRule bound(const std::string& source, const std::string& target, bool read_only) {
  return {"", target, read_only, source, VolumeKind::Bind, source};
}

struct Row {
  const char* sentence;
  void (*change)(Policy&, GapFacts&);  ///< null = it is there for the quiet policy, too
  std::vector<Confinement> where;
};

TEST(Gaps, EachStandsWhereItIsTrueAndOnlyThere) {
  using enum Confinement;
  const auto is_local = [](Policy& policy, GapFacts&) { policy.network.mode = NetMode::Local; };
  const Row rows[] = {
      {"bug of the kernel", nullptr, {Seatbelt, Landlock, Namespaces, Network}},
      {"(stat)", nullptr, {Landlock}},
      {"can kill its own shim",
       [](Policy&, GapFacts& facts) { facts.host.root = false; },
       {Landlock}},
      {"unix sockets with a path", nullptr, {Landlock}},
      {"/proc/net", nullptr, {Landlock, Namespaces}},
      {"process-info", nullptr, {Seatbelt}},
      {"(chmod, utime, setxattr)",
       [](Policy&, GapFacts& facts) { facts.own_uid = false; },
       {Landlock}},
      {"passwd", [](Policy& policy, GapFacts&) { policy.rootfs_dir.clear(); }, {Landlock}},
      {"listens without binding", is_local, {Landlock, Namespaces}},
      {"not addresses", is_local, {Landlock, Namespaces}},
      {"UDP may use them", is_local, {Seatbelt}},
      {"nothing is held back",
       [](Policy& policy, GapFacts&) { policy.network.mode = NetMode::Full; },
       {Seatbelt, Landlock, Namespaces}},
      {"holds no ports",
       [](Policy& policy, GapFacts& facts) {
         policy.network.mode = NetMode::Local;
         facts.host.landlock_abi = 3;
       },
       {Landlock, Namespaces}},
      {"abstract unix sockets",
       [](Policy&, GapFacts& facts) { facts.host.landlock_abi = 5; },
       {Landlock, Namespaces}},
      {"can be signalled",
       [](Policy&, GapFacts& facts) { facts.host.landlock_abi = 5; },
       {Landlock}},
      {"by ioctl", [](Policy&, GapFacts& facts) { facts.host.landlock_abi = 4; }, {Landlock}},
      {"cut to nothing", [](Policy&, GapFacts& facts) { facts.host.landlock_abi = 2; }, {Landlock}},
      {"no Landlock",
       [](Policy&, GapFacts& facts) { facts.host.landlock_abi = 0; },
       {Namespaces, Network}},
      {"port 8080 of this machine leads in only if",
       [](Policy& policy, GapFacts&) {
         policy.network.entries = {{8080, 80, false}, {9000, 9000, true}};
       },
       {Network}},
      {"memory is polled",
       [](Policy& policy, GapFacts& facts) {
         policy.memory_limit = Bytes{1 << 20};
         facts.memory_cgroup = false;
       },
       {Seatbelt, Landlock, Namespaces, Network}},
      {"own files are readable below /data",
       [](Policy& policy, GapFacts&) {
         policy.paths = {{"/data", Access::Read}};
       },
       {Landlock, Namespaces, Network}},
      {"volume /v is not mounted: its directory",
       [](Policy& policy, GapFacts&) {
         policy.volumes = {{"v", "/v", false, {}, VolumeKind::Named}};
       },
       {Landlock}},
      {"volume /t is not mounted: this level has no tmpfs",
       [](Policy& policy, GapFacts&) {
         policy.volumes = {{"", "/t", false, {}, VolumeKind::Tmpfs}};
       },
       {Landlock}},
      {"volume /b is not mounted: its source /srv is opened",
       [](Policy& policy, GapFacts&) { policy.volumes = {bound("/srv", "/b", true)}; },
       {Landlock}},
      {"volume /b can be written to",
       [](Policy& policy, GapFacts&) {
         policy.volumes = {bound("/srv", "/a", false), bound("/srv/b", "/b", true)};
       },
       {Landlock}},
      {"own files are readable below /data/containers",
       [](Policy& policy, GapFacts&) { policy.volumes = {bound("/data/containers", "/b", true)}; },
       {Landlock, Namespaces, Network}},
      {"what is made in /out is root's",
       [](Policy& policy, GapFacts&) {
         policy.paths = {{"/out", Access::Write}};
       },
       {Namespaces, Network}},
      {"what is made in /srv is root's",
       [](Policy& policy, GapFacts&) { policy.volumes = {bound("/srv", "/b", false)}; },
       {Namespaces, Network}},
      {"GPU metal-compute",
       [](Policy& policy, GapFacts&) { policy.gpu = GpuAccess::MetalCompute; },
       {Landlock, Namespaces, Network}}};
  for (const auto& row : rows) {
    SCOPED_TRACE(row.sentence);
    auto policy = quiet_policy();
    auto facts = whole_machine();
    if (row.change != nullptr) row.change(policy, facts);
    for (const auto confinement : kAll) {
      SCOPED_TRACE(to_string(confinement));
      const auto open = gaps(policy, confinement, facts);
      const auto quiet = gaps(quiet_policy(), confinement, whole_machine());
      const bool is_here = std::ranges::find(row.where, confinement) != row.where.end();
      EXPECT_EQ(testing::Matches(Contains(HasSubstr(row.sentence)))(open), is_here);
      if (row.change == nullptr) continue;
      EXPECT_THAT(quiet, Not(Contains(HasSubstr(row.sentence))));
    }
  }
}

TEST(Gaps, TheKernelHoldsTheMemoryLimitOfNoMac) {
  auto policy = quiet_policy();
  policy.memory_limit = Bytes{1 << 20};
  EXPECT_THAT(gaps(policy, Confinement::Seatbelt, whole_machine()),
              Contains(HasSubstr("memory is polled")));
  EXPECT_THAT(gaps(policy, Confinement::Namespaces, whole_machine()),
              Not(Contains(HasSubstr("memory is polled"))));
}

TEST(Gaps, FieldsThatOnlyOtherLevelsHoldAreNamed) {
  specs::Service service;
  LaunchPlan plan;
  plan.level = Level::Landlock;
  EXPECT_THAT(fields_not_held(service, plan, false), IsEmpty());
  service.hostname = "a";
  service.resources.pids_limit = 5;
  EXPECT_THAT(fields_not_held(service, plan, false),
              ElementsAre("hostname", "resources.pids_limit"));
  service.storage = {specs::NamedStorage{"a", "/a", false, {}, {}},
                     specs::TmpfsStorage{"/t", {}, {}},
                     specs::NamedStorage{"b", "/b", false, {}, {}}};
  EXPECT_THAT(fields_not_held(service, plan, false),
              ElementsAre("hostname", "resources.pids_limit", "storage.named", "storage.tmpfs"));
  plan.level = Level::Namespaces;
  plan.limits = {{6, 5, 5}};  // RLIMIT_NPROC
  EXPECT_THAT(fields_not_held(service, plan, false), IsEmpty());
  service.resources.gpu.emplace();
  EXPECT_THAT(fields_not_held(service, plan, false), ElementsAre("resources.gpu"));
  EXPECT_THAT(fields_not_held(service, plan, true), IsEmpty());
}

}  // namespace
}  // namespace ringfort::platform
