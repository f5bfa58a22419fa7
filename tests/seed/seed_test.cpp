// The seed's acceptance test by its old names, and all of it at once in one process.
#include "bodies.hpp"
#include "ringfort/support/leak_check.hpp"

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <stop_token>
#include <thread>
#include <vector>

namespace ringfort::seed {
namespace {

struct Body {
  const char* name;
  int seconds;  ///< the test has failed when it takes longer
  void (*run)();
};

#define BODY(seconds, name) \
  Body { #name, seconds, name }
constexpr std::array kBodies{
    BODY(30, test_runtime_initialization),
    BODY(30, test_runtime_gpu_config),
    BODY(60, test_container_lifecycle_echo),
    BODY(60, test_container_stop_sigterm),
    BODY(60, test_wait_container_exit_code),
    BODY(60, test_unique_port_allocation),
    BODY(30, test_container_ip_is_localhost),
    BODY(30, test_gpu_metal_compute_profile),
    BODY(30, test_gpu_mps_only_profile),
    BODY(30, test_gpu_denied_when_runtime_disabled),
    BODY(30, test_network_localhost_only_profile),
    BODY(30, test_network_full_access_profile),
    BODY(60, test_rootfs_cloning),
    BODY(30, test_rootfs_cleanup_on_removal),
    BODY(60, test_exec_in_container),
    BODY(60, test_container_stats),
    BODY(30, test_stats_fail_before_start),
    BODY(60, test_memory_limited_container),
    BODY(30, test_remove_nonexistent_is_idempotent),
    BODY(30, test_state_nonexistent),
    BODY(30, test_create_without_image_fails),
    BODY(30, test_start_nonexistent_fails),
    BODY(30, test_exec_empty_command_fails),
    BODY(120, test_concurrent_containers),
    BODY(30, test_stale_container_cleanup),
    BODY(30, test_volume_writable_dirs_in_profile),
    BODY(60, test_get_logs_vector),
    BODY(30, test_seatbelt_profile_structure),
};
#undef BODY
static_assert(kBodies.size() == 28);

/// Runs a body; one that takes too long ends the process, as no thread can be ended from outside.
void run_in_time(const Body& body) {
  const std::jthread deadline([&body](const std::stop_token& done) {
    std::mutex mutex;
    std::condition_variable_any woken;
    std::unique_lock lock(mutex);
    woken.wait_for(lock, done, std::chrono::seconds(body.seconds), [] { return false; });
    if (done.stop_requested()) return;
    std::fprintf(stderr, "%s took longer than %d s\n", body.name, body.seconds);
    std::abort();
  });
  body.run();
}

}  // namespace

class Seed : public testing::Test {
 public:
  explicit Seed(const Body& body) : body_(body) {}
  void TestBody() override {
    const test::LeakCheck leaks;
    run_in_time(body_);
  }

 private:
  const Body& body_;
};

const bool kRegistered = [] {
  for (const auto& body : kBodies)
    testing::RegisterTest("Seed", body.name, nullptr, nullptr, __FILE__, __LINE__,
                          [&body]() -> testing::Test* { return new Seed(body); });
  return true;
}();

TEST(SeedTogether, all_28_in_parallel_threads_of_one_process) {
  ASSERT_TRUE(kRegistered);
  const test::LeakCheck leaks;
  std::vector<std::jthread> threads;
  for (const auto& body : kBodies)
    threads.emplace_back([&body] {
      SCOPED_TRACE(body.name);
      run_in_time(body);
    });
}

}  // namespace ringfort::seed
