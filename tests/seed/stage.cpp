#include "stage.hpp"

#include "ringfort/support/isolation.hpp"
#include "ringfort/support/native_image.hpp"
#include "ringfort/support/results.hpp"

#include <charconv>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <thread>

#include <sys/wait.h>
#include <unistd.h>

namespace ringfort::seed {
namespace {

namespace fs = std::filesystem;

/// Per user: what root's runtimes leave there, another user can't write.
std::string base_directory() { return "/tmp/ringfort-seed-e2e-" + std::to_string(::geteuid()); }

}  // namespace

RuntimePtr open_runtime(bool gpu_access) {
  RuntimeConfig config;
  config.data_dir = base_directory() + "/data";
  config.log_dir = base_directory() + "/logs";
  config.gpu_access = gpu_access;
  config.isolation = test::isolation_under_test();
  auto runtime = Runtime::open(std::move(config));
  EXPECT_TRUE(test::ok(runtime));
  return runtime ? std::move(*runtime) : nullptr;
}

ContainerId fresh_id(std::string_view prefix, std::uint32_t replica) {
  std::random_device chance;
  const int suffix = std::uniform_int_distribution<int>(10000, 99998)(chance);
  const auto since_epoch = std::chrono::system_clock::now().time_since_epoch();
  const auto millis = std::chrono::duration_cast<std::chrono::milliseconds>(since_epoch).count();
  return {
      std::string(prefix) + "-" + std::to_string(millis % 1'000'000) + "-" + std::to_string(suffix),
      replica};
}

void register_image(Runtime& runtime, const specs::Service& service) {
  const std::string source =
      test::native_source(base_directory() + "/native-sources", service.image.name);
  const Status registered = runtime.register_local_rootfs(service.image.name, source);
  ASSERT_TRUE(test::ok(registered));
}

std::string container_directory(const Runtime& runtime, const ContainerId& id) {
  return runtime.config().data_dir + "/containers/" + id.service + "-" + std::to_string(id.replica);
}

std::string profile_of(const Runtime& runtime, const ContainerId& id) {
  std::ifstream file(container_directory(runtime, id) + "/sandbox.sb");
  EXPECT_TRUE(file.good()) << "no sandbox.sb for " << id.str();
  return {std::istreambuf_iterator<char>(file), {}};
}

testing::AssertionResult reaches(Runtime& runtime, const ContainerId& id, State wanted,
                                 std::chrono::milliseconds patience) {
  const auto end = std::chrono::steady_clock::now() + patience;
  std::string last = "never asked";
  while (std::chrono::steady_clock::now() < end) {
    const auto state = runtime.container_state(id);
    const bool gone = !state && state.error().kind == ErrorKind::NotFound;
    if (gone && wanted == State::Exited) return testing::AssertionSuccess();
    if (!state) return test::ok(state);
    if (state->state == wanted) return testing::AssertionSuccess();
    last = to_string(state->state);
    std::this_thread::sleep_for(100ms);
  }
  return testing::AssertionFailure()
         << id.str() << " is " << last << ", not " << to_string(wanted) << ", in time";
}

testing::AssertionResult has(std::string_view text, std::string_view word) {
  if (text.find(word) != std::string_view::npos) return testing::AssertionSuccess();
  return testing::AssertionFailure() << '"' << word << "\" is not in:\n" << text;
}

ContainerGuard::ContainerGuard(const Runtime& runtime, const ContainerId& id)
    : directory_(container_directory(runtime, id)) {}

ContainerGuard::~ContainerGuard() {
  std::ifstream file(directory_ + "/pid");
  pid_t pid = 0;
  if (file >> pid && pid > 0) {
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, WNOHANG);
  }
  std::error_code ignored;
  fs::remove_all(directory_, ignored);
}

}  // namespace ringfort::seed
