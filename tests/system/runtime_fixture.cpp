#include "runtime_fixture.hpp"

#include "ringfort/platform/fd.hpp"
#include "ringfort/platform/host_probe.hpp"
#include "ringfort/platform/spawner.hpp"
#include "ringfort/support/eventually.hpp"
#include "ringfort/support/isolation.hpp"

#include <filesystem>

namespace ringfort::test {

namespace fs = std::filesystem;

std::vector<Isolation> levels_under_test() {
  const auto only = isolation_under_test();
  if (only != Isolation::Auto) return {only};
  return {Isolation::Landlock, Isolation::Namespaces};
}

ReachableDir::ReachableDir() { fs::permissions(path(), fs::perms(0755)); }

void RuntimeTest::SetUp() {
  platform::raise_descriptor_limit();  // as a host program of many containers does
  {
    auto loop = platform::EventLoop::start();
    ASSERT_TRUE(ok(loop));
    const auto spawner = platform::Spawner::make(**loop);
    const auto level = platform::choose_level(GetParam(), platform::Effort::Exact, *spawner);
    if (!level) GTEST_SKIP() << to_string(level.error());
  }
  leaks_.emplace(data_dir());
  runtime_ = open();
  ASSERT_TRUE(runtime_);
}

void RuntimeTest::TearDown() {
  if (runtime_) remove_all(*runtime_);
  runtime_.reset();
  leaks_.reset();
}

void RuntimeTest::remove_all(Runtime& runtime) {
  const auto entries = runtime.list_containers();
  ASSERT_TRUE(ok(entries));
  for (const auto& entry : *entries) EXPECT_TRUE(ok(runtime.remove_container(entry.id)));
}

std::unique_ptr<Runtime> RuntimeTest::open(const std::string& data_dir) {
  RuntimeConfig config;
  config.data_dir = data_dir;
  config.isolation = GetParam();
  auto runtime = Runtime::open(std::move(config));
  EXPECT_TRUE(ok(runtime));
  return runtime ? *std::move(runtime) : nullptr;
}

specs::Service RuntimeTest::victim(const std::string& name, std::vector<std::string> arguments) {
  return victim_in(*runtime_, name, std::move(arguments));
}

specs::Service RuntimeTest::victim_in(Runtime& runtime, const std::string& name,
                                      std::vector<std::string> arguments) {
  const std::string source = directory_.path() + "/source-" + name;
  if (fs::create_directory(source))
    fs::copy_file(fs::path(RINGFORT_VICTIMS_DIR) / name, fs::path(source) / name);
  EXPECT_TRUE(ok(runtime.register_local_rootfs(name, source)));
  specs::Service service;
  service.image.name = name;
  service.command.entrypoint = {"/" + name};
  service.command.args = std::move(arguments);
  return service;
}

void RuntimeTest::create(const ContainerId& id, const specs::Service& service) {
  ASSERT_TRUE(ok(runtime_->create_container(id, service)));
}

void RuntimeTest::launch(const ContainerId& id, const specs::Service& service) {
  create(id, service);
  ASSERT_TRUE(ok(runtime_->start_container(id)));
}

void RuntimeTest::await_ready(const ContainerId& id) {
  EXPECT_TRUE(eventually(10s, [&] {
    const auto lines = runtime_->get_logs(id);
    return lines && !lines->empty() && lines->front().message == "ready";
  })) << id.str();
}

ExitRecord RuntimeTest::end_of(const ContainerId& id) {
  const auto end = runtime_->wait_exit(id, 30s);
  EXPECT_TRUE(ok(end));
  return end.value_or(ExitRecord{});
}

}  // namespace ringfort::test
