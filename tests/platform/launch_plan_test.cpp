#include "ringfort/platform/launch_plan.hpp"

#include "ringfort/platform/gaps.hpp"
#include "ringfort/support/golden.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <cstring>

namespace ringfort::platform {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

/// A machine of fixed facts: plans must not depend on the one that runs the test.
HostFacts machine(std::uint32_t abi, bool root) {
  HostFacts host;
  host.landlock_abi = abi;
  host.root = root;
  host.uid = root ? 0 : 1000;
  host.gid = host.uid;
  host.system_directories = {"/usr"};
  host.system_links = {{"/bin", "usr/bin"}, {"/lib", "usr/lib"}, {"/lib64", "usr/lib64"}};
  host.etc_files = {"/etc/ssl", "/etc/localtime"};
  host.masked_files = {"/proc/keys"};
  host.masked_directories = {"/proc/acpi"};
  host.gpu_nodes = {{specs::GpuVendor::Nvidia, "/dev/nvidiactl", true},
                    {specs::GpuVendor::Nvidia, "/dev/nvidia0", false},
                    {specs::GpuVendor::Nvidia, "/dev/nvidia1", false},
                    {specs::GpuVendor::Amd, "/dev/dri/renderD128", false}};
  return host;
}

VolumeRule named_volume(const std::string& name, const std::string& target) {
  return {name, target, false, {}, VolumeKind::Named, "/data/volumes/" + name};
}

VolumeRule bound(const std::string& source, const std::string& target, bool read_only) {
  return {"", target, read_only, source, VolumeKind::Bind, source};
}

Policy image_policy() {
  Policy policy;
  policy.container_dir = "/data/containers/web-1";
  policy.rootfs_dir = "/data/containers/web-1/rootfs";
  policy.scratch_dir = "/data/containers/web-1/tmp";
  policy.native_image = true;
  policy.network.mode = NetMode::Local;
  policy.network.bind_ports = {8080, 20001};
  policy.network.connect_ports = {8080, 20001};
  policy.volumes = {named_volume("my-data", "/data")};
  return policy;
}

Policy host_policy() {
  Policy policy;
  policy.container_dir = "/data/containers/run-1";
  policy.scratch_dir = "/data/containers/run-1/tmp";
  policy.paths = {{"/home/me/project", Access::Read}, {"/home/me/out", Access::Write}};
  return policy;
}

Command command(std::vector<std::string> argv) {
  Command result;
  result.argv = std::move(argv);
  result.hostname = "web-1";
  return result;
}

LaunchPlan made(const Policy& policy, const Command& what, Level level, const HostFacts& host) {
  auto plan = make_launch_plan(policy, what, level, host);
  EXPECT_TRUE(plan) << to_string(plan.error());
  return plan ? *plan : LaunchPlan{};
}

std::vector<RelayPortPlan> relayed(const Policy& policy, const Command& what) {
  const auto plan = made(policy, what, Level::Network, machine(7, false));
  EXPECT_NE(plan.flags & wire::kOwnNetwork, 0U);
  EXPECT_EQ((plan.flags & wire::kRelay) != 0, !plan.relay_ports.empty())
      << "no process for nothing";
  return plan.relay_ports;
}

TEST(LaunchPlan, AtLevelNetworkOnlyTheOwnAndTheListedPortsLeadIn) {
  auto policy = image_policy();
  auto what = command({"/bin/echo"});
  EXPECT_EQ(relayed(policy, what).size(), 0U);
  what.own_port = 20001;
  using Ports = std::vector<RelayPortPlan>;
  EXPECT_EQ(relayed(policy, what), (Ports{{20001, 20001, 0, wire::kHeldPort}}));
  policy.network.entries = {{80, 8080, false}, {9000, 9000, true}, {20001, 20001, false}};
  const RelayPortPlan own{20001, 20001, 8080, wire::kHeldPort};
  const RelayPortPlan endpoint{80, 8080, 0, wire::kIfFree};
  const RelayPortPlan listed{9000, 9000, 0, 0};
  EXPECT_EQ(relayed(policy, what), (Ports{own, endpoint, listed}));

  what.listen_name = "front";
  policy.network.entries = {};
  EXPECT_EQ(relayed(policy, what), Ports{}) << "its listening socket is handed over";
  what.listen_name.clear();
  policy.network = {};
  EXPECT_EQ(relayed(policy, what), Ports{}) << "no sockets at all";
  policy.network.mode = NetMode::Full;
  EXPECT_EQ(relayed(policy, what), (Ports{{20001, 20001, 0, wire::kHeldPort}}));

  policy.seccomp = specs::SeccompProfile::Strict;
  EXPECT_EQ(relayed(policy, what), Ports{}) << "nobody could listen inside";
  policy.seccomp = specs::SeccompProfile::Default;

  const auto exec = make_exec_plan(made(policy, what, Level::Network, machine(7, false)), policy,
                                   command({"ls"}), machine(7, false));
  ASSERT_TRUE(exec);
  EXPECT_NE(exec->flags & wire::kOwnNetwork, 0U) << "it joins";
  EXPECT_EQ(exec->flags & wire::kRelay, 0U);
}

TEST(LaunchPlan, LevelNetworkRefusesTheMachinesNetworkAndMorePortsThanItLeads) {
  auto policy = image_policy();
  const auto what = command({"/bin/echo"});
  const auto host = machine(3, false);
  policy.network.is_asked_for = true;
  EXPECT_TRUE(make_launch_plan(policy, what, Level::Network, host))
      << "it takes no Landlock to hold ports";
  for (std::uint16_t port = 0; port < 32; ++port)
    policy.network.entries.push_back({port, port, true});
  const auto many = make_launch_plan(policy, what, Level::Network, host);
  ASSERT_FALSE(many);
  EXPECT_EQ(many.error().kind, ErrorKind::Unsupported);
  policy.network = {};
  policy.network.mode = NetMode::Full;
  EXPECT_TRUE(make_launch_plan(policy, what, Level::Network, host));
  policy.network.is_asked_for = true;
  const auto full = make_launch_plan(policy, what, Level::Network, host);
  ASSERT_FALSE(full);
  EXPECT_NE(full.error().hint.find("--isolation namespaces"), std::string::npos);
}

TEST(LaunchPlan, MatchesItsGoldenFiles) {
  auto with_port = command({"/bin/echo", "hello"});
  with_port.own_port = 20001;
  with_port.env = {{"PORT", "9"}, {"PATH", "/opt/bin"}, {"RINGFORT_PORT", "forged"}};
  EXPECT_TRUE(support::matches_golden(
      to_text(made(image_policy(), with_port, Level::Landlock, machine(7, false))),
      "plan_image_landlock.txt"));
  EXPECT_TRUE(support::matches_golden(
      to_text(made(image_policy(), with_port, Level::Namespaces, machine(4, false))),
      "plan_image_namespaces.txt"));
  auto with_endpoint = image_policy();
  with_endpoint.network.entries = {{80, 8080, false}};
  EXPECT_TRUE(support::matches_golden(
      to_text(made(with_endpoint, with_port, Level::Network, machine(7, false))),
      "plan_image_network.txt"));
  auto as_user = command({"make", "-j2"});
  as_user.uid = as_user.gid = 1700000001;
  as_user.ids_of_block = true;
  as_user.workdir = "/home/me/project/src";
  EXPECT_TRUE(support::matches_golden(
      to_text(made(host_policy(), as_user, Level::Namespaces, machine(7, true))),
      "plan_host_namespaces_root.txt"));
  EXPECT_TRUE(support::matches_golden(
      to_text(made(host_policy(), command({"make"}), Level::Landlock, machine(7, false))),
      "plan_host_landlock.txt"));
}

/// What is mounted for storage and flags, as text.
std::vector<std::string> shown(const LaunchPlan& plan) {
  std::vector<std::string> lines;
  for (const auto& mount : plan.mounts) {
    const bool is_flags = mount.kind == wire::MountKind::Bind && mount.source == mount.target;
    const bool is_volume = (mount.flags & wire::kVolume) != 0;
    if (!is_volume && !(is_flags && mount.target.starts_with("/home"))) continue;
    std::string line = mount.target + " " + mount.source + mount.data;
    if ((mount.flags & wire::kReadOnly) != 0) line += " ro";
    if ((mount.flags & wire::kIdmapped) != 0) line += " idmapped";
    EXPECT_EQ(mount.flags & wire::kWithDevices, 0U) << line;
    lines.push_back(std::move(line));
  }
  return lines;
}

Policy volume_policy() {
  Policy policy = host_policy();
  const VolumeRule anonymous{
      "", "/cache", false, {}, VolumeKind::Anonymous, "/data/containers/run-1/volume.0"};
  const VolumeRule memory{"", "/t", false, {}, VolumeKind::Tmpfs, "", Bytes{1 << 20}, 0700};
  policy.volumes = {anonymous, named_volume("db", "/home/me/out/db"),
                    bound("/srv/in", "/home/me/project", true), memory};
  policy.paths = {{"/home/me/out", Access::Write}, {"/home/me/project/sub", Access::Read}};
  return policy;
}

TEST(LaunchPlan, MountsVolumesAndPathsWithParentsFirst) {
  auto as_user = command({"true"});
  EXPECT_THAT(shown(made(volume_policy(), as_user, Level::Namespaces, machine(7, false))),
              ElementsAre("/cache /data/containers/run-1/volume.0", "/home/me/out /home/me/out",
                          "/home/me/out/db /data/volumes/db", "/home/me/project /srv/in ro",
                          "/home/me/project/sub /home/me/project/sub ro",
                          "/t size=1048576,nr_inodes=256,mode=700,uid=1000,gid=1000"));

  as_user.uid = as_user.gid = 1700000001;
  as_user.ids_of_block = true;
  const auto of_root = made(volume_policy(), as_user, Level::Network, machine(7, true));
  EXPECT_THAT(
      shown(of_root),
      ElementsAre("/cache /data/containers/run-1/volume.0", "/home/me/out /home/me/out idmapped",
                  "/home/me/out/db /data/volumes/db idmapped",
                  "/home/me/project /srv/in ro idmapped",
                  "/home/me/project/sub /home/me/project/sub ro idmapped",
                  "/t size=1048576,nr_inodes=256,mode=700,uid=1700000001,gid=1700000001"));
  for (const auto& mount : of_root.mounts)
    if (mount.target == "/home/me/out/db") {
      EXPECT_EQ(mount.idmap_uid, 0U);
    }
}

TEST(LaunchPlan, ANamedUserOwnsWhatIsBoundAndNotTheRuntimesVolumes) {
  auto as_user = command({"true"});
  as_user.uid = as_user.gid = 1234;  // --user: no id of the block
  const auto lines = shown(made(volume_policy(), as_user, Level::Namespaces, machine(7, true)));
  EXPECT_THAT(lines, testing::Contains("/home/me/out/db /data/volumes/db idmapped"));
  EXPECT_THAT(lines, testing::Contains("/home/me/project /srv/in ro"));
}

TEST(LaunchPlan, LandlockLetsWriteOnWritableVolumesOnly) {
  const auto host = machine(7, false);
  const auto writes = [&](Level level, const std::string& path) {
    const auto plan = made(volume_policy(), command({"true"}), level, host);
    return std::ranges::any_of(plan.file_rules, [&](const auto& rule) {
      return rule.path == path && (rule.access & 2U) != 0;  // LANDLOCK_ACCESS_FS_WRITE_FILE
    });
  };
  EXPECT_TRUE(writes(Level::Namespaces, "/home/me/out/db"));
  EXPECT_TRUE(writes(Level::Namespaces, "/t"));
  EXPECT_FALSE(writes(Level::Namespaces, "/home/me/project"));
  EXPECT_TRUE(writes(Level::Landlock, "/data/volumes/db"));
  EXPECT_TRUE(writes(Level::Landlock, "/data/containers/run-1/volume.0"));
  EXPECT_FALSE(writes(Level::Landlock, "/srv/in"));
  for (const auto& rule :
       made(volume_policy(), command({"true"}), Level::Landlock, host).file_rules)
    for (const char* target : {"/cache", "/home/me/out/db", "/home/me/project", "/t"})
      EXPECT_NE(rule.path, target) << "no target is a host path";
}

TEST(LaunchPlan, GivesTheProgramThePlaceOfEachVolumeThatIsTheRuntimes) {
  const auto value = [](Level level, const std::string& name) {
    const auto plan = made(volume_policy(), command({"true"}), level, machine(7, false));
    for (const auto& entry : plan.env)
      if (entry.starts_with("RINGFORT_VOLUME_" + name + "=")) return entry.substr(17 + name.size());
    return std::string{};
  };
  EXPECT_EQ(value(Level::Landlock, "DB"), "/data/volumes/db");
  EXPECT_EQ(value(Level::Namespaces, "DB"), "/home/me/out/db");
  EXPECT_EQ(value(Level::Landlock, "CACHE"), "/data/containers/run-1/volume.0");
  EXPECT_EQ(value(Level::Namespaces, "CACHE"), "/cache");
}

TEST(LaunchPlan, AtLandlockRootsNamedVolumesAreGivenToNobody) {
  auto as_user = command({"true"});
  as_user.uid = as_user.gid = 1700000001;
  const auto refused =
      make_launch_plan(volume_policy(), as_user, Level::Landlock, machine(7, true));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::Unsupported);
  EXPECT_THAT(refused.error().hint, HasSubstr("--isolation namespaces"));
  EXPECT_TRUE(make_launch_plan(host_policy(), as_user, Level::Landlock, machine(7, true)));
}

