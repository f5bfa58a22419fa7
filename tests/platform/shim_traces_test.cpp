#include "ringfort/platform/shim_traces.hpp"

#include "ringfort/platform/boot_time.hpp"
#include "ringfort/platform/linux/proc_stat.hpp"
#include "ringfort/platform/owner_lock.hpp"
#include "ringfort/platform/protocol.hpp"
#include "ringfort/support/descriptor_limit.hpp"
#include "ringfort/support/eventually.hpp"
#include "ringfort/support/temp_dir.hpp"

#include <gtest/gtest.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstring>
#include <fstream>
#include <future>
#include <string>
#include <string_view>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace ringfort::platform {
namespace {

template <class Record>
Record sealed(Record record) {
  record.magic = wire::kRecordMagic;
  record.version = helper_protocol();
  record.checksum = wire::checksum(&record, offsetof(Record, checksum));
  return record;
}

template <class Record>
std::string_view bytes(const Record& record) {
  return {reinterpret_cast<const char*>(&record), sizeof record};
}

wire::ShimRecord shim(std::uint64_t cookie) {
  wire::ShimRecord record{};
  record.cookie = cookie;
  return sealed(record);
}

wire::ExitFile exit_with(std::uint64_t cookie, int code) {
  wire::ExitFile record{};
  record.cookie = cookie;
  record.status = code << 8;
  return sealed(record);
}

struct ShimTracesTest : testing::Test {
  std::string path() const { return dir_.path(); }
  void write(const char* name, std::string_view text) { test::write_file(dir_ / name, text); }
  Found found() const { return judge(read_shim_traces(path()).value()); }
  test::TempDir dir_;
};

TEST_F(ShimTracesTest, FollowsTheTable) {
  write("shim", "");
  write("exit", "");
  EXPECT_EQ(found(), Found::NeverStarted);
  write("shim", bytes(shim(1)));
  EXPECT_EQ(found(), Found::Lost);
  EXPECT_EQ(exit_record_of(read_shim_traces(path()).value()).code, 255);
  write("exit", bytes(exit_with(1, 7)));
  EXPECT_EQ(found(), Found::Ended);
  EXPECT_EQ(exit_record_of(read_shim_traces(path()).value()).code, 7);

  const int held = ::open((path() + "/shim").c_str(), O_RDWR | O_CLOEXEC);
  ASSERT_EQ(::flock(held, LOCK_EX), 0);
  EXPECT_EQ(found(), Found::Running) << "a shim about to leave has written its exit already";
  ::close(held);
}

TEST_F(ShimTracesTest, TakesNoRecordOfAnotherRun) {
  write("shim", bytes(shim(2)));
  write("exit", bytes(exit_with(1, 0)));
  EXPECT_EQ(found(), Found::Lost);
}

TEST_F(ShimTracesTest, FindsAnEndThatHadNoRoomInItsOwnFile) {
  std::string text(bytes(shim(2)));
  text.resize(wire::kExitInShimFile);
  text += bytes(exit_with(2, 9));
  write("shim", text);
  write("exit", bytes(exit_with(1, 7)));  // of the run before
  EXPECT_EQ(found(), Found::Ended);
  EXPECT_EQ(exit_record_of(read_shim_traces(path()).value()).code, 9);
}

TEST_F(ShimTracesTest, TakesNoTornOrDamagedFile) {
  const auto exit = exit_with(1, 7);
  write("shim", bytes(shim(1)));
  write("exit", bytes(exit).substr(0, sizeof exit - 1));
  EXPECT_EQ(found(), Found::Lost);
  auto damaged = exit;
  damaged.status ^= 1;
  write("exit", bytes(damaged));
  EXPECT_EQ(found(), Found::Lost);
  write("exit", bytes(exit));
  EXPECT_EQ(found(), Found::Ended);
}

TEST_F(ShimTracesTest, WhatCannotBeLookedAtIsNotSaidToBeAbsent) {
  write("shim", bytes(shim(1)));
  write("record", "owner 00112233445566778899aabbccddeeff\n");
  const int dir = ::open(path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  ASSERT_GE(dir, 0);
  {
    const test::DescriptorLimit none{0};
    ASSERT_TRUE(none.is_set());
    const auto traces = read_shim_traces(path());
    ASSERT_FALSE(traces);
    EXPECT_EQ(traces.error().os_errno, EMFILE);
    EXPECT_TRUE(is_locked(dir, "shim"));
    EXPECT_FALSE(owner_of_record(dir));
  }
  // A link is nobody's, and so is what is not there.
  EXPECT_EQ(found(), Found::Lost);
  EXPECT_FALSE(is_locked(dir, "shim"));
  EXPECT_EQ(owner_of_record(dir).value(), "00112233445566778899aabbccddeeff");
  EXPECT_FALSE(is_locked(dir, "exit"));
  ASSERT_EQ(::symlinkat("shim", dir, "exit"), 0);
  EXPECT_FALSE(is_locked(dir, "exit"));
  ASSERT_EQ(::unlinkat(dir, "record", 0), 0);
  EXPECT_EQ(owner_of_record(dir).value(), "");
  ::close(dir);
}

/// `up` looks at its container's lock while the container is started again.
TEST_F(ShimTracesTest, WhoTakesALockWaitsForThoseWhoLookAndNotForAHolder) {
  write("shim", "");
  const auto open = [this] {
    return platform::Fd{::open((path() + "/shim").c_str(), O_RDWR | O_CLOEXEC)};
  };
  const auto starter = open();
  auto looks = open();
  ASSERT_EQ(::flock(looks.get(), LOCK_SH), 0);
  auto taken = std::async(std::launch::async, [&] { return take_lock(starter.get()); });
  EXPECT_EQ(taken.wait_for(std::chrono::milliseconds(20)), std::future_status::timeout);
  looks.reset();
  ASSERT_TRUE(taken.get());

  const auto other = open();
  EXPECT_FALSE(take_lock(other.get()));
  EXPECT_EQ(errno, EWOULDBLOCK);
}

/// A shell that was stopped between its vfork(2) and the exec of its command: it is in state D.
TEST_F(ShimTracesTest, AProgramThatWaitsForAStoppedChildStandsStill) {
#ifdef __SANITIZE_THREAD__
  GTEST_SKIP() << "ThreadSanitizer makes a fork of each vfork";
#endif
  const pid_t program = ::fork();
  if (program == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::vfork() == 0) {
      ::kill(::getpid(), SIGSTOP);
      ::_exit(0);
    }
    ::pause();
    ::_exit(0);
  }
  auto record = shim(1);
  struct stat space {};
  ASSERT_EQ(::stat("/proc/self/ns/pid", &space), 0);
  const auto self = parse_proc_stat(test::read_file("/proc/self/stat"));
  ASSERT_TRUE(self);
  record.pidns_inode = space.st_ino;
  record.shim_pid = ::getpid();
  record.main_pid = program;
  record.start_ticks = self->start_ticks;
  ::strncpy(record.boot_id, boot_id().c_str(), sizeof record.boot_id - 1);
  write("shim", bytes(sealed(record)));
  const int held = ::open((path() + "/shim").c_str(), O_RDWR | O_CLOEXEC);
  ASSERT_EQ(::flock(held, LOCK_EX), 0);

  EXPECT_TRUE(test::eventually(std::chrono::seconds(10), [&] { return found() == Found::Paused; }));

  std::ifstream children("/proc/" + std::to_string(program) + "/task/" + std::to_string(program) +
                         "/children");
  pid_t child = 0;
  children >> child;
  ASSERT_GT(child, 0);
  ASSERT_EQ(::kill(child, SIGCONT), 0);
  EXPECT_TRUE(
      test::eventually(std::chrono::seconds(10), [&] { return found() == Found::Running; }));
  ::kill(program, SIGKILL);
  ::waitpid(program, nullptr, 0);
  ::close(held);
}

TEST(ShimIdentity, IsOfThisBootNamespaceAndTick) {
  wire::ShimRecord record{};
  EXPECT_FALSE(is_same_process(record, ::getpid()));
}

}  // namespace
}  // namespace ringfort::platform
