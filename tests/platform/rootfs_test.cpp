#include "ringfort/platform/rootfs.hpp"

#include "ringfort/support/temp_dir.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <thread>

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

namespace ringfort::platform {
namespace {

using test::exists;
using test::names_in;
using test::read_file;
using test::TempDir;
using test::write_file;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Fd open_dir(const std::string& path) {
  return Fd{::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
}

struct stat lstat_of(const std::string& path) {
  struct stat status {};
  EXPECT_EQ(::lstat(path.c_str(), &status), 0) << path;
  return status;
}

class Rootfs : public testing::Test {
 protected:
  Rootfs() {
    ::mkdir(source_.c_str(), 0755);
    ::mkdir(target_.c_str(), 0755);
  }

  Result<CloneReport> clone(const CloneOptions& options = {}) {
    return clone_tree(open_dir(source_).get(), open_dir(target_).get(), options);
  }

  Status remove(const std::string& name) { return remove_tree(open_dir(dir_.path()).get(), name); }

  TempDir dir_;
  const std::string source_ = dir_ / "source";
  const std::string target_ = dir_ / "target";
};

TEST_F(Rootfs, CloneKeepsContentModesAndTimes) {
  write_file(source_ + "/bin/tool", "#!/bin/sh\n");
  ::chmod((source_ + "/bin/tool").c_str(), 0751);
  write_file(source_ + "/empty", "");
  const timespec times[2] = {{0, UTIME_OMIT}, {1000000000, 123456789}};
  ::utimensat(AT_FDCWD, (source_ + "/bin/tool").c_str(), times, 0);
  ::chmod((source_ + "/bin").c_str(), 0555);
  ::utimensat(AT_FDCWD, (source_ + "/bin").c_str(), times, 0);

  const auto report = clone();

  ASSERT_TRUE(report) << to_string(report.error());
  EXPECT_EQ(report->files, 2U);
  EXPECT_EQ(report->bytes, 10U);
  EXPECT_EQ(read_file(target_ + "/bin/tool"), "#!/bin/sh\n");
  EXPECT_EQ(lstat_of(target_ + "/bin/tool").st_mode & 07777, 0751U);
  EXPECT_EQ(lstat_of(target_ + "/bin/tool").st_mtim.tv_nsec, 123456789);
  EXPECT_EQ(lstat_of(target_ + "/bin").st_mode & 07777, 0555U);
  EXPECT_EQ(lstat_of(target_ + "/bin").st_mtim.tv_sec, 1000000000);
}

TEST_F(Rootfs, CloneDropsSetuidAndSetgidBits) {
  write_file(source_ + "/su", "x");
  ::chmod((source_ + "/su").c_str(), 06755);

  ASSERT_TRUE(clone());

  EXPECT_EQ(lstat_of(target_ + "/su").st_mode & 07777, 0755U);
}

TEST_F(Rootfs, CloneRecreatesLinksAndFollowsNone) {
  write_file(dir_ / "outside/secret", "secret");
  ::symlink((dir_ / "outside").c_str(), (source_ + "/data").c_str());
  ::symlink("loop", (source_ + "/loop").c_str());
  ::symlink("../../..", (source_ + "/up").c_str());
  ::symlink("absent", (source_ + "/dangling").c_str());

  const auto report = clone();

  ASSERT_TRUE(report) << to_string(report.error());
  EXPECT_EQ(report->files, 4U);
  EXPECT_EQ(std::filesystem::read_symlink(target_ + "/data"), dir_ / "outside");
  EXPECT_EQ(std::filesystem::read_symlink(target_ + "/loop"), "loop");
  EXPECT_EQ(std::filesystem::read_symlink(target_ + "/up"), "../../..");
  EXPECT_EQ(std::filesystem::read_symlink(target_ + "/dangling"), "absent");
}

TEST_F(Rootfs, CloneSharesNothingWithItsSource) {
  write_file(source_ + "/a", "original");
  ::link((source_ + "/a").c_str(), (source_ + "/b").c_str());

  ASSERT_TRUE(clone());
  write_file(target_ + "/a", "changed");

  EXPECT_EQ(read_file(source_ + "/a"), "original");
  EXPECT_EQ(read_file(target_ + "/b"), "original");
  EXPECT_EQ(lstat_of(target_ + "/a").st_nlink, 1U);
}

TEST_F(Rootfs, CloneSkipsSpecialFilesWithoutOpeningThem) {
  ASSERT_EQ(::mkfifo((source_ + "/fifo").c_str(), 0600), 0);
  const Fd socket{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::snprintf(address.sun_path, sizeof address.sun_path, "%s/socket", source_.c_str());
  ASSERT_EQ(::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  write_file(source_ + "/file", "f");

  const auto report = clone();

  ASSERT_TRUE(report) << to_string(report.error());
  EXPECT_EQ(report->skipped_special, 2U);
  EXPECT_THAT(names_in(target_), ElementsAre("file"));
}

TEST_F(Rootfs, CloneRefusesSpecialFilesByNameWhenAsked) {
  std::filesystem::create_directories(source_ + "/var/run");
  ASSERT_EQ(::mkfifo((source_ + "/var/run/queue").c_str(), 0600), 0);
  CloneOptions options;
  options.refuse_special = true;

  const auto report = clone(options);

  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().kind, ErrorKind::InvalidSpec);
  EXPECT_THAT(report.error().what, HasSubstr("var/run/queue is a FIFO"));
}

TEST_F(Rootfs, CloneKeepsHolesAsHoles) {
  const Fd sparse{::open((source_ + "/sparse").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600)};
  constexpr off_t kSize = off_t{8} << 30;
  ASSERT_EQ(::ftruncate(sparse.get(), kSize), 0);
  ASSERT_EQ(::pwrite(sparse.get(), "middle", 6, kSize / 2), 6);

  ASSERT_TRUE(clone());

  const auto status = lstat_of(target_ + "/sparse");
  EXPECT_EQ(status.st_size, kSize);
  EXPECT_LE(status.st_blocks, 64);
  const Fd copy{::open((target_ + "/sparse").c_str(), O_RDONLY | O_CLOEXEC)};
  char text[7] = {};
  ASSERT_EQ(::pread(copy.get(), text, 6, kSize / 2), 6);
  EXPECT_STREQ(text, "middle");
}

TEST_F(Rootfs, CloneKeepsLongAndStrangeNames) {
  const std::vector<std::string> names{
      std::string(255, 'n'), "new\nline", "\xff\xfe", "-rf", " ", "\x1b[31m"};
  for (const auto& name : names) write_file(source_ + "/" + name, name);

  ASSERT_TRUE(clone());

  for (const auto& name : names) EXPECT_EQ(read_file(target_ + "/" + name), name);
}

TEST_F(Rootfs, CloneIntoAnotherFileSystemKeepsContentAndHoles) {
  const std::string other = "/dev/shm/ringfort-rootfs-" + std::to_string(::getpid());
  if (::mkdir(other.c_str(), 0700) != 0) GTEST_SKIP() << "/dev/shm is not writable";
  std::string text(3 << 20, 'x');
  text.replace(1 << 20, 4, "mark");
  write_file(source_ + "/big", text);

  const auto there = clone_tree(open_dir(source_).get(), open_dir(other).get(), {});
  const auto copy = read_file(other + "/big");
  const auto back = clone_tree(open_dir(other).get(), open_dir(target_).get(), {});
  std::filesystem::remove_all(other);

  ASSERT_TRUE(there) << to_string(there.error());
  ASSERT_TRUE(back) << to_string(back.error());
  EXPECT_EQ(copy, text);
  EXPECT_EQ(read_file(target_ + "/big"), text);
}

TEST_F(Rootfs, CloneRefusesATargetInsideItsSource) {
  const std::string inside = source_ + "/data/staging";
  std::filesystem::create_directories(inside);

  const auto report = clone_tree(open_dir(source_).get(), open_dir(inside).get(), {});

  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().kind, ErrorKind::InvalidSpec);
  EXPECT_THAT(report.error().what, HasSubstr("data/staging"));
}

TEST_F(Rootfs, CloneNamesWhatItCannotRead) {
  if (::geteuid() == 0) GTEST_SKIP() << "root reads everything";
  write_file(source_ + "/sub/locked", "x");
  ::chmod((source_ + "/sub/locked").c_str(), 0);

  const auto report = clone();

  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().os_errno, EACCES);
  EXPECT_THAT(report.error().what, HasSubstr("sub/locked"));
}

TEST_F(Rootfs, CloneLeavesWhatIsMountedInsideOut) {
  if (::geteuid() != 0) GTEST_SKIP() << "mounting needs root";
  const std::string point = source_ + "/mnt";
  ::mkdir(point.c_str(), 0755);
  if (::mount("tmpfs", point.c_str(), "tmpfs", 0, nullptr) != 0) GTEST_SKIP() << "no tmpfs mount";
  write_file(point + "/file", "x");

  const auto report = clone();
  ::umount(point.c_str());

  ASSERT_TRUE(report) << to_string(report.error());
  EXPECT_THAT(report->skipped_mounts, ElementsAre("mnt"));
  EXPECT_THAT(names_in(target_ + "/mnt"), IsEmpty());
}

TEST_F(Rootfs, CloneGivesEverythingToTheOwnerAskedFor) {
  if (::geteuid() != 0) GTEST_SKIP() << "chown needs root";
  write_file(source_ + "/dir/file", "x");
  ::symlink("file", (source_ + "/dir/link").c_str());
  CloneOptions options;
  options.owner_uid = 4242;
  options.owner_gid = 4343;

  ASSERT_TRUE(clone(options));

  for (const auto* name : {"", "/dir", "/dir/file", "/dir/link"}) {
    EXPECT_EQ(lstat_of(target_ + name).st_uid, 4242U) << name;
    EXPECT_EQ(lstat_of(target_ + name).st_gid, 4343U) << name;
  }
}

// Runs `act` in a child that may open no more than `descriptors`; its exit code is the answer.
template <class Act>
int with_few_descriptors(rlim_t descriptors, Act act) {
  const pid_t child = ::fork();
  if (child == 0) {
    const rlimit limit{descriptors, descriptors};
    ::setrlimit(RLIMIT_NOFILE, &limit);
    ::_exit(act());
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

// 10,000 levels below `path`, with a file at the bottom.
void make_deep(const std::string& path, int levels) {
  ::mkdir(path.c_str(), 0700);
  Fd at = open_dir(path);
  for (int i = 0; i < levels; ++i) {
    ASSERT_EQ(::mkdirat(at.get(), "deeper", 0700), 0);
    at = Fd{::openat(at.get(), "deeper", O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  }
  const Fd file{::openat(at.get(), "bottom", O_WRONLY | O_CREAT | O_CLOEXEC, 0600)};
  ASSERT_EQ(::write(file.get(), "bottom", 6), 6);
}

TEST(RootfsInMemory, TenThousandLevelsNeedFewDescriptors) {
  if (::access("/dev/shm", W_OK) != 0) GTEST_SKIP() << "no /dev/shm, and disks are too slow";
  const TempDir dir("/dev/shm");
  make_deep(dir / "source", 10000);
  ::mkdir((dir / "target").c_str(), 0700);

  const int result = with_few_descriptors(64, [&] {
    const auto report =
        clone_tree(open_dir(dir / "source").get(), open_dir(dir / "target").get(), {});
    if (!report || report->files != 1) return 1;
    const Fd parent = open_dir(dir.path());
    if (!remove_tree(parent.get(), "source")) return 2;
    return remove_tree(parent.get(), "target") ? 0 : 3;
  });

  EXPECT_EQ(result, 0);
  EXPECT_THAT(names_in(dir.path()), IsEmpty());
}

TEST_F(Rootfs, RemoveTakesEveryKindOfEntry) {
  write_file(source_ + "/a/b/file", "x");
  ::link((source_ + "/a/b/file").c_str(), (source_ + "/hard").c_str());
  ::symlink("/etc", (source_ + "/a/etc").c_str());
  ASSERT_EQ(::mkfifo((source_ + "/a/fifo").c_str(), 0), 0);

  ASSERT_TRUE(remove("source"));

  EXPECT_FALSE(exists(source_));
}

TEST_F(Rootfs, RemoveFollowsNoLink) {
  write_file(dir_ / "outside/keep", "keep");
  ::symlink((dir_ / "outside").c_str(), (source_ + "/data").c_str());

  ASSERT_TRUE(remove("source"));
  ::symlink((dir_ / "outside").c_str(), source_.c_str());
  ASSERT_TRUE(remove("source"));

  EXPECT_FALSE(exists(source_));
  EXPECT_EQ(read_file(dir_ / "outside/keep"), "keep");
}

TEST_F(Rootfs, RemoveOfNothingIsDone) { EXPECT_TRUE(remove("never-was")); }

TEST_F(Rootfs, RemoveOpensDirectoriesThatTheGuestClosed) {
  const int result = with_few_descriptors(1024, [&] {
    // As a plain user: root may read a 0000 directory anyway.
    if (::geteuid() == 0) {
      if (::chown(dir_.path().c_str(), 4242, 4242) != 0) return 1;
      if (::chown(source_.c_str(), 4242, 4242) != 0 || ::setresuid(4242, 4242, 4242) != 0) return 2;
    }
    write_file(source_ + "/closed/inner/file", "x");
    write_file(source_ + "/readonly/file", "x");
    ::chmod((source_ + "/closed/inner").c_str(), 0);
    ::chmod((source_ + "/closed").c_str(), 0);
    ::chmod((source_ + "/readonly").c_str(), 0500);
    ::chmod(source_.c_str(), 0);
    return remove("source") ? 0 : 3;
  });

  EXPECT_EQ(result, 0);
  EXPECT_FALSE(exists(source_));
}

TEST_F(Rootfs, RemoveStopsAtAMountAndTakesTheRest) {
  if (::geteuid() != 0) GTEST_SKIP() << "mounting needs root";
  const std::string point = source_ + "/a/mnt";
  std::filesystem::create_directories(point);
  if (::mount("tmpfs", point.c_str(), "tmpfs", 0, nullptr) != 0) GTEST_SKIP() << "no tmpfs mount";
  write_file(point + "/keep", "keep");
  write_file(source_ + "/a/file", "x");
  write_file(source_ + "/z/file", "x");

  const auto removed = remove("source");
  const auto kept = read_file(point + "/keep");
  const bool rest = exists(source_ + "/a/file") || exists(source_ + "/z");
  ::umount(point.c_str());

  ASSERT_FALSE(removed);
  EXPECT_THAT(removed.error().what, HasSubstr("a/mnt"));
  EXPECT_EQ(kept, "keep");
  EXPECT_FALSE(rest);
  EXPECT_TRUE(remove("source"));
}

// More rounds than a directory that refills would get.
TEST(RootfsInMemory, RemoveTakesDirectoriesOfAnySize) {
  if (::access("/dev/shm", W_OK) != 0) GTEST_SKIP() << "no /dev/shm, and disks are too slow";
  const TempDir dir("/dev/shm");
  ::mkdir((dir / "large").c_str(), 0700);
  const Fd large = open_dir(dir / "large");
  for (int i = 0; i < 80000; ++i) {
    ASSERT_EQ(::mknodat(large.get(), std::to_string(i).c_str(), S_IFREG | 0600, 0), 0);
  }

  const auto removed = remove_tree(open_dir(dir.path()).get(), "large");

  ASSERT_TRUE(removed) << to_string(removed.error());
  EXPECT_FALSE(exists(dir / "large"));
}

TEST_F(Rootfs, RemoveEndsWhileSomebodyKeepsWriting) {
  std::filesystem::create_directories(source_ + "/busy");
  std::atomic<bool> stop = false;
  std::thread writer([&] {
    for (int i = 0; !stop; ++i) {
      const Fd file{::open((source_ + "/busy/" + std::to_string(i)).c_str(),
                           O_WRONLY | O_CREAT | O_CLOEXEC, 0600)};
    }
  });
  const auto begun = std::chrono::steady_clock::now();

  (void)remove("source");
  const auto taken = std::chrono::steady_clock::now() - begun;
  stop = true;
  writer.join();

  EXPECT_LT(taken, std::chrono::seconds(20));
  EXPECT_TRUE(remove("source"));
}

}  // namespace
}  // namespace ringfort::platform
