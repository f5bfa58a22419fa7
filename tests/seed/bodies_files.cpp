// What a created container owns: its port, its address, its tree.
#include "bodies.hpp"
#include "ringfort/support/results.hpp"
#include "stage.hpp"

#include <filesystem>
#include <fstream>
#include <set>
#include <vector>

namespace ringfort::seed {

namespace fs = std::filesystem;
using test::ok;

void test_unique_port_allocation() {
  const auto runtime = open_runtime();
  ASSERT_TRUE(runtime);
  const auto service = sleep_service(60);
  register_image(*runtime, service);
  std::vector<ContainerId> ids;
  std::set<std::uint16_t> ports;

  for (std::uint32_t replica = 1; replica <= 3; ++replica) {
    ids.push_back(fresh_id("port", replica));
    ASSERT_TRUE(ok(runtime->create_container(ids.back(), service)));
    const auto port = runtime->get_container_port_override(ids.back());
    ASSERT_TRUE(ok(port));
    ASSERT_TRUE(*port);
    EXPECT_GT(**port, 1024);
    ports.insert(**port);
  }

  EXPECT_EQ(ports.size(), 3u) << "a port was given twice";
  for (const auto& id : ids) EXPECT_TRUE(ok(runtime->remove_container(id)));
}

void test_container_ip_is_localhost() {
  const auto runtime = open_runtime();
  ASSERT_TRUE(runtime);
  const auto service = echo_service();
  const auto id = fresh_id("ip");
  const ContainerGuard guard(*runtime, id);
  register_image(*runtime, service);
  ASSERT_TRUE(ok(runtime->create_container(id, service)));

  const auto address = runtime->get_container_ip(id);

  ASSERT_TRUE(ok(address));
  EXPECT_EQ(address->value_or("none"), "127.0.0.1");
  EXPECT_TRUE(ok(runtime->remove_container(id)));
}

void test_rootfs_cloning() {
  const auto runtime = open_runtime();
  ASSERT_TRUE(runtime);
  const auto service = echo_service();
  register_image(*runtime, service);
  const auto first = fresh_id("clone-a");
  const auto second = fresh_id("clone-b");
  const ContainerGuard first_guard(*runtime, first);
  const ContainerGuard second_guard(*runtime, second);
  ASSERT_TRUE(ok(runtime->create_container(first, service)));
  ASSERT_TRUE(ok(runtime->create_container(second, service)));

  const fs::path one = container_directory(*runtime, first) + "/rootfs/bin/echo";
  const fs::path two = container_directory(*runtime, second) + "/rootfs/bin/echo";

  ASSERT_TRUE(fs::is_regular_file(one) && fs::is_regular_file(two));
  EXPECT_EQ(fs::file_size(one), fs::file_size(two));
  // More than the seed asks: what is written to one is not seen in the other.
  const auto size = fs::file_size(two);
  std::ofstream(one, std::ios::app) << "more";
  EXPECT_EQ(fs::file_size(one), size + 4);
  EXPECT_EQ(fs::file_size(two), size);
  EXPECT_TRUE(ok(runtime->remove_container(first)));
  EXPECT_TRUE(ok(runtime->remove_container(second)));
}

void test_rootfs_cleanup_on_removal() {
  const auto runtime = open_runtime();
  ASSERT_TRUE(runtime);
  const auto service = echo_service();
  const auto id = fresh_id("cleanup");
  register_image(*runtime, service);
  ASSERT_TRUE(ok(runtime->create_container(id, service)));
  const std::string directory = container_directory(*runtime, id);
  ASSERT_TRUE(fs::exists(directory));
  ASSERT_TRUE(fs::exists(directory + "/rootfs"));

  ASSERT_TRUE(ok(runtime->remove_container(id)));

  EXPECT_FALSE(fs::exists(directory));
}

void test_stale_container_cleanup() {
  const auto runtime = open_runtime();
  ASSERT_TRUE(runtime);
  const auto service = echo_service();
  const auto id = fresh_id("stale");
  register_image(*runtime, service);
  const std::string directory = container_directory(*runtime, id);
  fs::create_directories(directory);
  std::ofstream(directory + "/leftover.txt") << "of an earlier life";

  const auto created = runtime->create_container(id, service);

  ASSERT_TRUE(ok(created));
  EXPECT_FALSE(fs::exists(directory + "/leftover.txt"));
  EXPECT_TRUE(fs::exists(directory + "/config.json"));
  EXPECT_TRUE(ok(runtime->remove_container(id)));
}

}  // namespace ringfort::seed