TEST(LaunchPlan, AVolumeMayBeThePlaceToWorkInWhereItIsMounted) {
  auto there = command({"true"});
  there.workdir = "/cache/sub";
  EXPECT_EQ(made(volume_policy(), there, Level::Namespaces, machine(7, false)).cwd, "/cache/sub");
  EXPECT_EQ(made(volume_policy(), there, Level::Landlock, machine(7, false)).cwd,
            host_policy().scratch_dir);
}

TEST(LaunchPlan, RefusesWhatNoProgramCanBeGiven) {
  const auto error_of = [](std::vector<std::string> argv) {
    auto plan = make_launch_plan(host_policy(), command(std::move(argv)), Level::Landlock,
                                 machine(7, false));
    return plan ? ErrorKind::Internal : plan.error().kind;
  };
  EXPECT_EQ(error_of({}), ErrorKind::InvalidSpec);
  EXPECT_EQ(error_of({""}), ErrorKind::InvalidSpec);
  EXPECT_EQ(error_of({"echo", std::string("a\0b", 3)}), ErrorKind::InvalidSpec);
  EXPECT_EQ(error_of({"echo", std::string(131072, 'x')}), ErrorKind::InvalidSpec);
  EXPECT_EQ(error_of({"echo", std::string(131071, 'x')}), ErrorKind::Internal)
      << "the longest that works";
}

