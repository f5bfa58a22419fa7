#include "ringfort/platform/seatbelt_profile.hpp"
#include "ringfort/support/golden.hpp"
#include "ringfort/support/sbpl.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <set>

namespace ringfort::platform {
namespace {

using support::matches_golden;
using support::read_sbpl;
using support::rules_for;
using support::SbplForm;
using support::strings_under;
using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;
using testing::StartsWith;

Policy minimal() {
  Policy policy;
  policy.container_dir = "/srv/ringfort/containers/web-1";
  policy.rootfs_dir = policy.container_dir + "/rootfs";
  policy.scratch_dir = policy.container_dir + "/tmp";
  return policy;
}

Policy with_local_network() {
  Policy policy = minimal();
  policy.network = {NetMode::Local, {8080, 40001}, {5432, 8080, 40001}, {53, 80, 443}};
  return policy;
}

Policy with_full_network() {
  Policy policy = minimal();
  policy.network.mode = NetMode::Full;
  return policy;
}

Policy with_gpu(GpuAccess gpu) {
  Policy policy = with_local_network();
  policy.gpu = gpu;
  return policy;
}

Policy with_volumes() {
  Policy policy = with_local_network();
  policy.volumes = {{"data", "/data", false, ""},
                    {"models", "/models", true, ""},
                    {"", "/models/cache", false, ""},
                    {"", "/src", true, "/home/me/src"}};
  return policy;
}

Policy with_host_image() {
  Policy policy = minimal();
  policy.container_dir = "/tmp/ringfort/containers/run-1";
  policy.rootfs_dir.clear();
  policy.scratch_dir = policy.container_dir + "/tmp";
  policy.paths = {{"/etc/app.conf", Access::Read}, {"/home/me/out", Access::Write}};
  return policy;
}

std::string profile_of(const Policy& policy) { return seatbelt_profile(policy).value(); }
std::vector<SbplForm> forms_of(const Policy& policy) {
  return read_sbpl(profile_of(policy)).value();
}

TEST(Seatbelt, WritesTheExpectedProfiles) {
  const std::vector<std::pair<std::string, Policy>> profiles = {
      {"seatbelt_minimal.sb", minimal()},
      {"seatbelt_net_local.sb", with_local_network()},
      {"seatbelt_net_full.sb", with_full_network()},
      {"seatbelt_gpu_metal.sb", with_gpu(GpuAccess::MetalCompute)},
      {"seatbelt_gpu_mps.sb", with_gpu(GpuAccess::MpsOnly)},
      {"seatbelt_volumes.sb", with_volumes()},
      {"seatbelt_host_image.sb", with_host_image()},
  };
  for (const auto& [file, policy] : profiles) EXPECT_TRUE(matches_golden(profile_of(policy), file));
}

TEST(Seatbelt, BeginsByDenyingEverything) {
  const auto forms = forms_of(with_gpu(GpuAccess::MetalCompute));

  EXPECT_EQ(forms.at(0), read_sbpl("(version 1)")->front());
  EXPECT_EQ(forms.at(1), read_sbpl("(deny default)")->front());
  EXPECT_THAT(rules_for(forms, "deny", "default"), SizeIs(1));
  EXPECT_THAT(rules_for(forms, "allow", "default"), IsEmpty());
}

// The seed's tests look for words in sandbox.sb. Each row names the test that wants them.
TEST(Seatbelt, HasTheWordsThatTheSeedLooksFor) {
  const auto text = profile_of(with_local_network());

  EXPECT_THAT(
      text, AllOf(HasSubstr("(version 1)"), HasSubstr("(deny default)"), HasSubstr("process-exec"),
                  HasSubstr("process-fork"), HasSubstr("/usr/lib"), HasSubstr("sysctl-read"),
                  HasSubstr("/dev/null"), HasSubstr("pseudo-tty"), HasSubstr("ipc-posix-sem"),
                  HasSubstr("rootfs")));                                        // 28
  EXPECT_THAT(text, AllOf(HasSubstr("localhost"), HasSubstr("network-bind")));  // 11
  EXPECT_THAT(profile_of(with_full_network()),
              AllOf(HasSubstr("full access"), HasSubstr("network-outbound"),
                    HasSubstr("network-inbound")));                                      // 12
  EXPECT_THAT(profile_of(with_volumes()), AllOf(HasSubstr("/data"), HasSubstr("tmp")));  // 26
}

TEST(Seatbelt, HasTheGpuWordsThatTheSeedLooksFor) {
  EXPECT_THAT(profile_of(with_gpu(GpuAccess::MetalCompute)),
              AllOf(HasSubstr("Full Metal Compute"), HasSubstr("MTLCompilerService"),
                    HasSubstr("IOAccelDevice2"), HasSubstr("AGXDeviceUserClient"),
                    HasSubstr("MetalPerformanceShaders.framework")));  // 8
  EXPECT_THAT(profile_of(with_gpu(GpuAccess::MpsOnly)),
              AllOf(HasSubstr("MPS Only"), HasSubstr("MetalPerformanceShaders.framework"),
                    HasSubstr("AGXDeviceUserClient"), Not(HasSubstr("AGXCompilerService"))));  // 9
  EXPECT_THAT(profile_of(minimal()),
              AllOf(Not(HasSubstr("Full Metal Compute")), Not(HasSubstr("MPS Only"))));  // 10
}

TEST(Seatbelt, ListsWhatAGpuNeedsInFull) {
  const auto metal = forms_of(with_gpu(GpuAccess::MetalCompute));
  const auto mps = forms_of(with_gpu(GpuAccess::MpsOnly));

  EXPECT_THAT(strings_under(metal, "iokit-property"), SizeIs(59));
  EXPECT_THAT(strings_under(mps, "iokit-property"), SizeIs(13));
  EXPECT_THAT(strings_under(rules_for(metal, "allow", "iokit-open"), "iokit-user-client-class"),
              SizeIs(12));
  EXPECT_THAT(strings_under(rules_for(mps, "allow", "iokit-open"), "iokit-user-client-class"),
              SizeIs(7));
  EXPECT_THAT(strings_under(metal, "xpc-service-name-prefix"),
              ElementsAre("com.apple.AGXCompilerService"));
}

TEST(Seatbelt, OpensNoSocketWithoutNetwork) {
  const auto forms = forms_of(minimal());

  for (const auto* operation :
       {"network-bind", "network-inbound", "network-outbound", "network*", "system-socket"})
    EXPECT_THAT(rules_for(forms, "allow", operation), IsEmpty()) << operation;
}

TEST(Seatbelt, NamesEachPortOfLocal) {
  const auto forms = forms_of(with_local_network());

  const auto bound = rules_for(forms, "allow", "network-bind");
  const auto reached = rules_for(forms, "allow", "network-outbound");
  EXPECT_EQ(bound, read_sbpl(R"((allow network-bind (local ip "localhost:8080"))
                                (allow network-bind (local ip "localhost:40001")))"));
  EXPECT_THAT(strings_under(reached, "remote"),
              ElementsAre("localhost:53", "localhost:80", "localhost:443", "localhost:5432",
                          "localhost:8080", "localhost:40001"));
  EXPECT_THAT(rules_for(forms, "allow", "system-socket"), IsEmpty());
}

TEST(Seatbelt, AcceptsNobodyWhereNothingIsBound) {
  Policy policy = minimal();
  policy.network = {NetMode::Local, {}, {5432}, {}};

  EXPECT_THAT(rules_for(forms_of(policy), "allow", "network-inbound"), IsEmpty());
}

TEST(Seatbelt, KeepsTheContainersOwnFilesOutOfReach) {
  // The seed opened the whole directory: a program could rewrite its own sandbox.sb.
  const auto writable =
      strings_under(rules_for(forms_of(minimal()), "allow", "file-write*"), "subpath");

  EXPECT_THAT(writable, ElementsAre("/srv/ringfort/containers/web-1/rootfs",
                                    "/srv/ringfort/containers/web-1/tmp"));
}

TEST(Seatbelt, TakesTheOwnFilesOutOfAWiderWritePath) {
  Policy policy = minimal();
  policy.paths = {{"/srv", Access::Write}};

  const auto forms = forms_of(policy);

  const auto denied = rules_for(forms, "deny", "file-write*");
  ASSERT_EQ(denied, read_sbpl(R"((deny file-write* (require-all
      (subpath "/srv/ringfort/containers/web-1")
      (require-not (subpath "/srv/ringfort/containers/web-1/tmp"))
      (require-not (subpath "/srv/ringfort/containers/web-1/rootfs")))))"));
  const auto granted = read_sbpl(R"((allow file-read* file-write* (subpath "/srv")))")->front();
  EXPECT_LT(std::ranges::find(forms, granted), std::ranges::find(forms, denied.front()))
      << "the last matching rule decides";
}

TEST(Seatbelt, MakesPathRulesReadableOrWritable) {
  const auto forms = forms_of(with_host_image());

  EXPECT_THAT(strings_under(rules_for(forms, "allow", "file-read*"), "subpath"),
              AllOf(Contains("/etc/app.conf"), Contains("/home/me/out")));
  EXPECT_THAT(strings_under(rules_for(forms, "allow", "file-write*"), "subpath"),
              ElementsAre("/tmp/ringfort/containers/run-1/tmp",
                          "/private/tmp/ringfort/containers/run-1/tmp", "/home/me/out"));
}

TEST(Seatbelt, GivesLinkedDirectoriesUnderBothNames) {
  const auto paths = strings_under(forms_of(with_host_image()), "subpath");

  EXPECT_THAT(paths, AllOf(Contains("/etc/app.conf"), Contains("/private/etc/app.conf")));
  EXPECT_THAT(paths, Not(Contains("/private/home/me/out")));
}

TEST(Seatbelt, PutsVolumesInsideTheRootfsAndNeverAtTheHostsPath) {
  const auto forms = forms_of(with_volumes());
  const std::string rootfs = minimal().rootfs_dir;

  const auto writable = strings_under(rules_for(forms, "allow", "file-write*"), "subpath");
  EXPECT_THAT(writable, AllOf(Contains(rootfs + "/data"), Contains(rootfs + "/models/cache"),
                              Not(Contains(rootfs + "/models")), Not(Contains("/data")),
                              Not(Contains("/home/me/src"))));
}

TEST(Seatbelt, WithdrawsWritingFromReadOnlyVolumesButNotFromThoseInside) {
  const auto denied = rules_for(forms_of(with_volumes()), "deny", "file-write*");

  EXPECT_EQ(denied, read_sbpl(R"(
      (deny file-write* (require-all
        (subpath "/srv/ringfort/containers/web-1/rootfs/models")
        (require-not (subpath "/srv/ringfort/containers/web-1/rootfs/models/cache"))))
      (deny file-write* (subpath "/srv/ringfort/containers/web-1/rootfs/src"))
      (deny file-write* (subpath "/home/me/src")))"));
}

TEST(SbplString, EscapesOnlyWhatEndsOrEscapes) {
  EXPECT_EQ(sbpl_string("/a b;(c)").value(), "\"/a b;(c)\"");
  EXPECT_EQ(sbpl_string("/\")) (allow default)\\").value(), "\"/\\\")) (allow default)\\\\\"");
  EXPECT_EQ(sbpl_string("/\xc3\xa9").value(), "\"/\xc3\xa9\"");
}

TEST(SbplString, RefusesWhatNoReaderAgreesOn) {
  using namespace std::string_literals;
  for (const auto& text :
       {"a\0b"s, "a\nb"s, "a\tb"s, "\x7f"s, "\xc2\x85"s, "\xff"s, "\xed\xa0\x80"s})
    EXPECT_EQ(sbpl_string(text).error().kind, ErrorKind::InvalidSpec);
}

TEST(SbplReader, RefusesBrokenTexts) {
  for (const auto* text : {"(", ")", "(a", "(a \"b)", "(a))", R"~("\n")~", R"~("\)~"})
    EXPECT_FALSE(read_sbpl(text)) << text;
  EXPECT_THAT(read_sbpl("; (comment\n(a \"b;(c\" (d))").value(), SizeIs(1));
}

// From here: any policy, however hostile its paths, is refused or reads back as what it says.

rc::Gen<std::string> hostile_path() {
  using namespace std::string_literals;
  const auto nasty = rc::gen::elementOf(std::vector<std::string>{
      "\"", "\\", "\\\"", "))", "((", "\")) (allow default) (x (y \"", "; comment", "#\"re\"",
      "$(x)", "/", "/tmp", "/var", "/etc", "data", " ", "\xc3\xa9", "\xe2\x80\xa8"});
  const auto printable = rc::gen::container<std::string>(rc::gen::inRange<char>(0x20, 0x7f));
  const auto refused = rc::gen::elementOf(std::vector<std::string>{
      "\n", "\0"s, "/../", "\xff", "\x1b[2J", "\xc2\x9b", "\xed\xa0\x80", "\r", "\x7f"});
  const auto end = rc::gen::weightedOneOf<std::string>({{30, rc::gen::just(""s)}, {1, refused}});
  const auto begin = rc::gen::weightedElement<std::string>({{30, "/"}, {1, ""}, {1, "/srv/"}});
  const auto middle =
      rc::gen::container<std::vector<std::string>>(rc::gen::oneOf(nasty, printable));
  return rc::gen::apply(
      [](std::string path, const std::vector<std::string>& parts, const std::string& tail) {
        for (const auto& part : parts) path += part;
        return path + tail;
      },
      begin, middle, end);
}

rc::Gen<Policy> hostile_policy() {
  using rc::gen::arbitrary;
  const auto port = rc::gen::inRange<int>(1, 65536);
  const auto rule = rc::gen::build<PathRule>(
      rc::gen::set(&PathRule::path, hostile_path()),
      rc::gen::set(&PathRule::access, rc::gen::element(Access::Read, Access::Write)));
  const auto volume = rc::gen::build<VolumeRule>(
      rc::gen::set(&VolumeRule::target, hostile_path()),
      rc::gen::set(&VolumeRule::read_only, arbitrary<bool>()),
      rc::gen::set(&VolumeRule::source,
                   rc::gen::oneOf(rc::gen::just(std::string()), hostile_path())));
  const auto ports = rc::gen::map(rc::gen::container<std::vector<int>>(port), [](const auto& all) {
    return std::vector<std::uint16_t>(all.begin(), all.end());
  });
  const auto network = rc::gen::build<NetworkAccess>(
      rc::gen::set(&NetworkAccess::mode,
                   rc::gen::element(NetMode::None, NetMode::Local, NetMode::Full)),
      rc::gen::set(&NetworkAccess::bind_ports, ports),
      rc::gen::set(&NetworkAccess::connect_ports, ports));
  const auto few = [](auto gen) { return rc::gen::resize(4, gen); };
  return rc::gen::build<Policy>(
      rc::gen::set(&Policy::container_dir, few(hostile_path())),
      rc::gen::set(&Policy::rootfs_dir,
                   rc::gen::oneOf(rc::gen::just(std::string()), few(hostile_path()))),
      rc::gen::set(&Policy::scratch_dir, few(hostile_path())),
      rc::gen::set(&Policy::paths, few(rc::gen::container<std::vector<PathRule>>(rule))),
      rc::gen::set(&Policy::volumes, few(rc::gen::container<std::vector<VolumeRule>>(volume))),
      rc::gen::set(&Policy::network, few(network)),
      rc::gen::set(&Policy::gpu,
                   rc::gen::element(GpuAccess::None, GpuAccess::MetalCompute, GpuAccess::MpsOnly)));
}

/// `path` in the forms in which it must stand in the text; none when it has to be refused.
std::set<std::string> forms_of_path(const std::string& path) {
  const auto normal = normal_path(path, "path");
  if (!normal) return {};
  for (const auto* link : {"/tmp", "/var", "/etc"})
    if (is_within(*normal, link)) return {*normal, "/private" + *normal};
  return {*normal};
}

std::vector<std::string> given_paths(const Policy& policy) {
  std::vector<std::string> paths = {policy.container_dir, policy.scratch_dir};
  if (!policy.rootfs_dir.empty()) paths.push_back(policy.rootfs_dir);
  for (const auto& rule : policy.paths) paths.push_back(rule.path);
  for (const auto& volume : policy.volumes) {
    paths.push_back(volume.target);
    if (!volume.source.empty()) paths.push_back(volume.source);
  }
  return paths;
}

bool is_sound(const std::string& path) { return !forms_of_path(path).empty(); }

bool may_write_own_files(const Policy& policy) {
  return std::ranges::any_of(policy.paths, [&](const PathRule& rule) {
    return rule.access == Access::Write &&
           is_within(*normal_path(policy.container_dir, ""), *normal_path(rule.path, ""));
  });
}

/// Where a volume lies: one set of forms for its target inside the rootfs, one for its source.
std::size_t place_count(const Policy& policy, const VolumeRule& volume) {
  const auto inside = policy.rootfs_dir + volume.target;
  return (policy.rootfs_dir.empty() ? 0 : forms_of_path(inside).size()) +
         (volume.source.empty() ? 0 : forms_of_path(volume.source).size());
}

std::size_t form_count(const Policy& policy) {
  std::size_t count = 2 + 6 + 2 + 2 + 1 + 2 + 1 + 3 + 2;  // up to the scratch, then I/O and IPC
  count += 2 * policy.paths.size();
  if (may_write_own_files(policy)) count += forms_of_path(policy.container_dir).size();
  for (const auto& volume : policy.volumes) {
    const auto places = place_count(policy, volume);
    if (places > 0) count += 1 + (volume.read_only ? places : 0);
  }
  if (policy.gpu != GpuAccess::None) count += policy.gpu == GpuAccess::MetalCompute ? 9 : 8;
  if (policy.network.mode == NetMode::Full) count += 4;
  if (policy.network.mode == NetMode::Local)
    count += policy.network.bind_ports.size() + policy.network.connect_ports.size() +
             (policy.network.bind_ports.empty() ? 0 : 1);
  return count;
}

/// The paths that stand in every profile with this root and GPU.
std::set<std::string> fixed_paths(const Policy& policy) {
  Policy plain;
  plain.container_dir = plain.scratch_dir = "/fixed";
  if (!policy.rootfs_dir.empty()) plain.rootfs_dir = "/fixed";
  plain.gpu = policy.gpu;
  const auto paths = strings_under(forms_of(plain), "subpath");
  std::set<std::string> fixed(paths.begin(), paths.end());
  fixed.erase("/fixed");
  return fixed;
}

std::set<std::string> expected_paths(const Policy& policy) {
  auto expected = fixed_paths(policy);
  const auto expect = [&](const std::string& path) { expected.merge(forms_of_path(path)); };
  expect(policy.scratch_dir);
  if (!policy.rootfs_dir.empty()) expect(policy.rootfs_dir);
  for (const auto& rule : policy.paths) expect(rule.path);
  for (const auto& volume : policy.volumes) {
    if (!policy.rootfs_dir.empty()) expect(policy.rootfs_dir + volume.target);
    if (!volume.source.empty()) expect(volume.source);
  }
  if (may_write_own_files(policy)) expect(policy.container_dir);
  return expected;
}

/// Verdicts and operations that a profile may hold, whatever is asked for: all symbols that stand
/// directly in its top-level forms.
std::set<std::string> known_words() {
  std::set<std::string> words;
  for (const auto& policy : {minimal(), with_gpu(GpuAccess::MetalCompute), with_volumes(),
                             with_full_network(), with_host_image()})
    for (const auto& form : forms_of(policy))
      for (const auto& item : form.items)
        if (item.kind == SbplForm::Kind::Symbol) words.insert(item.text);
  return words;
}

/// Forms that take something back: the first one, and what read-only volumes and own files need.
std::size_t denial_count(const Policy& policy) {
  std::size_t count = 1;
  if (may_write_own_files(policy)) count += forms_of_path(policy.container_dir).size();
  for (const auto& volume : policy.volumes)
    if (volume.read_only) count += place_count(policy, volume);
  return count;
}

RC_GTEST_PROP(SeatbeltProperty, IsRefusedOrReadsBackAsWhatItSays, ()) {
  const auto policy = *hostile_policy();

  const auto text = seatbelt_profile(policy);

  RC_CLASSIFY(text.has_value());
  RC_ASSERT(text.has_value() == std::ranges::all_of(given_paths(policy), is_sound));
  if (!text) return;
  const auto forms = read_sbpl(*text);
  RC_ASSERT(forms.has_value());
  RC_ASSERT(forms->size() == form_count(policy));
  RC_ASSERT(forms->at(0) == read_sbpl("(version 1)")->front());
  RC_ASSERT(forms->at(1) == read_sbpl("(deny default)")->front());
  const auto words = known_words();
  for (const auto& form : *forms) {
    RC_ASSERT(form.head() == "version" || form.head() == "deny" || form.head() == "allow");
    for (const auto& item : form.items)
      RC_ASSERT(item.kind != SbplForm::Kind::Symbol || words.contains(item.text));
  }
  RC_ASSERT(static_cast<std::size_t>(std::ranges::count(*forms, "deny", &SbplForm::head)) ==
            denial_count(policy));
  const auto paths = strings_under(*forms, "subpath");
  RC_ASSERT(std::set<std::string>(paths.begin(), paths.end()) == expected_paths(policy));
}

}  // namespace
}  // namespace ringfort::platform
