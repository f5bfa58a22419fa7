#include "ringfort/platform/process_stats.hpp"

#include "ringfort/platform/linux/proc_stat.hpp"
#include "ringfort/support/child.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstring>
#include <ctime>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace ringfort::platform {
namespace {

using test::Child;
using testing::IsEmpty;
using testing::SizeIs;

constexpr std::uint64_t kMiB = 1 << 20;

// Maps and touches.
char* take_memory(std::size_t size) {
  auto* memory = static_cast<char*>(
      ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  std::memset(memory, 1, size);
  return memory;
}

// What each child of the test has from it by fork: little, but with a sanitizer.
std::uint64_t inherited() {
  std::ifstream status("/proc/self/status");
  std::string word;
  std::uint64_t sum = 0;
  std::uint64_t kilobytes = 0;
  while (status >> word) {
    if ((word == "RssAnon:" || word == "RssShmem:") && status >> kilobytes) sum += kilobytes << 10U;
  }
  return sum;
}

TreeStats stats_of(pid_t root) {
  const auto stats = tree_stats(std::array{root});
  EXPECT_TRUE(stats) << to_string(stats.error());
  EXPECT_THAT(*stats, SizeIs(1));
  return stats->front();
}

// A root (as a shim is) with one child that does `work`; the child tells when it is ready.
Child tree(const std::function<void(const std::function<void()>&)>& work) {
  return Child([&](const auto& ready) {
    if (::fork() == 0) {
      work(ready);
      ::_exit(0);
    }
    ::pause();
    return 0;
  });
}

// Kills what a test's root leaves behind: its children would go to init and sleep on.
struct TreeGuard {
  pid_t root;
  ~TreeGuard() {
    for (const pid_t pid : tree_pids(root).value_or(std::vector<pid_t>{})) ::kill(pid, SIGKILL);
  }
};

TEST(ProcessStats, TheRootItselfIsNotCounted) {
  const Child root([](const auto& ready) {
    take_memory(20 * kMiB);
    ready();
    ::pause();
    return 0;
  });
  ASSERT_TRUE(root.is_ready());

  const auto stats = stats_of(root.pid());

  EXPECT_EQ(stats.pids, 0U);
  EXPECT_EQ(stats.rss_bytes, 0U);
  EXPECT_THAT(tree_pids(root.pid()).value(), IsEmpty());
}

TEST(ProcessStats, ChildrenOfChildrenAreCounted) {
  const Child root = tree([](const auto& ready) {
    if (::fork() == 0) {
      take_memory(30 * kMiB);
      ready();
      ::pause();
    }
    ::pause();
  });
  const TreeGuard guard{root.pid()};
  ASSERT_TRUE(root.is_ready());

  const auto stats = stats_of(root.pid());

  EXPECT_EQ(stats.pids, 2U);
  EXPECT_GE(stats.rss_bytes, 30 * kMiB);
  EXPECT_LT(stats.rss_bytes, 50 * kMiB + 2 * inherited());
  EXPECT_THAT(tree_pids(root.pid()).value(), SizeIs(2));
}

/// Few trees are walked by their lists of children, many are found among all processes.
TEST(ProcessStats, AChildOfAThreadIsCountedInFewTreesAndInMany) {
  const Child root = tree([](const auto& ready) {
    std::thread thread([&ready] {
      if (::fork() == 0) {
        ready();
        ::pause();
      }
      ::pause();
    });
    ::pause();
  });
  const TreeGuard guard{root.pid()};
  ASSERT_TRUE(root.is_ready());

  EXPECT_EQ(stats_of(root.pid()).pids, 2U);
  const auto many = tree_stats(std::vector<pid_t>(100, root.pid()));
  ASSERT_TRUE(many);
  for (const auto& stats : *many) EXPECT_EQ(stats.pids, 2U);
}

TEST(ProcessStats, AnAbsentRootHasNoPids) {
  Child gone([](const auto&) { return 0; });
  const pid_t pid = gone.pid();
  gone.wait();

  EXPECT_EQ(stats_of(pid).pids, 0U);
  EXPECT_THAT(tree_stats({}).value(), IsEmpty());
}

TEST(ProcessStats, TheDeadThatNobodyReapedAreNotCounted) {
  const Child root([](const auto& ready) {
    const pid_t zombie = ::fork();
    if (zombie == 0) ::_exit(0);
    siginfo_t how{};
    ::waitid(P_PID, static_cast<id_t>(zombie), &how, WEXITED | WNOWAIT);
    ready();
    ::pause();
    return 0;
  });
  ASSERT_TRUE(root.is_ready());

  EXPECT_EQ(stats_of(root.pid()).pids, 0U);
  EXPECT_THAT(tree_pids(root.pid()).value(), IsEmpty());
}

TEST(ProcessStats, CpuTimeOfTheReapedStays) {
  const Child root([](const auto& ready) {
    if (::fork() == 0) {
      while (std::clock() < CLOCKS_PER_SEC / 10) {  // of CPU time, however busy the machine is
      }
      ::_exit(0);
    }
    ::wait(nullptr);
    ready();
    ::pause();
    return 0;
  });
  ASSERT_TRUE(root.is_ready());

  const auto stats = stats_of(root.pid());

  EXPECT_EQ(stats.pids, 0U);
  EXPECT_GE(stats.cpu_usec, 20'000U);
}

// A look at a tree that has come to rest after it.
TreePulse resting_pulse(pid_t root) {
  const auto latest = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (std::chrono::steady_clock::now() < latest) {
    auto pulse = stats_of(root).pulse;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    if (is_still(pulse)) return pulse;
  }
  return {};
}

// Who runs is charged at the next tick of the clock.
bool becomes_restless(const TreePulse& pulse) {
  const auto latest = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (is_still(pulse) && std::chrono::steady_clock::now() < latest)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  return !is_still(pulse);
}

TEST(ProcessStats, ATreeIsStillUntilAnyOfItsProcessesRuns) {
  const Child root = tree([](const auto& ready) {
    std::signal(SIGUSR1, [](int) {});
    const pid_t child = ::fork();
    if (child > 0) ready();
    for (;;) ::pause();
  });
  const TreeGuard guard{root.pid()};
  ASSERT_TRUE(root.is_ready());
  std::vector<pid_t> runners;
  while (runners.size() < 2) runners = tree_pids(root.pid()).value();

  for (const pid_t runner : runners) {
    const auto pulse = resting_pulse(root.pid());
    ASSERT_THAT(pulse, SizeIs(3));  // with the root
    EXPECT_TRUE(is_still(pulse));
    ::kill(runner, SIGUSR1);
    EXPECT_TRUE(becomes_restless(pulse)) << runner;
  }
}

TEST(ProcessStats, ATreeIsNotStillWhenOneOfItHasGone) {
  const Child root = tree([](const auto& ready) {
    ready();
    ::pause();
  });
  const TreeGuard guard{root.pid()};
  ASSERT_TRUE(root.is_ready());
  const auto pulse = resting_pulse(root.pid());
  const auto many = tree_stats(std::vector<pid_t>(100, root.pid()));
  ASSERT_TRUE(many);
  EXPECT_TRUE(is_still(many->front().pulse));  // seen by the look at all processes, too

  ::kill(tree_pids(root.pid()).value().front(), SIGKILL);

  EXPECT_TRUE(becomes_restless(pulse));
  EXPECT_FALSE(is_still({}));
  EXPECT_THAT(stats_of(0x7ffffff0).pulse, IsEmpty());
}

TEST(ProcessStats, PagesSharedAfterForkCountOnceInPss) {
  const Child root = tree([](const auto& ready) {
    take_memory(40 * kMiB);
    for (int i = 0; i < 4; ++i) {
      if (::fork() == 0) ::pause();
    }
    ready();
    ::pause();
  });
  const TreeGuard guard{root.pid()};
  ASSERT_TRUE(root.is_ready());

  const auto pss = tree_pss_bytes(root.pid());

  ASSERT_TRUE(pss) << to_string(pss.error());
  EXPECT_GE(stats_of(root.pid()).rss_bytes, 190 * kMiB);
  EXPECT_GE(*pss, 38 * kMiB);
  EXPECT_LE(*pss, 45 * kMiB + inherited());
}

TEST(ProcessStats, SharedMemoryCountsAndMappedFilesDoNot) {
#ifdef __SANITIZE_THREAD__
  GTEST_SKIP() << "ThreadSanitizer keeps memory of its own for each byte that is looked at";
#endif
  const Child root = tree([](const auto& ready) {
    const int shared = ::memfd_create("shared", MFD_CLOEXEC);
    (void)!::ftruncate(shared, 24 * kMiB);
    auto* memory = static_cast<char*>(
        ::mmap(nullptr, 24 * kMiB, PROT_READ | PROT_WRITE, MAP_SHARED, shared, 0));
    std::memset(memory, 1, 24 * kMiB);
    // 64 MiB of a file, all looked at.
    const int file = ::open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    (void)!::ftruncate(file, 64 * kMiB);
    const auto* mapped = static_cast<const volatile char*>(
        ::mmap(nullptr, 64 * kMiB, PROT_READ, MAP_SHARED, file, 0));
    for (std::size_t at = 0; at < 64 * kMiB; at += 4096) (void)mapped[at];
    ready();
    ::pause();
  });
  const TreeGuard guard{root.pid()};
  ASSERT_TRUE(root.is_ready());

  EXPECT_GE(stats_of(root.pid()).rss_bytes, 24 * kMiB);
  EXPECT_LT(stats_of(root.pid()).rss_bytes, 30 * kMiB + inherited());
  EXPECT_GE(tree_pss_bytes(root.pid()).value(), 24 * kMiB);
}

void* hold_memory(void* ready) {
  take_memory(25 * kMiB);
  (*static_cast<const std::function<void()>*>(ready))();
  ::pause();
  return nullptr;
}

TEST(ProcessStats, ALeaderThatLeftItsThreadsBehindHidesNothing) {
  const Child root = tree([](const auto& ready) {
    static const std::function<void()> say = ready;
    pthread_t thread{};
    ::pthread_create(&thread, nullptr, hold_memory, const_cast<std::function<void()>*>(&say));
    // Not pthread_exit(3), which unwinds: only this thread ends.
    ::syscall(SYS_exit, 0);
  });
  const TreeGuard guard{root.pid()};
  ASSERT_TRUE(root.is_ready());

  const auto stats = stats_of(root.pid());

  EXPECT_EQ(stats.pids, 1U);
  EXPECT_GE(stats.rss_bytes, 25 * kMiB);
  EXPECT_GE(tree_pss_bytes(root.pid()).value(), 25 * kMiB);
}

TEST(ProcessStats, AHostileNameHidesNothing) {
  const Child root = tree([](const auto& ready) {
    ::prctl(PR_SET_NAME, ") Z 1 (x)\n");
    take_memory(10 * kMiB);
    ready();
    ::pause();
  });
  const TreeGuard guard{root.pid()};
  ASSERT_TRUE(root.is_ready());

  EXPECT_EQ(stats_of(root.pid()).pids, 1U);
  EXPECT_GE(stats_of(root.pid()).rss_bytes, 10 * kMiB);
}

TEST(ProcStat, FieldsAreFoundBehindAnyName) {
  const std::string tail =
      " S 7 1 1 0 -1 4194560 100 0 0 0 11 22 33 44 20 0 3 0 555 1000 20 "
      "18446744073709551615 1 1";
  for (const std::string name : {"sh", "a b", ") R 9", "((", "\n", ""}) {
    const auto stat = parse_proc_stat("42 (" + name + ")" + tail);
    ASSERT_TRUE(stat) << name;
    EXPECT_EQ(stat->pid, 42);
    EXPECT_EQ(stat->parent, 7);
    EXPECT_EQ(stat->state, 'S');
    EXPECT_EQ(stat->own_ticks, 33U);
    EXPECT_EQ(stat->reaped_ticks, 77U);
    EXPECT_EQ(stat->threads, 3);
    EXPECT_EQ(stat->start_ticks, 555U);
  }
}

TEST(ProcStat, TornTextIsNothing) {
  for (const char* text : {"", "42", "42 (sh", "42 (sh) ", "42 (sh) S 1 2", "x (sh) S 7 1 1",
                           "42 (sh) S 7 1 1 0 -1 4194560 100 0 0 0 11 22 33 44 20 0 3 0"}) {
    EXPECT_FALSE(parse_proc_stat(text)) << text;
  }
}

}  // namespace
}  // namespace ringfort::platform