TEST(LaunchPlan, GivesTheLevelAskedForOrSaysWhatIsMissing) {
  auto what = command({"echo"});
  auto old_kernel = make_launch_plan(host_policy(), what, Level::Landlock, machine(5, false));
  ASSERT_FALSE(old_kernel);
  EXPECT_EQ(old_kernel.error().kind, ErrorKind::Unsupported);
  EXPECT_NE(old_kernel.error().hint.find("--isolation namespaces"), std::string::npos);

  Policy with_libraries = image_policy();
  with_libraries.native_image = false;
  with_libraries.own_libraries = true;
  EXPECT_FALSE(make_launch_plan(with_libraries, what, Level::Landlock, machine(7, false)));
  EXPECT_TRUE(make_launch_plan(with_libraries, what, Level::Namespaces, machine(7, false)));

  Policy local = image_policy();
  local.network.is_asked_for = true;
  EXPECT_FALSE(make_launch_plan(local, what, Level::Namespaces, machine(3, false)))
      << "local ports need Landlock ABI 4";
}

TEST(LaunchPlan, TellsWhenEndpointsAloneAskForPortsThatTheKernelCannotHold) {
  const Policy policy = image_policy();
  const HostFacts stock_debian_12 = machine(2, false);

  const auto plan = made(policy, command({"echo"}), Level::Namespaces, stock_debian_12);

  EXPECT_EQ(plan.handled_net, 0U);
  EXPECT_FALSE(plan.seccomp.empty()) << "all but TCP and unix sockets is still refused";
  const auto missing = gaps(policy, Confinement::Namespaces, {stock_debian_12, false, false});
  EXPECT_TRUE(std::ranges::any_of(
      missing, [](const auto& one) { return one.find("holds no ports") != std::string::npos; }));
}

