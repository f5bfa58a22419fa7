// Runtimes, and containers from create to remove.
#include "bodies.hpp"
#include "ringfort/support/results.hpp"
#include "stage.hpp"

#include <algorithm>
#include <filesystem>
#include <future>
#include <vector>

namespace ringfort::seed {

namespace fs = std::filesystem;
using test::ok;

namespace {

bool any_line_has(const std::vector<LogEntry>& lines, std::string_view word) {
  return std::ranges::any_of(
      lines, [&](const LogEntry& line) { return line.message.find(word) != std::string::npos; });
}

/// Creates and starts; the test goes on only when both could be done.
void launch(Runtime& runtime, const ContainerId& id, const specs::Service& service) {
  register_image(runtime, service);
  ASSERT_TRUE(ok(runtime.create_container(id, service)));
  ASSERT_TRUE(ok(runtime.start_container(id)));
}

void end(Runtime& runtime, const ContainerId& id) {
  EXPECT_TRUE(ok(runtime.stop_container(id, 5s)));
  EXPECT_TRUE(ok(runtime.remove_container(id)));
}

}  // namespace

void test_runtime_initialization() {
  const auto runtime = open_runtime();
  ASSERT_TRUE(runtime);

  EXPECT_TRUE(fs::exists(runtime->config().data_dir));
  EXPECT_TRUE(fs::exists(runtime->config().log_dir));
  EXPECT_TRUE(fs::exists(runtime->config().data_dir + "/containers"));
  EXPECT_TRUE(fs::exists(runtime->config().data_dir + "/images"));
}

void test_runtime_gpu_config() {
  const auto with_gpu = open_runtime(true);
  const auto without_gpu = open_runtime(false);
  ASSERT_TRUE(with_gpu && without_gpu);

  EXPECT_TRUE(with_gpu->config().gpu_access);
  EXPECT_FALSE(without_gpu->config().gpu_access);
}

void test_container_lifecycle_echo() {
  const auto runtime = open_runtime();
  ASSERT_TRUE(runtime);
  const auto service = echo_service();
  const auto id = fresh_id("lifecycle");
  const ContainerGuard guard(*runtime, id);
  register_image(*runtime, service);

  // Created: pending, and all files are there before the start.
  ASSERT_TRUE(ok(runtime->create_container(id, service)));
  const auto created = runtime->container_state(id);
  ASSERT_TRUE(ok(created));
  EXPECT_EQ(created->state, State::Created);
  const std::string directory = container_directory(*runtime, id);
  for (const char* name : {"/sandbox.sb", "/config.json", "/rootfs", "/rootfs/bin/echo"})
    EXPECT_TRUE(fs::exists(directory + name)) << name;

  // Started: runs to its end by itself, its pid stays in the file, its words are in the log.
  ASSERT_TRUE(ok(runtime->start_container(id)));
  EXPECT_TRUE(fs::exists(directory + "/pid"));
  ASSERT_TRUE(reaches(*runtime, id, State::Exited));
  const auto lines = runtime->container_logs(id, 100);
  ASSERT_TRUE(ok(lines));
  EXPECT_TRUE(any_line_has(*lines, "hello from sandbox"));

  // Removed: nothing is left and nobody knows it.
  ASSERT_TRUE(ok(runtime->remove_container(id)));
  EXPECT_FALSE(fs::exists(directory));
  EXPECT_FALSE(runtime->container_state(id));
}

void test_container_stop_sigterm() {
  const auto runtime = open_runtime();
  ASSERT_TRUE(runtime);
  const auto id = fresh_id("stop");
  const ContainerGuard guard(*runtime, id);
  ASSERT_NO_FATAL_FAILURE(launch(*runtime, id, sleep_service(300)));
  ASSERT_TRUE(reaches(*runtime, id, State::Running));
  const auto pid = runtime->get_container_pid(id);
  ASSERT_TRUE(ok(pid));
  EXPECT_TRUE(*pid);

  EXPECT_TRUE(ok(runtime->stop_container(id, 5s)));

  const auto state = runtime->container_state(id);
  ASSERT_TRUE(ok(state));
  EXPECT_EQ(state->state, State::Exited);
  EXPECT_TRUE(ok(runtime->remove_container(id)));
}

void test_wait_container_exit_code() {
  const auto runtime = open_runtime();
  ASSERT_TRUE(runtime);
  const auto id = fresh_id("wait");
  const ContainerGuard guard(*runtime, id);
  ASSERT_NO_FATAL_FAILURE(launch(*runtime, id, echo_service()));

  const auto code = runtime->wait_container(id);

  ASSERT_TRUE(ok(code));
  EXPECT_EQ(*code, 0);
  EXPECT_TRUE(ok(runtime->remove_container(id)));
}

void test_exec_in_container() {
  const auto runtime = open_runtime();
  ASSERT_TRUE(runtime);
  const auto id = fresh_id("exec");
  const ContainerGuard guard(*runtime, id);
  ASSERT_NO_FATAL_FAILURE(launch(*runtime, id, sleep_service(60)));
  ASSERT_TRUE(reaches(*runtime, id, State::Running));

  const auto result = runtime->exec(id, {"/bin/echo", "exec test"});

  ASSERT_TRUE(ok(result));
  EXPECT_EQ(result->code, 0) << result->err;
  EXPECT_TRUE(has(result->out, "exec test"));
  end(*runtime, id);
}

void test_container_stats() {
  const auto runtime = open_runtime();
  ASSERT_TRUE(runtime);
  const auto id = fresh_id("stats");
  const ContainerGuard guard(*runtime, id);
  ASSERT_NO_FATAL_FAILURE(launch(*runtime, id, sleep_service(60)));
  ASSERT_TRUE(reaches(*runtime, id, State::Running));

  // The seed gives the program half a second first; figures must be there from the start.
  const auto stats = runtime->get_container_stats(id);

  ASSERT_TRUE(ok(stats));
  EXPECT_GT(stats->memory_bytes, 0u);
  end(*runtime, id);
}

void test_memory_limited_container() {
  const auto runtime = open_runtime();
  ASSERT_TRUE(runtime);
  const auto id = fresh_id("memlimit");
  const ContainerGuard guard(*runtime, id);
  ASSERT_NO_FATAL_FAILURE(launch(*runtime, id, memory_limited_service()));
  ASSERT_TRUE(reaches(*runtime, id, State::Running));

  const auto stats = runtime->get_container_stats(id);

  ASSERT_TRUE(ok(stats));
  EXPECT_EQ(stats->memory_limit, 512ull << 20);
  end(*runtime, id);
}

void test_concurrent_containers() {
  const auto runtime = open_runtime();
  ASSERT_TRUE(runtime);
  const auto service = echo_service();
  register_image(*runtime, service);
  std::vector<ContainerId> ids;
  for (int i = 0; i < 5; ++i) ids.push_back(fresh_id("concurrent-" + std::to_string(i)));
  const auto all_at_once = [&](auto call) {
    std::vector<std::future<void>> calls;
    for (const auto& id : ids)
      calls.push_back(std::async(std::launch::async, [&call, &id] { EXPECT_TRUE(ok(call(id))); }));
  };

  all_at_once([&](const ContainerId& id) { return runtime->create_container(id, service); });
  all_at_once([&](const ContainerId& id) { return runtime->start_container(id); });

  for (const auto& id : ids) end(*runtime, id);
}

void test_get_logs_vector() {
  const auto runtime = open_runtime();
  ASSERT_TRUE(runtime);
  const auto id = fresh_id("logs-vec");
  const ContainerGuard guard(*runtime, id);
  ASSERT_NO_FATAL_FAILURE(launch(*runtime, id, echo_service()));
  EXPECT_TRUE(reaches(*runtime, id, State::Exited));

  const auto lines = runtime->get_logs(id);

  ASSERT_TRUE(ok(lines));
  EXPECT_TRUE(any_line_has(*lines, "hello from sandbox"));
  EXPECT_TRUE(ok(runtime->remove_container(id)));
}

}  // namespace ringfort::seed
