// The memory limit, by the kernel where a cgroup is writable and by the watchdog where none is.
#include "runtime_fixture.hpp"

#include <cstdlib>

namespace ringfort::test {
namespace {

class RuntimeMemory : public RuntimeTest {
 protected:
  /// A service that runs the victim within `limit`.
  specs::Service within(Bytes limit, const std::string& name, std::vector<std::string> arguments) {
    auto service = victim(name, std::move(arguments));
    service.resources.memory = limit;
    return service;
  }

  void expect_hog_dies() {
    const ContainerId id{"hog", 1};
    launch(id, within(Bytes{64 << 20}, "hog", {"2"}));
    const auto end = end_of(id);
    EXPECT_EQ(end.reason, EndReason::Oom);
    EXPECT_EQ(end.code, 137);
  }

  /// Its 60 MiB are shared with its 8 children, not taken nine times.
  void expect_prefork_lives() {
    const ContainerId id{"prefork", 1};
    launch(id, within(Bytes{128 << 20}, "prefork", {}));
    await_ready(id);
    EXPECT_TRUE(fails(runtime_->wait_exit(id, 1500ms), ErrorKind::Timeout)) << "it lives on";
    const auto stats = runtime_->get_container_stats(id);
    ASSERT_TRUE(ok(stats));
    EXPECT_GT(stats->memory_bytes, 55u << 20);
    EXPECT_LT(stats->memory_bytes, 128u << 20);
    EXPECT_EQ(stats->memory_limit, 128u << 20);
  }
};

/// The same without any cgroup: what most containers and plain users have.
class RuntimeMemoryWatched : public RuntimeMemory {
 protected:
  void SetUp() override {
    ::setenv("RINGFORT_TEST_NO_CGROUP", "1", 1);
    RuntimeMemory::SetUp();
  }
  void TearDown() override {
    RuntimeMemory::TearDown();
    ::unsetenv("RINGFORT_TEST_NO_CGROUP");
  }
};

TEST_P(RuntimeMemory, AHogEndsAsOutOfMemory) { expect_hog_dies(); }
TEST_P(RuntimeMemory, APreforkingParentLives) { expect_prefork_lives(); }
TEST_P(RuntimeMemoryWatched, AHogEndsAsOutOfMemory) { expect_hog_dies(); }
TEST_P(RuntimeMemoryWatched, APreforkingParentLives) { expect_prefork_lives(); }

INSTANTIATE_AT_LEVELS(RuntimeMemory);
INSTANTIATE_AT_LEVELS(RuntimeMemoryWatched);

}  // namespace
}  // namespace ringfort::test