TEST(LaunchPlan, TellsWhenItsOwnFilesCanBeRead) {
  Policy policy = host_policy();
  const auto told = [&] {
    return std::ranges::any_of(
        gaps(policy, Confinement::Namespaces, {machine(7, false), false, false}),
        [](const auto& one) { return one.find("own files are readable") != std::string::npos; });
  };
  EXPECT_FALSE(told());
  policy.paths = {{"/", Access::Read}};
  EXPECT_TRUE(told());
}

TEST(LaunchPlan, AsksForNoRightThatTheAbiDoesNotKnow) {
  for (std::uint32_t abi = 1; abi <= 7; ++abi) {
    Policy policy = host_policy();
    const auto plan = made(policy, command({"echo"}), Level::Namespaces, machine(abi, false));
    const std::uint64_t newest = abi >= 5 ? 15 : abi >= 3 ? 14 : abi >= 2 ? 13 : 12;
    EXPECT_LT(plan.handled_fs, std::uint64_t{1} << (newest + 1)) << abi;
    for (const auto& rule : plan.file_rules)
      EXPECT_EQ(rule.access & ~plan.handled_fs, 0U) << rule.path;
    EXPECT_TRUE(abi >= 4 || plan.handled_net == 0) << abi;
    EXPECT_TRUE(abi >= 6 || plan.child_scopes == 0) << abi;
  }
}

