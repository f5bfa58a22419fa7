// What each of the seed's tests stands on: one shared data directory, its specs, its guard.
#pragma once

#include "ringfort/api/runtime.hpp"
#include "ringfort/specs/deployment.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

namespace ringfort::seed {

using namespace std::chrono_literals;

using RuntimePtr = std::unique_ptr<Runtime>;

/// A further runtime over the data directory that all tests of one user share; null = it failed.
RuntimePtr open_runtime(bool gpu_access = false);

/// `<prefix>-<milliseconds>-<five digits>`: no two tests meet in one container.
ContainerId fresh_id(std::string_view prefix, std::uint32_t replica = 1);

/// Makes the native image of the service and registers it, as often as one likes.
void register_image(Runtime& runtime, const specs::Service& service);

std::string container_directory(const Runtime& runtime, const ContainerId& id);
/// Content of the container's sandbox.sb.
std::string profile_of(const Runtime& runtime, const ContainerId& id);

// The services of the seed's tests.
specs::Service echo_service();
specs::Service sleep_service(int seconds);
specs::Service gpu_service();
specs::Service mps_service();
specs::Service no_endpoints_service();
specs::Service memory_limited_service();
specs::Service volume_service();
specs::Service missing_image_service();

/// Asks each 100 ms. An unknown container counts as exited, any other error ends the wait.
testing::AssertionResult reaches(Runtime& runtime, const ContainerId& id, State wanted,
                                 std::chrono::milliseconds patience = 10s);

/// A word's presence, with the whole text in the message.
testing::AssertionResult has(std::string_view text, std::string_view word);

/// Whatever became of the test: kills the pid in the container's `pid` file, deletes its directory.
/// It does so behind the runtime's back, as the seed's own guard.
class ContainerGuard {
 public:
  ContainerGuard(const Runtime& runtime, const ContainerId& id);
  ContainerGuard(const ContainerGuard&) = delete;
  ContainerGuard& operator=(const ContainerGuard&) = delete;
  ~ContainerGuard();

 private:
  std::string directory_;
};

}  // namespace ringfort::seed
