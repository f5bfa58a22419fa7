#include "ringfort/platform/verdict.hpp"

#include "ringfort/platform/plan_parts.hpp"

#include <gmock/gmock.h>
#include <rapidcheck/gtest.h>

#include <map>

namespace ringfort::platform {
namespace {

using testing::HasSubstr;

/// A host of these files, and a container that would be made on it.
class World {
 public:
  explicit World(Level level) : level_(level) {
    host_.landlock_abi = 7;
    host_.uid = host_.gid = 1000;
    host_.system_directories = {"/usr"};
    host_.system_links = {{"/bin", "usr/bin"}, {"/lib", "usr/lib"}};
    host_.etc_files = {"/etc/ssl"};
    for (const char* path : {"/", "/dev", "/usr", "/usr/bin", "/etc", "/home", "/home/me",
                             "/home/me/work", "/home/me/out", "/tmp", "/home/me/.ssh"})
      directory(path);
    for (const char* path : {"/etc/shadow", "/home/me/work/a", "/home/me/.ssh/key"}) file(path);
    file("/usr/bin/env", 0755, 0);
    device("/dev/null");
    link("/bin", "usr/bin");
    policy_.container_dir = "/data/containers/x-1";
    policy_.scratch_dir = "/data/containers/x-1/tmp";
    directory(policy_.scratch_dir);
    policy_.paths = {{"/home/me/out", Access::Write}, {"/home/me/work", Access::Read}};
    policy_.network.mode = NetMode::None;
  }

  void file(const std::string& path, std::uint32_t mode = 0644, std::uint32_t uid = 1000) {
    nodes_[path] = {NodeKind::File, {}, Node::Owner{mode, uid, uid}};
  }
  void directory(const std::string& path, std::uint32_t mode = 0755, std::uint32_t uid = 1000) {
    nodes_[path] = {NodeKind::Directory, {}, Node::Owner{mode, uid, uid}};
  }
  void device(const std::string& path) {
    nodes_[path] = {NodeKind::Device, {}, Node::Owner{0666, 0, 0}};
  }
  void link(const std::string& path, const std::string& text) {
    nodes_[path] = {NodeKind::Link, text, std::nullopt};
  }
  Policy& policy() { return policy_; }
  RunOptions& options() { return options_; }
  HostFacts& host() { return host_; }
  specs::Service& service() { return service_; }
  void ask_of_spec() { is_spec_ = true; }

  Verdict ask(std::string_view operation, std::string_view target) const {
    Command command;
    command.argv = {"true"};
    const auto plan = make_launch_plan(policy_, command, level_, host_);
    EXPECT_TRUE(plan);
    const auto question = parse_question(*parse_operation(operation), target, "/home/me");
    EXPECT_TRUE(question) << target;
    const VerdictContext context{
        policy_,  *plan,    host_, service_,
        options_, is_spec_, false, [this](const std::string& path) { return look(path); }};
    return judge(*question, context);
  }
  bool allows(std::string_view operation, std::string_view target) const {
    return ask(operation, target).allowed;
  }

 private:
  Node look(const std::string& path) const {
    const auto found = nodes_.find(path);
    return found == nodes_.end() ? Node{NodeKind::Missing, {}, std::nullopt} : found->second;
  }

