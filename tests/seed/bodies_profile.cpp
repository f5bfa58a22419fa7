// What stands in the Seatbelt profile of a container.
#include "bodies.hpp"
#include "ringfort/support/results.hpp"
#include "stage.hpp"

#include <initializer_list>

namespace ringfort::seed {
namespace {

/// Creates a container for the service, reads its profile and removes it again.
std::string profile_for(bool gpu_access, std::string_view name, const specs::Service& service) {
  const auto runtime = open_runtime(gpu_access);
  if (!runtime) return {};
  const auto id = fresh_id(name);
  const ContainerGuard guard(*runtime, id);
  register_image(*runtime, service);
  EXPECT_TRUE(test::ok(runtime->create_container(id, service)));
  const std::string profile = profile_of(*runtime, id);
  EXPECT_TRUE(test::ok(runtime->remove_container(id)));
  return profile;
}

void expect_all(const std::string& profile, std::initializer_list<std::string_view> words) {
  for (const auto word : words) EXPECT_TRUE(has(profile, word));
}

void expect_none(const std::string& profile, std::initializer_list<std::string_view> words) {
  for (const auto word : words) EXPECT_FALSE(has(profile, word)) << word << " is in:\n" << profile;
}

}  // namespace

void test_gpu_metal_compute_profile() {
  expect_all(profile_for(true, "gpu-metal", gpu_service()),
             {"Full Metal Compute", "MTLCompilerService", "IOAccelDevice2", "AGXDeviceUserClient",
              "MetalPerformanceShaders.framework"});
}

void test_gpu_mps_only_profile() {
  const auto profile = profile_for(true, "gpu-mps", mps_service());
  expect_all(profile, {"MPS Only", "MetalPerformanceShaders.framework", "AGXDeviceUserClient"});
  expect_none(profile, {"AGXCompilerService"});
}

void test_gpu_denied_when_runtime_disabled() {
  const auto profile = profile_for(false, "no-gpu", gpu_service());
  EXPECT_FALSE(profile.empty());
  expect_none(profile, {"Full Metal Compute", "MPS Only"});
}

void test_network_localhost_only_profile() {
  expect_all(profile_for(false, "net-local", echo_service()), {"localhost", "network-bind"});
}

void test_network_full_access_profile() {
  expect_all(profile_for(false, "net-full", no_endpoints_service()),
             {"full access", "network-outbound", "network-inbound"});
}

void test_volume_writable_dirs_in_profile() {
  expect_all(profile_for(false, "vol", volume_service()), {"/data", "tmp"});
}

void test_seatbelt_profile_structure() {
  expect_all(profile_for(false, "profile", echo_service()),
             {"(version 1)", "(deny default)", "process-exec", "process-fork", "/usr/lib",
              "sysctl-read", "/dev/null", "pseudo-tty", "ipc-posix-sem", "rootfs"});
}

}  // namespace ringfort::seed