TEST(LaunchPlan, LimitsProcessesWhereTheirCountIsTheTreesOwn) {
  constexpr std::uint32_t kNProc = 6;  // RLIMIT_NPROC
  auto limited = command({"/bin/sleep"});
  limited.pids_limit = 64;
  auto policy = image_policy();
  policy.volumes.clear();
  const auto plan_for = [&](Level level, const HostFacts& host) {
    return made(policy, limited, level, host);
  };
  EXPECT_FALSE(limits_processes(plan_for(Level::Landlock, machine(7, false))))
      << "all of the user's processes count";
  EXPECT_FALSE(limits_processes(plan_for(Level::Landlock, machine(7, true)))) << "root's do not";
  const auto inside = plan_for(Level::Namespaces, machine(7, false));
  ASSERT_TRUE(limits_processes(inside));
  EXPECT_EQ(inside.limits.back(), (LimitPlan{kNProc, 65, 65})) << "the shim is inside, too";
  EXPECT_FALSE(limits_processes(plan_for(Level::Namespaces, machine(1, false))))
      << "before Linux 5.14 the user's processes outside count";

  limited.uid = limited.gid = 1700000001;
  EXPECT_FALSE(limits_processes(plan_for(Level::Namespaces, machine(7, true)))) << "anybody's";
  limited.ids_of_block = true;
  for (const auto level : {Level::Landlock, Level::Namespaces}) {
    const auto plan = plan_for(level, machine(7, true));
    ASSERT_TRUE(limits_processes(plan));
    EXPECT_EQ(plan.limits.back(), (LimitPlan{kNProc, 64, 64}));
  }
}