  Level level_;
  HostFacts host_;
  Policy policy_;
  RunOptions options_;
  specs::Service service_;
  bool is_spec_ = false;
  std::map<std::string, Node> nodes_;
};

class FileVerdict : public testing::TestWithParam<Level> {
 protected:
  World world_{GetParam()};
};

TEST_P(FileVerdict, RulesGiveWhatIsBelowThem) {
  EXPECT_TRUE(world_.allows("read", "/home/me/work"));
  EXPECT_TRUE(world_.allows("read", "work/a"));
  EXPECT_TRUE(world_.allows("exec", "/usr/bin/env"));
  EXPECT_TRUE(world_.allows("exec", "env")) << "found by its PATH";
  EXPECT_TRUE(world_.allows("write", "out/new"));
  EXPECT_TRUE(world_.allows("write", "/dev/null"));
  EXPECT_FALSE(world_.allows("write", "work/a"));
  EXPECT_FALSE(world_.allows("read", "/etc/shadow"));
  EXPECT_FALSE(world_.allows("read", "/home/me/.ssh/key"));
  EXPECT_FALSE(world_.allows("exec", "no-such-program"));
  EXPECT_FALSE(world_.allows("exec", "/usr/bin")) << "a directory";
}

TEST_P(FileVerdict, MasksAndBoundDevicesGiveNothingInside) {
  if (GetParam() == Level::Landlock) return;  // nothing is mounted there
  world_.host().masked_files = {"/proc/keys"};
  world_.host().masked_directories = {"/proc/acpi"};
  EXPECT_FALSE(world_.allows("read", "/proc/keys"));
  EXPECT_FALSE(world_.allows("read", "/proc/acpi"));
  EXPECT_FALSE(world_.allows("read", "/proc/acpi/x"));
  EXPECT_TRUE(world_.allows("read", "/proc/uptime"));
  EXPECT_TRUE(world_.allows("write", "/dev/ptmx"));
  world_.device("/dev/kvm");
  world_.policy().paths.push_back({"/dev/kvm", Access::Write});
  const auto device = world_.ask("read", "/dev/kvm");
  EXPECT_FALSE(device.allowed);
  EXPECT_THAT(device.because, HasSubstr("not as a device"));
  EXPECT_TRUE(device.flags.empty());
}

TEST_P(FileVerdict, LinksCountByWhereTheyLead) {
  world_.link("/home/me/work/out", "../.ssh/key");
  world_.link("/home/me/in", "work");
  world_.link("/home/me/work/loop", "loop");
  EXPECT_FALSE(world_.allows("read", "work/out"));
  EXPECT_EQ(world_.ask("read", "work/out").path, "/home/me/.ssh/key");
  EXPECT_FALSE(world_.allows("read", "work/../.ssh/key"));
  EXPECT_TRUE(world_.allows("read", "/bin/env"));
  EXPECT_EQ(world_.ask("read", "/bin/env").path, "/usr/bin/env");
  (void)world_.ask("read", "work/loop");  // ends
}

TEST_P(FileVerdict, TheModeOfAFileCountsBesideTheRules) {
  world_.file("/home/me/work/secret", 0600, 0);
  world_.directory("/home/me/work/closed", 0700, 0);
  world_.file("/home/me/work/closed/a");
  EXPECT_EQ(world_.ask("read", "work/secret").held_by, Holder::Mode);
  EXPECT_EQ(world_.ask("read", "work/closed/a").held_by, Holder::Mode);
  world_.file("/home/me/out/others", 0444, 0);
  EXPECT_EQ(world_.ask("write", "out/others").held_by, Holder::Mode);
  EXPECT_EQ(world_.ask("exec", "work/a").held_by, Holder::Mode) << "no x";
}

TEST_P(FileVerdict, NamesTheNearestRuleAndTheFlag) {
  const auto lacking = world_.ask("write", "work/a");
  ASSERT_TRUE(lacking.nearest);
  EXPECT_EQ(lacking.nearest->text, "--read /home/me/work");
  EXPECT_EQ(lacking.nearest->gives, "read, exec");
  EXPECT_EQ(lacking.flags, (std::vector<std::string>{"--write", "/home/me/work/a"}));

  const auto beside = world_.ask("read", ".ssh/key");
  ASSERT_TRUE(beside.nearest);
  EXPECT_THAT(beside.nearest->text, HasSubstr("/home/me/"));
  EXPECT_EQ(beside.flags, (std::vector<std::string>{"--read", "/home/me/.ssh/key"}));
  EXPECT_FALSE(beside.rule);

  const auto fresh = world_.ask("write", ".ssh/deep/new");
  EXPECT_EQ(fresh.flags, (std::vector<std::string>{"--write", "/home/me/.ssh"}))
      << "a flag takes what is there";
  EXPECT_TRUE(world_.ask("read", ".ssh/none").flags.empty()) << "nothing that could be given";
  EXPECT_TRUE(world_.ask("write", "/data/state").flags.empty()) << "ringfort's own";

  world_.ask_of_spec();
  EXPECT_TRUE(world_.ask("read", ".ssh/key").flags.empty());
  EXPECT_THAT(world_.ask("read", ".ssh/key").remedy, HasSubstr("storage entry of type bind"));
}

TEST_P(FileVerdict, AVolumeIsTheRuleOfWhatIsBelowIt) {
  world_.ask_of_spec();
  world_.directory("/srv/in");
  world_.directory("/data/volumes/db");
  world_.policy().volumes = {{"db", "/db", false, "", VolumeKind::Named, "/data/volumes/db"},
                             {"", "/in", true, "/srv/in", VolumeKind::Bind, "/srv/in"},
                             {"", "/t", false, "", VolumeKind::Tmpfs, "", Bytes{1 << 20}}};
  world_.service().storage = {specs::TmpfsStorage{"/t", {}, {}},
                              specs::NamedStorage{"db", "/db/", false, {}, {}},
                              specs::BindStorage{"/srv/in", "/in", true}};
  const bool is_landlock = GetParam() == Level::Landlock;
  const std::string db = is_landlock ? "/data/volumes/db" : "/db";
  const std::string in = is_landlock ? "/srv/in" : "/in";

  const auto written = world_.ask("write", db + "/new");
  EXPECT_TRUE(written.allowed);
  ASSERT_TRUE(written.rule);
  EXPECT_EQ(written.rule->text, "volume db");
  EXPECT_EQ(written.rule->origin, Origin::Spec);
  EXPECT_EQ(written.rule->field, "storage[1]");
  EXPECT_TRUE(world_.allows("read", in));
  const auto refused = world_.ask("write", in + "/new");
  EXPECT_FALSE(refused.allowed);
  ASSERT_TRUE(refused.nearest);
  EXPECT_EQ(refused.nearest->text, "the bind of /srv/in");
  EXPECT_EQ(refused.nearest->gives, "read, exec");
  EXPECT_EQ(refused.held_by, is_landlock ? Holder::Landlock : Holder::Mounts);
  EXPECT_EQ(world_.allows("write", "/t/new"), !is_landlock);
  EXPECT_EQ(is_landlock, refused.remedy.find("readonly") == std::string::npos);
  // A target is no host path, and what lies there on the host is hidden.
  EXPECT_EQ(world_.allows("write", "/db/new"), !is_landlock);
  world_.directory("/db");
  world_.file("/db/hosts");
  EXPECT_EQ(world_.allows("write", "/db/new"), !is_landlock);
}

/// What the flag names is then allowed: for any path that is there.
TEST_P(FileVerdict, TheFlagsThatAreNamedDoIt) {
  const std::vector<std::string> paths{"/etc/shadow",   "/home/me/.ssh/key",  "/home/me/work/a",
                                       "/home/me/.ssh", "/home/me/none/deep", "/var"};
  for (const auto& path : paths) {
    for (const char* operation : {"read", "write"}) {
      World world{GetParam()};
      const auto before = world.ask(operation, path);
      if (before.allowed || before.flags.empty()) continue;
      auto access = before.flags[0] == "--write" ? Access::Write : Access::Read;
      std::erase_if(world.policy().paths, [&](const auto& r) { return r.path == before.flags[1]; });
      world.policy().paths.push_back({before.flags[1], access});
      EXPECT_NE(world.ask(operation, path).held_by, Holder::Landlock) << operation << " " << path;
    }
  }
}

TEST_P(FileVerdict, KnowsTheHostsTopLinksWithoutALook) {
  Policy policy = world_.policy();
  Command command;
  command.argv = {"true"};
  const auto plan = make_launch_plan(policy, command, GetParam(), world_.host());
  ASSERT_TRUE(plan);
  const specs::Service service;
  const RunOptions options;
  const VerdictContext context{policy, *plan, world_.host(), service, options};
  const auto ask = [&](Operation operation, std::string_view target) {
    return judge(*parse_question(operation, target, "/"), context);
  };
  EXPECT_TRUE(ask(Operation::Exec, "/bin/env").allowed);
  EXPECT_TRUE(ask(Operation::Read, "/lib/x.so").allowed);
  EXPECT_EQ(ask(Operation::Write, "/bin/env").path, "/usr/bin/env");
  EXPECT_FALSE(ask(Operation::Read, "/sbin/x").allowed);
}

INSTANTIATE_TEST_SUITE_P(, FileVerdict, testing::Values(Level::Landlock, Level::Namespaces),
                         [](const auto& row) { return std::string(to_string(row.param)); });

/// With no look at the host, what is read is what a path of the policy covers, letter by letter.
RC_GTEST_PROP(FileVerdictOfText, AgreesWithTheRulesLetterByLetter, ()) {
  const auto name = rc::gen::element<std::string>("a", "ab", "b", "..", ".", "c d", "e\"f");
  const auto below = *rc::gen::container<std::vector<std::string>>(*rc::gen::inRange(1, 5), name);
  const auto level = *rc::gen::element(Level::Landlock, Level::Namespaces);
  const auto operation = *rc::gen::element(Operation::Read, Operation::Write);
  std::vector<PathRule> rules;
  for (const char* path : {"/x/a", "/x/a/b", "/x/ab", "/x/b"})
    if (*rc::gen::arbitrary<bool>())
      rules.push_back({path, *rc::gen::element(Access::Read, Access::Write)});

  Policy policy;
  policy.container_dir = "/data/containers/x-1";
  policy.scratch_dir = "/data/containers/x-1/tmp";
  policy.paths = rules;
  HostFacts host;
  host.landlock_abi = 7;
  host.system_directories = {"/usr"};
  Command command;
  command.argv = {"true"};
  const auto plan = make_launch_plan(policy, command, level, host);
  RC_ASSERT(plan.has_value());
  std::string target = "/x";
  std::vector<std::string> parts{"x"};
  for (const auto& part : below) {
    target += "/" + part;
    if (part == ".." && !parts.empty()) parts.pop_back();
    if (part != ".." && part != ".") parts.push_back(part);
  }
  std::string plain;
  for (const auto& part : parts) plain += "/" + part;

  bool expected = false;
  // The deepest mount decides at namespaces; at landlock any rule above does.
  const PathRule* deepest = nullptr;
  for (const auto& rule : rules) {
    if (!is_within(plain, rule.path)) continue;
    const bool gives = operation == Operation::Read || rule.access == Access::Write;
    if (level == Level::Landlock) expected = expected || gives;
    if (deepest == nullptr || deepest->path.size() < rule.path.size()) deepest = &rule;
  }
  if (level == Level::Namespaces && deepest != nullptr)
    expected = operation == Operation::Read || deepest->access == Access::Write;
  const bool is_above = std::ranges::any_of(rules, [&](const PathRule& rule) {
    return is_within(rule.path, plain.empty() ? "/" : plain);
  });
  const bool is_root = plain.empty() || (is_above && deepest == nullptr);
  RC_PRE(!is_root);  // mount points and what is above them are there, but not by a rule

  const specs::Service service;
  const RunOptions options;
  const VerdictContext context{policy, *plan, host, service, options};
  const auto question = parse_question(operation, target, "/");
  RC_ASSERT(question.has_value());
  RC_ASSERT(judge(*question, context).allowed == expected);
}

class NetVerdict : public testing::TestWithParam<Level> {
 protected:
  World world_{GetParam()};
};

TEST_P(NetVerdict, NoneHasUnixSocketsOnly) {
  for (const char* target : {"80", "127.0.0.1:8080", "[::1]:8080", "udp:53"})
    EXPECT_EQ(world_.ask("connect", target).held_by, Holder::Seccomp) << target;
  EXPECT_EQ(world_.ask("connect", "8080").flags, (std::vector<std::string>{"--connect", "8080"}));
  EXPECT_EQ(world_.ask("bind", "8080").flags, (std::vector<std::string>{"--listen", "8080"}));
  EXPECT_EQ(world_.ask("connect", "udp:53").flags, (std::vector<std::string>{"--net", "full"}));
  EXPECT_TRUE(world_.allows("bind", "/home/me/out/sock"));
  EXPECT_FALSE(world_.allows("bind", "/home/me/work/sock"));
  EXPECT_FALSE(world_.allows("connect", "@bus"));
  EXPECT_TRUE(world_.allows("bind", "@bus"));
}

TEST_P(NetVerdict, LocalGivesItsPortsAndNamesTheNearest) {
  world_.policy().network = {NetMode::Local, {8080}, {8080, 9000}, {}, true};
  world_.options().connect = {9000};
  specs::Endpoint endpoint;
  endpoint.name = "web";
  endpoint.port = 80;
  endpoint.target_port = 8080;
  world_.service().endpoints = {endpoint};
  EXPECT_EQ(world_.ask("bind", "8080").rule->field, "endpoints[0].target_port");
  EXPECT_EQ(world_.ask("connect", "9000").rule->text, "--connect 9000");
  EXPECT_EQ(world_.ask("bind", "9000").nearest->gives, "connect");
  EXPECT_EQ(world_.ask("connect", "8082").nearest->text, "port 8080 of endpoint web");
  EXPECT_FALSE(world_.allows("connect", "udp:8080"));
  EXPECT_EQ(world_.ask("bind", "80").held_by, Holder::Landlock);
  world_.policy().network.bind_ports = {80, 8080};
  EXPECT_EQ(world_.ask("bind", "80").held_by, Holder::Kernel) << "no capability";
  world_.host().landlock_abi = 3;
  world_.policy().network.is_asked_for = false;
  if (GetParam() == Level::Namespaces) {
    EXPECT_TRUE(world_.allows("connect", "7")) << "nothing holds ports on such a kernel";
  }
}

TEST_P(NetVerdict, FullHoldsNothingAndStrictAll) {
  world_.policy().network.mode = NetMode::Full;
  for (const char* target : {"80", "example.org:443", "udp:53"})
    EXPECT_TRUE(world_.allows("connect", target)) << target;
  EXPECT_FALSE(world_.allows("bind", "80"));
  world_.policy().seccomp = specs::SeccompProfile::Strict;
  for (const char* target : {"8080", "udp:5353", "@bus", "/home/me/out/sock"})
    EXPECT_EQ(world_.ask("bind", target).held_by, Holder::Seccomp) << target;
}

INSTANTIATE_TEST_SUITE_P(, NetVerdict, testing::Values(Level::Landlock, Level::Namespaces),
                         [](const auto& row) { return std::string(to_string(row.param)); });

TEST(NetVerdictAtNetwork, ReachesItsOwnLoopbackOnly) {
  World world{Level::Network};
  world.policy().network = {NetMode::Local, {80, 8080}, {8080}, {}, false};
  EXPECT_TRUE(world.allows("connect", "127.0.0.1:8080"));
  EXPECT_FALSE(world.allows("connect", "127.0.0.1:8081"));
  EXPECT_FALSE(world.allows("connect", "192.0.2.1:8080"));
  EXPECT_TRUE(world.allows("bind", "80")) << "low ports are free there";
  world.policy().network = {NetMode::Full, {}, {}, {}, false};
  EXPECT_TRUE(world.allows("connect", "[::1]:53"));
  const auto outside = world.ask("connect", "192.0.2.1:443");
  EXPECT_FALSE(outside.allowed);
  EXPECT_EQ(outside.held_by, Holder::Kernel);
  EXPECT_THAT(outside.remedy, HasSubstr("--isolation namespaces"));
}

TEST(Question, TargetsAreReadAsTheyAreWritten) {
  const auto shown = [](std::string_view target) {
    const auto question = parse_question(Operation::Connect, target, "/here");
    return question ? target_text(*question) : "refused";
  };
  EXPECT_EQ(shown("80"), "80");
  EXPECT_EQ(shown("tcp:localhost:80"), "localhost:80");
  EXPECT_EQ(shown("udp:[::1]:53"), "udp:[::1]:53");
  EXPECT_EQ(shown("./sock"), "/here/./sock");
  EXPECT_EQ(shown("unix:sock"), "/here/sock");
  EXPECT_EQ(shown("@name"), "@name");
  for (const char* wrong : {"", "0", "65536", "-1", "80x", "::1:80", "host", "udp:"})
    EXPECT_EQ(shown(wrong), "refused") << wrong;
  EXPECT_FALSE(parse_question(Operation::Read, "", "/"));
  EXPECT_FALSE(parse_question(Operation::Read, std::string_view{"a\0b", 3}, "/"));
}

}  // namespace
}  // namespace ringfort::platform
