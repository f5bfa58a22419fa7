#include "ringfort/platform/cgroup.hpp"

#include "ringfort/platform/linux/cgroup_place.hpp"
#include "ringfort/support/child.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>

#include <poll.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace ringfort::platform {
namespace {

using test::Child;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr const char* kV1Mount =
    "31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw\n"
    "35 31 0:32 / /sys/fs/cgroup/memory rw,relatime shared:9 - cgroup cgroup rw,memory\n";
constexpr const char* kV2Mount =
    "29 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n";

TEST(CgroupPlace, V1MeansBelowOurOwn) {
  EXPECT_THAT(cgroup_candidates(kV1Mount, "8:pids:/\n4:memory:/batch/job 7\n0::/\n"),
              ElementsAre(CgroupPlace{CgroupVersion::V1, "/sys/fs/cgroup/memory/batch/job 7"}));
  EXPECT_THAT(cgroup_candidates(kV1Mount, "4:cpu,memory:/\n"),
              ElementsAre(CgroupPlace{CgroupVersion::V1, "/sys/fs/cgroup/memory"}));
}

TEST(CgroupPlace, V2MeansBesideOurOwn) {
  EXPECT_THAT(
      cgroup_candidates(kV2Mount, "0::/user.slice/app.slice/run.scope\n"),
      ElementsAre(CgroupPlace{CgroupVersion::V2, "/sys/fs/cgroup/user.slice/app.slice"},
                  CgroupPlace{CgroupVersion::V2, "/sys/fs/cgroup/user.slice/app.slice/run.scope"}));
  EXPECT_THAT(cgroup_candidates(kV2Mount, "0::/\n"),
              ElementsAre(CgroupPlace{CgroupVersion::V2, "/sys/fs/cgroup"}));
}

TEST(CgroupPlace, AMountedSubtreeIsTakenOffThePath) {
  constexpr const char* kMount = "35 31 0:32 /docker/ab /cg\\040m rw - cgroup cgroup rw,memory\n";
  EXPECT_THAT(cgroup_candidates(kMount, "4:memory:/docker/ab/x\n"),
              ElementsAre(CgroupPlace{CgroupVersion::V1, "/cg m/x"}));
  EXPECT_THAT(cgroup_candidates(kMount, "4:memory:/docker/ab\n"),
              ElementsAre(CgroupPlace{CgroupVersion::V1, "/cg m"}));
  EXPECT_THAT(cgroup_candidates(kMount, "4:memory:/docker/abc\n"), IsEmpty());
  EXPECT_THAT(cgroup_candidates(kMount, "4:memory:/elsewhere\n"), IsEmpty());
}

TEST(CgroupPlace, NothingMountedMeansNowhere) {
  EXPECT_THAT(cgroup_candidates("", "4:memory:/\n0::/\n"), IsEmpty());
  EXPECT_THAT(cgroup_candidates(kV1Mount, ""), IsEmpty());
  EXPECT_THAT(cgroup_candidates("no mountinfo at all", "nor cgroup"), IsEmpty());
}

class Cgroups : public testing::Test {
 protected:
  void SetUp() override {
    if (!MemoryCgroup::available()) GTEST_SKIP() << "no writable memory controller";
    auto made = MemoryCgroup::create("test-" + std::to_string(::getpid()), Bytes{32 << 20});
    ASSERT_TRUE(made) << to_string(made.error());
    group_ = std::move(*made);
    auto fds = group_->open_for_run();
    ASSERT_TRUE(fds) << to_string(fds.error());
    fds_ = std::move(*fds);
  }

  std::string events() const {
    std::array<char, 4096> text{};
    (void)!::pread(fds_.events.get(), text.data(), text.size() - 1, 0);
    return text.data();
  }

  // A child in the group that touches `size` bytes, tells, and stays.
  Child user_of(std::size_t size) {
    return Child([this, size](const auto& ready) {
      if (::write(fds_.procs.get(), "0", 1) != 1) return 1;
      void* memory =
          ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
      std::memset(memory, 1, size);
      ready();
      ::pause();
      return 0;
    });
  }

  std::unique_ptr<MemoryCgroup> group_;
  CgroupFds fds_;
};

TEST_F(Cgroups, UseWithinTheLimitIsMeasured) {
  const Child user = user_of(16 << 20);
  ASSERT_TRUE(user.is_ready());

  const auto used = group_->memory_bytes();

  ASSERT_TRUE(used) << to_string(used.error());
  EXPECT_GE(*used, 16U << 20);
  EXPECT_LE(*used, 32U << 20);
  EXPECT_THAT(events(), HasSubstr("oom_kill 0"));
}

TEST_F(Cgroups, UseBeyondTheLimitIsKilledAndSaid) {
  Child user = user_of(64 << 20);

  const int status = user.wait();

  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
  EXPECT_THAT(events(), HasSubstr("oom_kill 1"));
  pollfd waiting{fds_.notify.get(), POLLIN | POLLPRI, 0};
  EXPECT_EQ(::poll(&waiting, 1, 2000), 1);
}

TEST_F(Cgroups, TheGroupGoesWithItsOwnerWhileTheLastProcessIsDying) {
  const auto name = "test-" + std::to_string(::getpid());
  Child user = user_of(24 << 20);
  ASSERT_TRUE(user.is_ready());
  ::kill(user.pid(), SIGKILL);

  group_.reset();

  auto again = MemoryCgroup::create(name, Bytes{32 << 20});
  EXPECT_TRUE(again) << to_string(again.error());
}

TEST_F(Cgroups, ANameThatLeadsElsewhereIsRefused) {
  for (const auto* name : {"", "../x", "a/b", "."}) {
    const auto made = MemoryCgroup::create(name, Bytes{32 << 20});
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().kind, ErrorKind::InvalidSpec);
  }
}

// So that the tests above are not skipped because of a defect of ours.
TEST(Cgroup, IsAvailableWhereADirectoryCanBeMade) {
  const auto text_of = [](const char* path) {
    std::ifstream file(path);
    return std::string(std::istreambuf_iterator<char>(file), {});
  };
  const auto places =
      cgroup_candidates(text_of("/proc/self/mountinfo"), text_of("/proc/self/cgroup"));
  const auto name = "/ringfort-try-" + std::to_string(::getpid());
  bool possible = false;
  for (const auto& place : places) {
    const auto path = place.directory + name;
    if (::mkdir(path.c_str(), 0755) != 0) continue;
    possible |= ::access((path + "/memory.limit_in_bytes").c_str(), W_OK) == 0 ||
                ::access((path + "/memory.max").c_str(), W_OK) == 0;
    ::rmdir(path.c_str());
  }

  EXPECT_EQ(MemoryCgroup::available(), possible);
}

TEST(Cgroup, TheEnvironmentSwitchesItOff) {
  ::setenv("RINGFORT_TEST_NO_CGROUP", "1", 1);
  const bool available = MemoryCgroup::available();
  const auto made = MemoryCgroup::create("off", Bytes{32 << 20});
  ::unsetenv("RINGFORT_TEST_NO_CGROUP");

  EXPECT_FALSE(available);
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().kind, ErrorKind::Unsupported);
}

}  // namespace
}  // namespace ringfort::platform
