#include "ringfort/platform/policy.hpp"

#include "ringfort/specs/validate.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>

namespace ringfort::platform {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

const PolicyContext kContext{.container_dir = "/srv/ringfort/containers/web-1", .own_port = 40001};

specs::Endpoint endpoint(std::uint16_t port, std::optional<std::uint16_t> target = std::nullopt) {
  specs::Endpoint endpoint;
  endpoint.name = "port" + std::to_string(port);
  endpoint.port = port;
  endpoint.target_port = target;
  return endpoint;
}

specs::Service with_endpoint() {
  specs::Service service;
  service.endpoints = {endpoint(8080)};
  return service;
}

specs::Service with_storage(std::vector<specs::Storage> storage) {
  specs::Service service;
  service.storage = std::move(storage);
  return service;
}

NetworkAccess network_of(const specs::Service& service, const RunOptions& options) {
  return make_policy(service, options, kContext).value().network;
}

Error refusal(const specs::Service& service, const RunOptions& options = {},
              const PolicyContext& context = kContext) {
  const auto policy = make_policy(service, options, context);
  EXPECT_FALSE(policy.has_value());
  return policy ? Error{} : policy.error();
}

TEST(Policy, PlacesRootAndScratchInTheContainerDirectory) {
  const auto policy = make_policy({}, {}, kContext).value();

  EXPECT_EQ(policy.container_dir, "/srv/ringfort/containers/web-1");
  EXPECT_EQ(policy.rootfs_dir, "/srv/ringfort/containers/web-1/rootfs");
  EXPECT_EQ(policy.scratch_dir, "/srv/ringfort/containers/web-1/tmp");
  EXPECT_EQ(policy.max_files, 4096u);
  EXPECT_EQ(policy.memory_limit, std::nullopt);
}

TEST(Policy, NeverOpensTheDataDirectoryForWriting) {
  for (const char* path : {"/", "/srv", "/srv/ringfort", "/srv/ringfort/state"}) {
    RunOptions options;
    options.write = {path};
    const auto error = refusal({}, options);
    EXPECT_EQ(error.kind, ErrorKind::InvalidSpec) << path;
    EXPECT_THAT(error.hint, HasSubstr("--data-dir")) << path;
  }
  RunOptions beside;
  beside.write = {"/srv/ringfort2", "/srv/other"};
  beside.read = {"/srv"};
  EXPECT_TRUE(make_policy({}, beside, kContext));
}

TEST(Policy, GivesTheHostImageNoRootOfItsOwn) {
  PolicyContext context = kContext;
  context.host_image = true;
  context.native_image = true;

  const auto policy = make_policy({}, {}, context).value();

  EXPECT_EQ(policy.rootfs_dir, "");
  EXPECT_FALSE(policy.native_image);
}

TEST(Policy, TakesTheMemoryLimitFromTheResources) {
  specs::Service service;
  service.resources.memory = Bytes{512ull << 20};

  EXPECT_EQ(make_policy(service, {}, kContext).value().memory_limit, Bytes{536'870'912});
}

TEST(Policy, LeavesTheNetworkOpenWithoutEndpoints) {
  EXPECT_EQ(network_of({}, {}), (NetworkAccess{NetMode::Full, {}, {}, {}, false}));
}

TEST(Policy, NarrowsTheNetworkToTheEndpointsAndTheOwnPort) {
  specs::Service service;
  service.endpoints = {endpoint(9000), endpoint(80, 8080), endpoint(443, 8080)};

  const auto network = network_of(service, {});

  EXPECT_EQ(network.mode, NetMode::Local);
  EXPECT_THAT(network.bind_ports, ElementsAre(8080, 9000, 40001));
  EXPECT_THAT(network.connect_ports, ElementsAre(8080, 9000, 40001));
  EXPECT_THAT(network.seatbelt_connect_ports, ElementsAre(53, 80, 443));
}

TEST(Policy, NamesThePortsThatMayLeadIn) {
  specs::Service service;
  service.endpoints = {endpoint(443, 8080), endpoint(80, 8080), endpoint(53), endpoint(9000)};
  service.endpoints[2].protocol = specs::Protocol::Udp;
  service.endpoints[3].socket_activation = true;
  RunOptions options;
  options.listen = {80, 7000};
  EXPECT_THAT(network_of(service, options).entries,
              ElementsAre(PortEntry{443, 8080, false}, PortEntry{80, 8080, false},
                          PortEntry{7000, 7000, true}));
  options.net = NetMode::Full;
  EXPECT_THAT(network_of(service, options).entries, IsEmpty()) << "no list, no ports";
}

TEST(Policy, LetsTheOptionsDecideBeforeTheSpecDoes) {
  struct Row {
    std::optional<NetMode> option;
    specs::NetworkModeKind spec;
    bool has_endpoint;
    NetMode expected;
  };
  using Kind = specs::NetworkModeKind;
  const std::vector<Row> rows = {
      {std::nullopt, Kind::Default, false, NetMode::Full},
      {std::nullopt, Kind::Default, true, NetMode::Local},
      {std::nullopt, Kind::None, true, NetMode::None},
      {std::nullopt, Kind::None, false, NetMode::None},
      {std::nullopt, Kind::Host, true, NetMode::Full},
      {std::nullopt, Kind::Bridge, true, NetMode::Local},
      {std::nullopt, Kind::Container, false, NetMode::Full},
      {NetMode::None, Kind::Host, true, NetMode::None},
      {NetMode::Local, Kind::None, false, NetMode::Local},
      {NetMode::Full, Kind::None, true, NetMode::Full},
  };
  for (const auto& row : rows) {
    specs::Service service = row.has_endpoint ? with_endpoint() : specs::Service{};
    service.network_mode.kind = row.spec;
    RunOptions options;
    options.net = row.option;

    EXPECT_EQ(network_of(service, options).mode, row.expected)
        << "row " << &row - rows.data() << " of the table";
  }
}

TEST(Policy, AddsTheOptionsPortsToLocal) {
  RunOptions options;
  options.net = NetMode::Local;
  options.listen = {9000, 9000, 7000};
  options.connect = {5432};

  const auto network = network_of({}, options);

  EXPECT_THAT(network.bind_ports, ElementsAre(7000, 9000, 40001));
  EXPECT_THAT(network.connect_ports, ElementsAre(5432, 7000, 9000, 40001));
  EXPECT_THAT(network.seatbelt_connect_ports, IsEmpty());
}

TEST(Policy, GrantsNoPortWithoutAClaim) {
  RunOptions options;
  options.net = NetMode::Local;
  PolicyContext context = kContext;
  context.own_port.reset();

  const auto network = make_policy({}, options, context).value().network;

  EXPECT_THAT(network.bind_ports, IsEmpty());
  EXPECT_THAT(network.connect_ports, IsEmpty());
}

TEST(Policy, RefusesPortsBesideNone) {
  RunOptions options;
  options.net = NetMode::None;
  options.connect = {5432};

  const auto error = refusal({}, options);

  EXPECT_EQ(error.kind, ErrorKind::InvalidSpec);
  EXPECT_THAT(error.hint, HasSubstr("--net local"));
}

TEST(Policy, RefusesPortZeroWhichTheKernelTakesForAnyPort) {
  specs::Service service;
  service.endpoints = {endpoint(80, 0)};
  RunOptions listening;
  listening.listen = {0};
  RunOptions connecting;
  connecting.connect = {80, 0};

  EXPECT_EQ(refusal(service).kind, ErrorKind::InvalidSpec);
  EXPECT_EQ(refusal({}, listening).kind, ErrorKind::InvalidSpec);
  EXPECT_EQ(refusal({}, connecting).kind, ErrorKind::InvalidSpec);
}

TEST(Policy, OpensTheGpuOnlyForApplesAndOnlyIfTheRuntimeMay) {
  using specs::GpuMode;
  using specs::GpuVendor;
  struct Row {
    bool may;
    std::optional<specs::Gpu> gpu;
    GpuAccess expected;
  };
  const auto gpu = [](GpuVendor vendor, std::optional<GpuMode> mode) {
    specs::Gpu gpu;
    gpu.vendor = vendor;
    gpu.mode = mode;
    return gpu;
  };
  const std::vector<Row> rows = {
      {true, std::nullopt, GpuAccess::None},
      {true, gpu(GpuVendor::Apple, std::nullopt), GpuAccess::MetalCompute},
      {true, gpu(GpuVendor::Apple, GpuMode::Native), GpuAccess::MetalCompute},
      {true, gpu(GpuVendor::Apple, GpuMode::Mps), GpuAccess::MpsOnly},
      {true, gpu(GpuVendor::Nvidia, std::nullopt), GpuAccess::None},
      {true, gpu(GpuVendor::Nvidia, GpuMode::Mps), GpuAccess::None},
      {false, gpu(GpuVendor::Apple, std::nullopt), GpuAccess::None},
      {false, gpu(GpuVendor::Apple, GpuMode::Mps), GpuAccess::None},
  };
  for (const auto& row : rows) {
    specs::Service service;
    service.resources.gpu = row.gpu;
    PolicyContext context = kContext;
    context.gpu_access = row.may;

    EXPECT_EQ(make_policy(service, {}, context).value().gpu, row.expected)
        << "row " << &row - rows.data() << " of the table";
  }
}

TEST(Policy, TurnsStorageIntoVolumesAndNeverIntoHostPaths) {
  const auto service = with_storage({
      specs::TmpfsStorage{"/var/cache", {}, {}},
      specs::NamedStorage{"data", "/data/", true, {}, {}},
      specs::AnonymousStorage{"/etc", {}},
      specs::BindStorage{"/home/me/in", "/data/in", false},
      specs::S3Storage{"bucket", {}, "/models", true, {}, {}},
  });

  const auto policy = make_policy(service, {}, kContext).value();

  EXPECT_THAT(policy.paths, IsEmpty());
  const std::string own = kContext.container_dir;
  using enum VolumeKind;
  const auto data_dir = own.substr(0, own.rfind("/containers/"));
  EXPECT_THAT(
      policy.volumes,
      ElementsAre(VolumeRule{"data", "/data", true, "", Named, data_dir + "/volumes/data"},
                  VolumeRule{"", "/data/in", false, "/home/me/in", Bind, "/home/me/in"},
                  VolumeRule{"", "/etc", false, "", Anonymous, own + "/volume.2"},
                  VolumeRule{"", "/models", true, "", Anonymous, own + "/volume.3"},
                  VolumeRule{"", "/var/cache", false, "", Tmpfs, "", Bytes{64 << 20}, 01777}));
}

TEST(Policy, TakesSizeAndModeOfATmpfs) {
  const auto policy =
      make_policy(with_storage({specs::TmpfsStorage{"/t", Bytes{4096}, 0750}}), {}, kContext)
          .value();
  EXPECT_EQ(policy.volumes.at(0).size, Bytes{4096});
  EXPECT_EQ(policy.volumes.at(0).mode, 0750U);
}

TEST(Policy, BindsNothingOfRingfortsOwnToBeWritten) {
  const std::string own = kContext.container_dir;
  const auto data_dir = own.substr(0, own.rfind("/containers/"));
  for (const auto& source : {own, data_dir, data_dir + "/volumes/x", std::string{"/"}}) {
    const auto error = refusal(with_storage({specs::BindStorage{source, "/b", false}}));
    EXPECT_EQ(error.kind, ErrorKind::InvalidSpec) << source;
    EXPECT_THAT(error.what, HasSubstr("storage source " + source)) << source;
    // What a program could have put a link into is not even read.
    const bool is_around = source == "/";
    EXPECT_EQ(make_policy(with_storage({specs::BindStorage{source, "/b", true}}), {}, kContext)
                  .has_value(),
              is_around)
        << source;
  }
}

TEST(Policy, KnowsTheNamesOfAnonymousVolumes) {
  EXPECT_EQ(anonymous_volume(12), "volume.12");
  EXPECT_TRUE(is_anonymous_volume("volume.12"));
  for (const char* name : {"volume.", "volume", "volume.x", "volume.1x", "rootfs"})
    EXPECT_FALSE(is_anonymous_volume(name)) << name;
}

TEST(Policy, RefusesTargetsThatHideTheSystemsOwnFiles) {
  for (const std::string target :
       {"/", "//", "/proc", "/proc/self", "/sys", "/dev", "/dev/./null"}) {
    const auto error = refusal(with_storage({specs::AnonymousStorage{target, {}}}));
    EXPECT_EQ(error.kind, ErrorKind::InvalidSpec) << target;
    EXPECT_THAT(error.hint, HasSubstr("/data")) << target;
  }
  for (const std::string target : {"/dev/shm", "/process", "/srv/proc"})
    EXPECT_TRUE(make_policy(with_storage({specs::AnonymousStorage{target, {}}}), {}, kContext))
        << target;
}

TEST(Policy, RefusesTwoVolumesAtOneTarget) {
  const auto error = refusal(
      with_storage({specs::AnonymousStorage{"/data", {}}, specs::TmpfsStorage{"/data/.", {}, {}}}));

  EXPECT_THAT(to_string(error), HasSubstr("\"/data\" is used by two volumes"));
}

TEST(Policy, RefusesVolumeNamesThatAreNoNames) {
  for (const std::string name : {"", "-a", "a-", "A", "a/b", "..", "a_b", "a\n"})
    EXPECT_EQ(refusal(with_storage({specs::NamedStorage{name, "/data", false, {}, {}}})).kind,
              ErrorKind::InvalidSpec)
        << name;
}

TEST(Policy, MergesWhatIsAskedForTwice) {
  RunOptions options;
  options.read = {"/opt/tool/", "/home//me", "/opt/./tool"};
  options.write = {"/home/me", "/b"};

  EXPECT_THAT(make_policy({}, options, kContext).value().paths,
              ElementsAre(PathRule{"/b", Access::Write}, PathRule{"/home/me", Access::Write},
                          PathRule{"/opt/tool", Access::Read}));
}

TEST(Policy, RefusesHostilePathsWhereverTheyComeFrom) {
  using namespace std::string_literals;
  struct Row {
    std::string path;
    std::string reason;
  };
  const std::vector<Row> rows = {
      {"", "is empty"},
      {"data", "is relative"},
      {"./data", "is relative"},
      {"/data/../etc", "`..`"},
      {"/..", "`..`"},
      {"/da\0ta"s, "control character"},
      {"/da\nta", "control character"},
      {"/da\x7fta", "control character"},
      {"/da\xc2\x9bta", "control character"},
      {"/da\xffta", "not valid UTF-8"},
      {"/\xc0\xae\xc0\xae/etc", "not valid UTF-8"},
      {"/" + std::string(256, 'x'), "part over 255 bytes"},
      {"/" + std::string(5000, '/'), "over 4095 bytes"},
  };
  for (const auto& [path, reason] : rows) {
    RunOptions reading;
    reading.read = {path};
    RunOptions writing;
    writing.write = {"/ok", path};
    PolicyContext context = kContext;
    context.container_dir = path;
    const std::vector<Error> errors = {
        refusal({}, reading),
        refusal({}, writing),
        refusal({}, {}, context),
        refusal(with_storage({specs::NamedStorage{"data", path, false, {}, {}}})),
        refusal(with_storage({specs::BindStorage{path, "/data", false}})),
    };
    for (const auto& error : errors) {
      EXPECT_EQ(error.kind, ErrorKind::InvalidSpec) << reason;
      EXPECT_THAT(error.what, HasSubstr(reason));
      EXPECT_THAT(error.hint, Not(IsEmpty()));
      EXPECT_TRUE(is_plain_text(to_string(error))) << "the message itself is fit for a terminal";
    }
  }
}

TEST(NormalPath, KeepsWhatIsUnusualButHarmless) {
  for (const std::string path : {"/", "/a b", "/...", "/..a", "/a\"b", "/a\\b", "/;(x)",
                                 "/\xc3\xa9t\xc3\xa9", "/\xe2\x82\xac"})
    EXPECT_EQ(normal_path(path, "path").value(), path);
}

TEST(IsWithin, ComparesWholeParts) {
  EXPECT_TRUE(is_within("/a", "/a"));
  EXPECT_TRUE(is_within("/a/b", "/a"));
  EXPECT_TRUE(is_within("/a", "/"));
  EXPECT_FALSE(is_within("/ab", "/a"));
  EXPECT_FALSE(is_within("/a", "/a/b"));
}

RC_GTEST_PROP(NormalPath, IsItsOwnNormalForm, ()) {
  const auto parts = *rc::gen::container<std::vector<std::string>>(
      rc::gen::element<std::string>("/", "//", ".", "a", "..b", " "));
  std::string path = "/";
  for (const auto& part : parts) path += part;

  const auto once = normal_path(path, "path");
  RC_PRE(once.has_value());

  const auto twice = normal_path(*once, "path");

  RC_ASSERT(twice.has_value());
  RC_ASSERT(*twice == *once);
  RC_ASSERT(*once == "/" || once->back() != '/');
  RC_ASSERT(once->find("//") == std::string::npos);
}

/// What validation lets through must not fail later, where nobody knows its place in a file.
RC_GTEST_PROP(PolicyProperty, TakesEveryTargetThatValidationTakes, ()) {
  const auto part = rc::gen::oneOf(
      rc::gen::elementOf(std::vector<std::string>{
          "/",   "//",      "a",         "..",       ".",        "proc", "sys",
          "dev", "dev/shm", "dev/shm/x", "\"",       "\\",       "(",    "'",
          " ",   "\n",      "\x7f",      "\xc2\x85", "\xc3\xa9", "\xff", std::string(256, 'x')}),
      rc::gen::container<std::string>(rc::gen::inRange<char>(0x20, 0x7f)));
  const auto target = rc::gen::apply(
      [](std::string path, const std::vector<std::string>& all) {
        for (const auto& one : all) path += one;
        return path;
      },
      rc::gen::elementOf(
          std::vector<std::string>{"/", "/", "/proc/", "/sys/a", "/dev/", "/dev/shm/"}),
      rc::gen::container<std::vector<std::string>>(part));
  specs::Deployment deployment;
  deployment.version = "v1";
  deployment.deployment = "test";
  auto& service = deployment.services["web"];
  service.image.name = "host";
  const auto few = rc::gen::resize(4, rc::gen::container<std::vector<std::string>>(target));
  for (const auto& one : *few) service.storage.emplace_back(specs::AnonymousStorage{one, {}});
  service.storage.emplace_back(specs::BindStorage{*rc::gen::resize(4, target), "/last", true});

  const bool is_valid = specs::validate(deployment).empty();
  RC_CLASSIFY(is_valid);
  PolicyContext context;
  context.container_dir = "/data/containers/web-1";
  const auto policy = make_policy(service, {}, context);
  if (is_valid) RC_ASSERT(policy.has_value());
}

}  // namespace
}  // namespace ringfort::platform
