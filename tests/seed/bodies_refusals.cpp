// Calls that can't be answered, and the kind of error each gets.
#include "bodies.hpp"
#include "ringfort/support/results.hpp"
#include "stage.hpp"

#include <filesystem>

namespace ringfort::seed {

using test::fails;
using test::ok;

void test_stats_fail_before_start() {
  const auto runtime = open_runtime();
  ASSERT_TRUE(runtime);
  const auto service = echo_service();
  const auto id = fresh_id("stats-nostart");
  const ContainerGuard guard(*runtime, id);
  register_image(*runtime, service);
  ASSERT_TRUE(ok(runtime->create_container(id, service)));

  EXPECT_FALSE(runtime->get_container_stats(id)) << "there is nothing to measure yet";

  EXPECT_TRUE(ok(runtime->remove_container(id)));
}

void test_remove_nonexistent_is_idempotent() {
  const auto runtime = open_runtime();
  ASSERT_TRUE(runtime);
  EXPECT_TRUE(ok(runtime->remove_container(fresh_id("nonexistent", 999))));
}

void test_state_nonexistent() {
  const auto runtime = open_runtime();
  ASSERT_TRUE(runtime);
  EXPECT_TRUE(fails(runtime->container_state(fresh_id("ghost")), ErrorKind::NotFound));
}

void test_create_without_image_fails() {
  const auto runtime = open_runtime();
  ASSERT_TRUE(runtime);
  const auto id = fresh_id("no-image");

  const auto created = runtime->create_container(id, missing_image_service());

  EXPECT_TRUE(fails(created, ErrorKind::CreateFailed, "rootfs not found"));
  // More than the seed asks: it left the empty directory behind.
  EXPECT_FALSE(std::filesystem::exists(container_directory(*runtime, id)));
}

void test_start_nonexistent_fails() {
  const auto runtime = open_runtime();
  ASSERT_TRUE(runtime);
  EXPECT_TRUE(fails(runtime->start_container(fresh_id("no-container")), ErrorKind::NotFound));
}

void test_exec_empty_command_fails() {
  const auto runtime = open_runtime();
  ASSERT_TRUE(runtime);
  const auto service = sleep_service(60);
  const auto id = fresh_id("exec-empty");
  const ContainerGuard guard(*runtime, id);
  register_image(*runtime, service);
  ASSERT_TRUE(ok(runtime->create_container(id, service)));
  ASSERT_TRUE(ok(runtime->start_container(id)));

  EXPECT_TRUE(fails(runtime->exec(id, {}), ErrorKind::InvalidSpec, "empty"));

  EXPECT_TRUE(ok(runtime->stop_container(id, 5s)));
  EXPECT_TRUE(ok(runtime->remove_container(id)));
}

}  // namespace ringfort::seed