TEST(LaunchPlan, AnExecKeepsTheConfinementAndChangesTheCommand) {
  const auto main =
      made(image_policy(), command({"/bin/sleep", "9"}), Level::Landlock, machine(7, false));
  auto other = command({"/bin/echo"});
  other.env = {{"HOME", "/elsewhere"}};
  other.deadline = std::chrono::seconds(3);
  const auto exec = make_exec_plan(main, image_policy(), other, machine(7, false));
  ASSERT_TRUE(exec);
  EXPECT_EQ(exec->file_rules, main.file_rules);
  EXPECT_EQ(exec->port_rules, main.port_rules);
  EXPECT_EQ(exec->seccomp, main.seccomp);
  EXPECT_EQ(exec->shim_scopes, 0U) << "the shim's domain is there already";
  EXPECT_NE(exec->flags & wire::kJoin, 0U);
  EXPECT_EQ(exec->deadline_usec, 3'000'000);
  EXPECT_EQ(std::count(exec->env.begin(), exec->env.end(), "HOME=/elsewhere"), 1);
}

TEST(LaunchPlan, ATerminalIsTheCommandsThatAskedForIt) {
  const auto host = machine(6, false);
  auto what = command({"sh"});
  what.terminal = true;
  const auto main = made(host_policy(), what, Level::Landlock, host);
  const auto own_stdin = [](const auto& rule) { return rule.path == "/proc/self/fd/0"; };
  EXPECT_NE(main.flags & wire::kTerminal, 0U);
  EXPECT_EQ(std::ranges::count_if(main.file_rules, own_stdin), 1);
  // An exec's descriptor 0 may be any file of its caller: no rule may open it for writing.
  const auto exec = make_exec_plan(main, host_policy(), command({"sh"}), host);
  ASSERT_TRUE(exec);
  EXPECT_EQ(exec->flags & wire::kTerminal, 0U);
  EXPECT_EQ(std::ranges::count_if(exec->file_rules, own_stdin), 0);
  const auto plain = made(host_policy(), command({"sh"}), Level::Landlock, host);
  const auto with = make_exec_plan(plain, host_policy(), what, host);
  ASSERT_TRUE(with);
  EXPECT_EQ(std::ranges::count_if(with->file_rules, own_stdin), 1);
}

TEST(LaunchPlan, ReservesRoomForThePidOfWhoIsHandedAListener) {
  const auto host = machine(6, false);
  auto what = command({"serve"});
  what.own_port = 20001;
  what.listen_name = "front";
  what.env = {{"LISTEN_FDS", "7"}, {"LISTEN_PID", "1"}};  // nobody may forge them
  const auto main = made(image_policy(), what, Level::Namespaces, host);
  const auto has = [](const LaunchPlan& plan, const std::string& entry) {
    return std::ranges::find(plan.env, entry) != plan.env.end();
  };
  EXPECT_TRUE(has(main, "LISTEN_FDS=1"));
  EXPECT_TRUE(has(main, "LISTEN_FDNAMES=front"));
  EXPECT_TRUE(has(main, "LISTEN_PID=0000000000"));
  const auto bytes = encode(main);
  wire::PlanHeader header{};
  std::memcpy(&header, bytes.data(), sizeof header);
  const auto* text = reinterpret_cast<const char*>(bytes.data());
  EXPECT_STREQ(text + header.listen_pid - 11, "LISTEN_PID=0000000000");

  const auto exec = make_exec_plan(main, image_policy(), command({"sh"}), host);
  ASSERT_TRUE(exec);
  EXPECT_EQ(exec->flags & wire::kListen, 0U);
  EXPECT_TRUE(std::ranges::none_of(exec->env,
                                   [](const auto& entry) { return entry.starts_with("LISTEN_"); }));
}

TEST(LaunchPlan, KnowsWhichMountPointsItCoversAndWhichItNeverUses) {
  const std::vector<std::string> added{"dev", "etc", "lib64", "proc", "tmp", "usr"};
  auto with_etc = host_policy();
  with_etc.rootfs_dir = "/data/containers/run-1/rootfs";
  with_etc.paths = {{"/etc/app", Access::Read}};

  const auto nothing =
      use_of(made(image_policy(), command({"/app"}), Level::Landlock, machine(7, false)), added);
  const auto mounts =
      use_of(made(image_policy(), command({"/app"}), Level::Namespaces, machine(7, false)), added);
  const auto below_etc =
      use_of(made(with_etc, command({"/app"}), Level::Namespaces, machine(7, true)), added);

  EXPECT_EQ(nothing.left_out, added);
  EXPECT_TRUE(nothing.covered.empty());
  // usr/lib may be absent on the host, so a guest could come to see `usr`; `lib64` may be a link.
  EXPECT_EQ(mounts.covered, (std::vector<std::string>{"dev", "proc", "tmp"}));
  EXPECT_EQ(mounts.left_out, (std::vector<std::string>{"etc"}));
  EXPECT_EQ(below_etc.covered, (std::vector<std::string>{"dev", "proc", "tmp"}));
  EXPECT_TRUE(below_etc.left_out.empty());
}

TEST(LaunchPlan, EncodesEveryStringOnceAndEndsInNul) {
  auto what = command({"/bin/echo", "", "two"});
  const auto bytes = encode(made(image_policy(), what, Level::Namespaces, machine(7, false)));
  wire::PlanHeader header{};
  std::memcpy(&header, bytes.data(), sizeof header);
  EXPECT_EQ(header.magic, wire::kPlanMagic);
  EXPECT_EQ(header.size, bytes.size());
  EXPECT_EQ(bytes.back(), std::byte{0});
  ASSERT_EQ(header.argv.count, 4U);
  const auto* slots = reinterpret_cast<const std::uint64_t*>(bytes.data() + header.argv.offset);
  const auto* base = reinterpret_cast<const char*>(bytes.data());
  EXPECT_STREQ(base + slots[0], "/bin/echo");
  EXPECT_STREQ(base + slots[1], "");
  EXPECT_STREQ(base + slots[2], "two");
  EXPECT_EQ(slots[3], 0U);
}

TEST(LaunchPlan, GivesAsManyGpusAsThePolicyAsksForOrNone) {
  using specs::GpuVendor;
  const auto host = machine(7, false);
  Policy policy = image_policy();
  EXPECT_THAT(gpu_nodes(policy, host), IsEmpty());
  policy.gpu_devices = {GpuVendor::Nvidia, 1};
  EXPECT_THAT(gpu_nodes(policy, host), ElementsAre("/dev/nvidiactl", "/dev/nvidia0"));
  policy.gpu_devices = {GpuVendor::Nvidia, 3};
  EXPECT_THAT(gpu_nodes(policy, host), IsEmpty()) << "there are two";
  policy.gpu_devices = {GpuVendor::Intel, 1};
  EXPECT_THAT(gpu_nodes(policy, host), IsEmpty());
  policy.gpu_devices = {GpuVendor::Amd, 1};
  for (const auto level : {Level::Landlock, Level::Namespaces}) {
    const auto text = to_text(made(policy, command({"sh"}), level, host));
    EXPECT_THAT(text, HasSubstr("/dev/dri/renderD128"));
    EXPECT_THAT(text, Not(HasSubstr("nvidia")));
  }
}

}  // namespace
}  // namespace ringfort::platform
