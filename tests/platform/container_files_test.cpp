#include "ringfort/platform/container_files.hpp"

#include "ringfort/specs/container_record.hpp"
#include "ringfort/support/temp_dir.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <thread>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/mount.h>
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

ino_t inode_of(const std::string& path) {
  struct stat status {};
  EXPECT_EQ(::lstat(path.c_str(), &status), 0) << path;
  return status.st_ino;
}

mode_t mode_of(const std::string& path) {
  struct stat status {};
  EXPECT_EQ(::lstat(path.c_str(), &status), 0) << path;
  return status.st_mode & 07777;
}

class Containers : public testing::Test {
 protected:
  std::shared_ptr<ContainerFiles> open() { return open(dir_ / "data"); }
  static std::shared_ptr<ContainerFiles> open(const std::string& path) {
    auto files = ContainerFiles::open(path);
    EXPECT_TRUE(files) << to_string(files.error());
    return files ? *files : nullptr;
  }

  NewContainer container(const ContainerFiles& files, const std::string& service) {
    NewContainer what;
    what.id = {service, 1};
    what.config_json = "{\"of\": \"" + service + "\"}";
    what.seatbelt = "(version 1)";
    what.record = "owner " + files.owner_nonce() + "\nrest\n";
    return what;
  }

  NewContainer with_image(ContainerFiles& files, const std::string& service) {
    write_file(dir_ / "source/bin/app", "app");
    auto image = files.images().add("app", dir_ / "source");
    EXPECT_TRUE(image) << to_string(image.error());
    auto what = container(files, service);
    what.image = *image;
    return what;
  }

  std::string data(const std::string& path) const { return dir_ / ("data/" + path); }

  // Everything but the images and the recycled directories of living runtimes.
  std::vector<std::string> residue() const {
    std::vector<std::string> left;
    for (const auto* place : {"containers", "state", "state/owners", ".staging", ".trash"}) {
      for (const auto& name : names_in(data(place))) {
        if (name != "owners") left.push_back(std::string(place) + "/" + name);
      }
    }
    return left;
  }

  TempDir dir_;
};

TEST_F(Containers, OpeningMakesTheDirectoriesAndClosingLeavesNoOwner) {
  {
    const auto files = open();
    EXPECT_THAT(names_in(data("")),
                ElementsAre(".staging", ".trash", "containers", "images", "state"));
    EXPECT_THAT(names_in(data("state/owners")), ElementsAre(files->owner_nonce()));
    EXPECT_EQ(mode_of(data("")), ::geteuid() == 0 ? 0711U : 0700U);
    EXPECT_EQ(mode_of(data("state")), 0700U);
  }
  EXPECT_THAT(residue(), IsEmpty());
}

TEST_F(Containers, AnUnusableDataDirectoryIsAnErrorThatNamesTheFlag) {
  write_file(dir_ / "file", "");

  const auto files = ContainerFiles::open(dir_ / "file/below");

  ASSERT_FALSE(files);
  EXPECT_EQ(files.error().kind, ErrorKind::Io);
  EXPECT_THAT(files.error().what, HasSubstr(dir_ / "file/below"));
  EXPECT_THAT(files.error().hint, HasSubstr("--data-dir"));
}

TEST_F(Containers, CreateMakesTheWholeLayout) {
  const auto files = open();
  const auto what = with_image(*files, "web");

  const auto created = files->create(what);

  ASSERT_TRUE(created) << to_string(created.error());
  const auto dir = files->container_dir(what.id);
  EXPECT_EQ(dir, data("containers/web-1"));
  EXPECT_EQ(read_file(dir + "/config.json"), what.config_json);
  EXPECT_EQ(read_file(dir + "/sandbox.sb"), what.seatbelt);
  EXPECT_EQ(read_file(dir + "/stdout.log"), "");
  EXPECT_EQ(read_file(dir + "/stderr.log"), "");
  EXPECT_EQ(read_file(dir + "/rootfs/bin/app"), "app");
  EXPECT_THAT(names_in(dir + "/tmp"), IsEmpty());
  EXPECT_FALSE(exists(dir + "/pid"));
  EXPECT_EQ(read_file(data("state/web-1/record")), what.record);
  EXPECT_THAT(names_in(data("state/web-1")),
              ElementsAre("exit", "log.idx", "record", "shim", "sock"));
  EXPECT_EQ(mode_of(data("state/web-1/sock")), 0600U);
  EXPECT_TRUE(files->held_by_live_owner(what.id));
}

TEST_F(Containers, NamedVolumesStayAndAnonymousOnesGoWithTheirContainer) {
  const auto files = open();
  for (const auto durability : {Durability::Full, Durability::Process, Durability::None}) {
    auto what = container(*files, "web");
    what.durability = durability;
    what.named_volumes = {"data", "more"};
    what.anonymous_volumes = {"volume.0", "volume.12"};
    what.owner = ::geteuid() == 0 ? std::optional<uid_t>{4242} : std::nullopt;
    ASSERT_TRUE(files->create(what));
    EXPECT_THAT(names_in(data("volumes")), ElementsAre("data", "more"));
    EXPECT_EQ(mode_of(data("volumes")), 0700U);
    EXPECT_EQ(mode_of(data("volumes/data")), 0700U);
    struct stat status {};
    ASSERT_EQ(::stat(data("volumes/data").c_str(), &status), 0);
    EXPECT_EQ(status.st_uid, ::geteuid());
    ASSERT_EQ(::stat(data("containers/web-1/volume.12").c_str(), &status), 0);
    EXPECT_EQ(status.st_uid, what.owner.value_or(::geteuid()));
    EXPECT_THAT(names_in(data("containers/web-1/volume.0")), IsEmpty()) << "not that of another";
    write_file(data("volumes/data/kept"), "kept");
    write_file(data("containers/web-1/volume.0/gone"), "gone");

    ASSERT_TRUE(files->discard(what.id, durability));
    EXPECT_EQ(read_file(data("volumes/data/kept")), "kept");
    EXPECT_FALSE(exists(data("containers/web-1")));
    ASSERT_TRUE(files->create(container(*files, "web")));
    EXPECT_FALSE(exists(data("containers/web-1/volume.0"))) << "who asks for none has none";
    ASSERT_TRUE(files->discard(what.id, Durability::Process));
  }
}

TEST_F(Containers, VolumesAreMeasuredAndRemovedWhereNobodyMinds) {
  const auto files = open();
  EXPECT_TRUE(files->volumes()->empty());
  auto what = container(*files, "web");
  what.named_volumes = {"more", "data"};
  ASSERT_TRUE(files->create(what));
  write_file(data("volumes/data/deep/down/a"), std::string(100000, 'x'));
  std::filesystem::create_directory_symlink("/usr", data("volumes/data/link"));
  const auto found = files->volumes();
  ASSERT_TRUE(found);
  ASSERT_EQ(found->size(), 2U);
  EXPECT_EQ((*found)[0].name, "data");
  EXPECT_GE((*found)[0].bytes, 100000U);
  EXPECT_LT((*found)[0].bytes, 1000000U) << "no link is followed";
  EXPECT_LT((*found)[1].bytes, 100000U);

  const auto anybody = [] { return Status{}; };
  const auto somebody = []() -> Status { return fail(ErrorKind::Conflict, "in use", "wait"); };
  EXPECT_EQ(files->remove_volume("data", somebody).error().kind, ErrorKind::Conflict);
  EXPECT_TRUE(exists(data("volumes/data/deep/down/a")));
  for (const char* name : {"none", "..", "../state", "", "data/deep"})
    EXPECT_EQ(files->remove_volume(name, anybody).error().kind, ErrorKind::NotFound) << name;
  ASSERT_TRUE(files->remove_volume("data", anybody));
  EXPECT_THAT(names_in(data("volumes")), ElementsAre("more"));
  files->drain();
  EXPECT_THAT(names_in(data(".trash")), IsEmpty());
  ASSERT_TRUE(files->discard(what.id, Durability::Process));
}

TEST_F(Containers, NobodyElseMayPassThroughTheDirectoryOfVolumes) {
  const auto files = open();
  std::filesystem::create_directory(data("volumes"));
  ASSERT_EQ(::chmod(data("volumes").c_str(), 0755), 0);
  auto what = container(*files, "web");
  what.named_volumes = {"data"};
  ASSERT_TRUE(files->create(what));
  EXPECT_EQ(mode_of(data("volumes")), 0700U);
}

TEST_F(Containers, AVolumeThatIsALinkIsAnError) {
  const auto files = open();
  std::filesystem::create_directories(data("volumes"));
  std::filesystem::create_directory_symlink("/etc", data("volumes/data"));
  auto what = container(*files, "web");
  what.named_volumes = {"data"};
  const auto made = files->create(what);
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().kind, ErrorKind::CreateFailed);
  EXPECT_FALSE(exists(data("containers/web-1")));
}

TEST_F(Containers, AMountPointWithoutAMountIsLeftOutOfTheClone) {
  const auto files = open();
  std::filesystem::create_directories(dir_ / "source/etc");
  auto what = with_image(*files, "web");
  what.mount_points.left_out = what.image->mount_points;

  ASSERT_TRUE(files->create(what));

  EXPECT_THAT(names_in(what.image->rootfs), ElementsAre("bin", "dev", "etc", "proc", "tmp"));
  EXPECT_THAT(names_in(files->container_dir(what.id) + "/rootfs"), ElementsAre("bin", "etc"));
}

TEST_F(Containers, WithoutAnImageTheRootIsEmpty) {
  const auto files = open();

  ASSERT_TRUE(files->create(container(*files, "web")));

  EXPECT_THAT(names_in(data("containers/web-1/rootfs")), IsEmpty());
}

TEST_F(Containers, WithoutDurabilityThereIsNoState) {
  const auto files = open();
  auto what = with_image(*files, "web");
  what.durability = Durability::None;

  ASSERT_TRUE(files->create(what));

  EXPECT_THAT(names_in(data("containers/web-1")), ElementsAre(".owner", "rootfs", "tmp"));
  EXPECT_FALSE(exists(data("state/web-1")));
  EXPECT_TRUE(files->held_by_live_owner(what.id));
  const auto run = files->open_for_run(what.id, Durability::None);
  ASSERT_TRUE(run);
  EXPECT_FALSE(run->listener || run->stdout_log || run->pid_file);
  EXPECT_TRUE(files->discard(what.id, Durability::None));
  EXPECT_FALSE(exists(data("containers/web-1")));
}

TEST_F(Containers, FullDurabilityMakesTheSameLayout) {
  const auto files = open();
  auto what = container(*files, "web");
  what.durability = Durability::Full;

  ASSERT_TRUE(files->create(what));

  EXPECT_EQ(read_file(data("state/web-1/record")), what.record);
}

TEST_F(Containers, OpenForRunAppendsAndLeavesTheLastRunsRecords) {
  const auto files = open();
  const auto what = container(*files, "web");
  ASSERT_TRUE(files->create(what));
  write_file(data("state/web-1/exit"), "old");
  write_file(data("containers/web-1/stdout.log"), "first\n");

  const auto run = files->open_for_run(what.id, what.durability);

  ASSERT_TRUE(run) << to_string(run.error());
  EXPECT_EQ(::write(run->stdout_log.get(), "second\n", 7), 7);
  EXPECT_EQ(::write(run->pid_file.get(), "42\n", 3), 3);
  EXPECT_EQ(read_file(data("containers/web-1/stdout.log")), "first\nsecond\n");
  EXPECT_EQ(read_file(data("containers/web-1/pid")), "42\n");
  EXPECT_EQ(read_file(data("state/web-1/exit")), "old");
  EXPECT_TRUE(run->stderr_log && run->log_index && run->shim_record);
  for (const auto* fd : {&run->stdout_log, &run->log_index, &run->listener, &run->pid_file}) {
    EXPECT_EQ(::fcntl(fd->get(), F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
  }
}

// A connection to `sock` below a state directory; the errno when there is none.
int connect_to(const std::string& state_dir, Fd& connection) {
  const Fd dir{::open(state_dir.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)};
  connection = Fd{::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d/sock", dir.get());
  const int result =
      ::connect(connection.get(), reinterpret_cast<sockaddr*>(&address), sizeof address);
  return result == 0 ? 0 : errno;
}

TEST_F(Containers, TheListenerAcceptsAtItsNameAlsoInTheNextContainer) {
  const auto files = open();
  for (const auto* service : {"first", "second", "third"}) {
    const auto what = container(*files, service);
    ASSERT_TRUE(files->create(what));
    const auto run = files->open_for_run(what.id, what.durability);
    ASSERT_TRUE(run) << to_string(run.error());

    Fd connection;
    ASSERT_EQ(connect_to(data("state/" + what.id.str()), connection), 0);
    ASSERT_EQ(::send(connection.get(), "hello", 5, 0), 5);
    const Fd accepted{::accept4(run->listener.get(), nullptr, nullptr, SOCK_CLOEXEC)};
    char text[8] = {};
    ASSERT_EQ(::recv(accepted.get(), text, sizeof text, 0), 5);
    // One more is left waiting: the next container must not see it.
    Fd stale;
    ASSERT_EQ(connect_to(data("state/" + what.id.str()), stale), 0);

    ASSERT_EQ(::flock(run->shim_record.get(), LOCK_UN), 0);  // as a shim at its end

    ASSERT_TRUE(files->discard(what.id, what.durability));
    EXPECT_EQ(::recv(stale.get(), text, sizeof text, 0), 0);
  }
}

TEST_F(Containers, ASecondRunHearsOnTheSameName) {
  const auto files = open();
  const auto what = container(*files, "web");
  ASSERT_TRUE(files->create(what));
  ASSERT_TRUE(files->open_for_run(what.id, what.durability));
  Fd stale;
  ASSERT_EQ(connect_to(data("state/web-1"), stale), 0);

  const auto run = files->open_for_run(what.id, what.durability);

  ASSERT_TRUE(run) << to_string(run.error());
  Fd connection;
  ASSERT_EQ(connect_to(data("state/web-1"), connection), 0);
  const Fd accepted{::accept4(run->listener.get(), nullptr, nullptr, SOCK_CLOEXEC)};
  ASSERT_EQ(::send(connection.get(), "new", 3, 0), 3);
  char text[8] = {};
  EXPECT_EQ(::recv(accepted.get(), text, sizeof text, MSG_DONTWAIT), 3) << "the first run's client";
}

TEST_F(Containers, WhatIsTakenOverHearsOnItsOwnName) {
  const auto files = open();
  const auto first = container(*files, "web");
  ASSERT_TRUE(files->create(first));
  {
    const auto other = open();
    ASSERT_TRUE(other->discard_found(first.id, first.durability, {}));
    EXPECT_TRUE(files->is_overtaken(first.id));
    ASSERT_TRUE(other->create(container(*other, "web")));
    EXPECT_TRUE(files->is_overtaken(first.id));
  }

  ASSERT_TRUE(files->take_over(first.id, first.record, first.durability));

  EXPECT_FALSE(files->is_overtaken(first.id));
  const auto run = files->open_for_run(first.id, first.durability);
  ASSERT_TRUE(run) << to_string(run.error());
  Fd connection;
  ASSERT_EQ(connect_to(data("state/web-1"), connection), 0);
  EXPECT_GE(Fd{::accept4(run->listener.get(), nullptr, nullptr, SOCK_CLOEXEC)}.get(), 0);
}

TEST_F(Containers, ManyContainersGiveTheirListenersAway) {
  if (::access("/dev/shm", W_OK) != 0) GTEST_SKIP() << "no /dev/shm, and disks are too slow";
  const TempDir in_memory("/dev/shm");
  const auto files = open(in_memory / "data");
  for (int i = 0; i < 600; ++i) {
    ASSERT_TRUE(files->create(container(*files, "c" + std::to_string(i))));
  }
  const auto before = test::open_descriptors();

  std::vector<RunFiles> runs;
  for (int i = 0; i < 50; ++i) {
    runs.push_back(
        std::move(*files->open_for_run({"c" + std::to_string(i), 1}, Durability::Process)));
    ASSERT_TRUE(runs.back().listener);
  }
  runs.clear();

  EXPECT_EQ(test::open_descriptors(), before - 50);
  EXPECT_TRUE(files->open_for_run({"c0", 1}, Durability::Process)->listener);
}

TEST_F(Containers, DiscardFreesTheNamesAndIsIdempotent) {
  const auto files = open();
  const auto what = with_image(*files, "web");
  ASSERT_TRUE(files->create(what));
  write_file(files->container_dir(what.id) + "/tmp/scratch", "x");

  ASSERT_TRUE(files->discard(what.id, what.durability));

  EXPECT_FALSE(exists(data("containers/web-1")));
  EXPECT_FALSE(exists(data("state/web-1")));
  EXPECT_FALSE(files->held_by_live_owner(what.id));
  EXPECT_TRUE(files->discard(what.id, what.durability));
}

TEST_F(Containers, ARecycledContainerLooksNew) {
  const auto files = open();
  auto first = with_image(*files, "first");
  first.config_json = std::string(9000, 'c');
  first.seatbelt = "a long profile";
  ASSERT_TRUE(files->create(first));
  const auto dir_inode = inode_of(data("containers/first-1"));
  // Open, so that no other directory can get this inode.
  const Fd pinned{::open(data("containers/first-1").c_str(), O_PATH | O_CLOEXEC)};
  const auto config_inode = inode_of(data("containers/first-1/config.json"));
  {
    auto run = files->open_for_run(first.id, first.durability);
    ASSERT_TRUE(run);
    ASSERT_EQ(::write(run->stdout_log.get(), "secret", 6), 6);
    ASSERT_EQ(::write(run->pid_file.get(), "4242", 4), 4);
    ASSERT_EQ(::write(run->log_index.get(), "index", 5), 5);
    ASSERT_EQ(::write(run->exit_record.get(), "exit", 4), 4);
  }
  write_file(data("containers/first-1/rootfs/bin/app"), "changed by the guest");
  write_file(data("containers/first-1/tmp/left"), "x");
  ASSERT_TRUE(files->discard(first.id, first.durability));
  files->drain();

  auto second = with_image(*files, "second");
  second.seatbelt = "short";
  ASSERT_TRUE(files->create(second));

  const auto dir = data("containers/second-1");
  ASSERT_EQ(inode_of(dir), dir_inode) << "not recycled: the rest proves nothing";
  EXPECT_EQ(inode_of(dir + "/config.json"), config_inode);
  EXPECT_EQ(read_file(dir + "/config.json"), second.config_json);
  EXPECT_EQ(read_file(dir + "/sandbox.sb"), "short");
  EXPECT_EQ(read_file(dir + "/stdout.log"), "");
  EXPECT_EQ(read_file(data("state/second-1/log.idx")), "");
  EXPECT_EQ(read_file(data("state/second-1/exit")), "");
  EXPECT_EQ(read_file(data("state/second-1/record")), second.record);
  EXPECT_EQ(read_file(dir + "/rootfs/bin/app"), "app");
  EXPECT_THAT(names_in(dir + "/tmp"), IsEmpty());
  EXPECT_FALSE(exists(dir + "/pid"));
  ASSERT_TRUE(files->open_for_run(second.id, second.durability));
  EXPECT_EQ(read_file(dir + "/pid"), "");
}

TEST_F(Containers, ACoveredMountPointIsUsedAgainWhileItIsUntouched) {
  const auto files = open();
  auto what = with_image(*files, "web");
  what.mount_points.covered = {"dev", "proc", "tmp"};
  if (::geteuid() == 0) what.owner = 1880000000;
  ASSERT_TRUE(files->create(what));
  const auto rootfs = files->container_dir(what.id) + "/rootfs";
  EXPECT_THAT(names_in(rootfs), ElementsAre("bin", "dev", "etc", "proc", "tmp"));
  // Inodes that are free again are given out again, so none may become free here.
  const Fd held_dev{::open((rootfs + "/dev").c_str(), O_RDONLY)};
  const Fd held_proc{::open((rootfs + "/proc").c_str(), O_RDONLY)};
  const auto untouched = inode_of(rootfs + "/tmp");
  const auto written = inode_of(rootfs + "/dev");
  const auto replaced = inode_of(rootfs + "/proc");
  write_file(rootfs + "/dev/left", "by the guest");
  std::filesystem::remove(rootfs + "/proc");
  std::filesystem::create_directory(rootfs + "/proc");

  ASSERT_TRUE(files->discard(what.id, what.durability));
  files->drain();
  ASSERT_TRUE(files->create(what));

  std::vector<ino_t> points;
  for (const auto* name : {"dev", "proc", "tmp"}) {
    points.push_back(inode_of(rootfs + "/" + name));
    EXPECT_THAT(names_in(rootfs + "/" + name), IsEmpty());
    struct stat status {};
    EXPECT_EQ(::lstat((rootfs + "/" + name).c_str(), &status), 0);
    EXPECT_EQ(status.st_uid, ::geteuid()) << "nobody works in it";
  }
  EXPECT_THAT(points, testing::Contains(untouched));
  EXPECT_THAT(points, testing::Not(testing::Contains(written)));
  EXPECT_THAT(points, testing::Not(testing::Contains(replaced)));
}

TEST_F(Containers, SpareMountPointsGoWithTheirRuntime) {
  {
    const auto files = open();
    auto what = with_image(*files, "web");
    what.mount_points.covered = {"proc"};
    ASSERT_TRUE(files->create(what));
    ASSERT_TRUE(files->discard(what.id, what.durability));
    files->drain();
    EXPECT_THAT(names_in(data(".staging")), testing::Contains(files->owner_nonce() + ".points"));
  }
  EXPECT_THAT(residue(), IsEmpty());
}

TEST_F(Containers, WhatSomebodyElseAddedIsNotRecycled) {
  const auto files = open();
  ASSERT_TRUE(files->create(container(*files, "web")));
  write_file(data("containers/web-1/foreign"), "x");
  ASSERT_TRUE(files->discard({"web", 1}, Durability::Process));
  files->drain();

  ASSERT_TRUE(files->create(container(*files, "web")));

  EXPECT_FALSE(exists(data("containers/web-1/foreign")));
}

TEST_F(Containers, ALogThatTheUserLinkedElsewhereIsNotOverwritten) {
  const auto files = open();
  ASSERT_TRUE(files->create(container(*files, "web")));
  write_file(data("containers/web-1/stdout.log"), "keep me");
  ::link(data("containers/web-1/stdout.log").c_str(), (dir_ / "saved").c_str());

  ASSERT_TRUE(files->discard({"web", 1}, Durability::Process));
  files->drain();
  ASSERT_TRUE(files->create(container(*files, "web")));

  EXPECT_EQ(read_file(dir_ / "saved"), "keep me");
}

TEST_F(Containers, TheFilesOfALivingShimAreNotRecycled) {
  const auto files = open();
  ASSERT_TRUE(files->create(container(*files, "web")));
  const auto run = files->open_for_run({"web", 1}, Durability::Process);
  ASSERT_EQ(::flock(run->shim_record.get(), LOCK_EX), 0);
  const auto exit_file = inode_of(data("state/web-1/exit"));
  ASSERT_TRUE(files->discard({"web", 1}, Durability::Process));

  ASSERT_TRUE(files->create(container(*files, "next")));
  ASSERT_EQ(::write(run->exit_record.get(), "late", 4), 4);

  EXPECT_NE(inode_of(data("state/next-1/exit")), exit_file);
  EXPECT_EQ(read_file(data("state/next-1/exit")), "");
}

TEST_F(Containers, DiscardIsDoneWhenTheDirectoryVanished) {
  const auto files = open();
  const auto what = with_image(*files, "web");
  ASSERT_TRUE(files->create(what));
  std::filesystem::remove_all(files->container_dir(what.id));

  EXPECT_FALSE(files->open_for_run(what.id, what.durability));
  EXPECT_TRUE(files->discard(what.id, what.durability));
  EXPECT_TRUE(files->create(what));
  EXPECT_EQ(read_file(files->container_dir(what.id) + "/config.json"), what.config_json);
}

TEST_F(Containers, ALiveContainerIsNeverReplaced) {
  const auto files = open();
  const auto other = open();
  ASSERT_TRUE(files->create(container(*files, "web")));
  write_file(data("containers/web-1/tmp/precious"), "x");

  for (auto durability : {Durability::Process, Durability::None}) {
    for (const auto& who : {files, other}) {
      auto what = container(*who, "web");
      what.durability = durability;
      const auto created = who->create(what);
      ASSERT_FALSE(created);
      EXPECT_EQ(created.error().kind, ErrorKind::Conflict);
      EXPECT_EQ(created.error().container, "web-1");
    }
  }
  EXPECT_TRUE(other->held_by_live_owner({"web", 1}));
  EXPECT_TRUE(exists(data("containers/web-1/tmp/precious")));
}

TEST_F(Containers, ALiveContainerWithoutStateIsNeverReplaced) {
  const auto files = open();
  const auto other = open();
  auto what = container(*files, "web");
  what.durability = Durability::None;
  ASSERT_TRUE(files->create(what));

  const auto created = other->create(container(*other, "web"));

  ASSERT_FALSE(created);
  EXPECT_EQ(created.error().kind, ErrorKind::Conflict);
  EXPECT_FALSE(exists(data("state/web-1")));
}

TEST_F(Containers, ADetachedContainerOutlivesItsOwnerAndIsNotReplaced) {
  auto first = open();
  ASSERT_TRUE(first->create(container(*first, "web")));
  const auto run = first->open_for_run({"web", 1}, Durability::Process);
  ASSERT_EQ(::flock(run->shim_record.get(), LOCK_EX), 0);
  first.reset();

  const auto second = open();
  const auto created = second->create(container(*second, "web"));

  ASSERT_FALSE(created);
  EXPECT_EQ(created.error().kind, ErrorKind::Conflict);
}

TEST_F(Containers, ADeadLeftoverGivesWay) {
  auto first = open();
  ASSERT_TRUE(first->create(container(*first, "web")));
  first.reset();
  ASSERT_TRUE(exists(data("containers/web-1")));

  const auto second = open();
  EXPECT_FALSE(second->held_by_live_owner({"web", 1}));
  const auto what = container(*second, "web");
  ASSERT_TRUE(second->create(what));

  EXPECT_EQ(read_file(data("state/web-1/record")), what.record);
}

TEST_F(Containers, ADirectoryWithoutARecordGivesWay) {
  const auto files = open();
  write_file(data("containers/web-1/stale/file"), "x");
  ::symlink("/etc", data("containers/job-1").c_str());

  ASSERT_TRUE(files->create(container(*files, "web")));
  ASSERT_TRUE(files->create(container(*files, "job")));

  EXPECT_FALSE(exists(data("containers/web-1/stale")));
  EXPECT_TRUE(exists("/etc/passwd"));
  files->drain();
  EXPECT_THAT(names_in(data(".trash")), IsEmpty());
}

TEST_F(Containers, AFailedCreateLeavesNothing) {
  {
    const auto files = open();
    auto what = with_image(*files, "web");
    what.image->rootfs = data("images/gone/rootfs");

    const auto created = files->create(what);

    ASSERT_FALSE(created);
    EXPECT_EQ(created.error().kind, ErrorKind::CreateFailed);
    EXPECT_THAT(created.error().what, HasSubstr("rootfs not found"));
    EXPECT_FALSE(exists(data("containers/web-1")) || exists(data("state/web-1")));
  }
  EXPECT_THAT(residue(), IsEmpty());
}

TEST_F(Containers, AnIdThatLeadsElsewhereIsRefused) {
  const auto files = open();
  for (const std::string service : {"../x", "", ".hidden", "a/b"}) {
    auto what = container(*files, "web");
    what.id.service = service;
    EXPECT_EQ(files->create(what).error().kind, ErrorKind::InvalidSpec) << service;
    EXPECT_EQ(files->discard(what.id, what.durability).error().kind, ErrorKind::InvalidSpec);
  }
}

// Of two that find one leftover the second must look again when its turn has come.
TEST_F(Containers, ALeftoverThatBecameALiveContainerMeanwhileIsLeftAlone) {
  const auto files = open();
  const auto other = open();
  for (const auto* place : {"state", "containers"}) {
    const auto path = data(std::string(place) + "/web-1");
    write_file(path + "/stale", "x");
    const Fd leftover{::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    ASSERT_EQ(::flock(leftover.get(), LOCK_EX), 0);

    auto what = container(*files, "web");
    if (place[0] == 'c') what.durability = Durability::None;
    Status created;
    std::thread creating([&] { created = files->create(what); });
    // Whoever waits for a flock shows in /proc/locks behind an arrow.
    const auto patience = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (read_file("/proc/locks").find("->") == std::string::npos &&
           std::chrono::steady_clock::now() < patience) {
      std::this_thread::yield();
    }
    std::filesystem::rename(path, dir_ / ("moved-" + std::string(place)));
    write_file(data("state/web-1/record"), "owner " + other->owner_nonce() + "\n");
    std::filesystem::create_directories(path);
    ASSERT_EQ(::flock(leftover.get(), LOCK_UN), 0);
    creating.join();

    ASSERT_FALSE(created);
    EXPECT_EQ(created.error().kind, ErrorKind::Conflict);
    EXPECT_EQ(read_file(data("state/web-1/record")), "owner " + other->owner_nonce() + "\n");
    std::filesystem::remove_all(data("state/web-1"));
    std::filesystem::remove_all(data("containers/web-1"));
  }
}

TEST_F(Containers, ManyWhoAskAboutADeadOwnerAgreeThatItIsDead) {
  const std::string dead(32, 'd');
  const auto files = open();
  write_file(data("state/owners/" + dead), "");
  write_file(data("state/web-1/record"), "owner " + dead + "\n");
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 5000; ++i) {
        if (files->held_by_live_owner({"web", 1})) ++wrong;
      }
    });
  }
  for (auto& thread : threads) thread.join();

  EXPECT_EQ(wrong, 0);
}

TEST_F(Containers, AnEmptyDataDirectoryGetsOurModeAndAFullOneKeepsItsOwn) {
  ::mkdir((dir_ / "empty").c_str(), 0700);
  ::mkdir((dir_ / "full").c_str(), 0700);
  write_file(dir_ / "full/file", "x");

  open(dir_ / "empty");
  open(dir_ / "full");

  EXPECT_EQ(mode_of(dir_ / "empty"), ::geteuid() == 0 ? 0711U : 0700U);
  EXPECT_EQ(mode_of(dir_ / "full"), 0700U);
}

TEST_F(Containers, WhatIsAnothersByNowIsNeitherRunNorDiscarded) {
  auto first = open();
  auto second = open();
  ASSERT_TRUE(first->create(container(*first, "web")));
  ASSERT_TRUE(second->discard_found({"web", 1}, Durability::Process, {}));
  ASSERT_TRUE(second->create(container(*second, "web")));

  const auto opened = first->open_for_run({"web", 1}, Durability::Process);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().kind, ErrorKind::NotFound);
  const auto gone = first->discard({"web", 1}, Durability::Process);
  ASSERT_FALSE(gone);
  EXPECT_EQ(gone.error().kind, ErrorKind::NotFound);

  EXPECT_TRUE(second->open_for_run({"web", 1}, Durability::Process));
  EXPECT_TRUE(second->discard({"web", 1}, Durability::Process));
}

TEST_F(Containers, WhatWasFoundAndIsAnothersByNowIsNeitherMarkedNorDiscarded) {
  const WallTime old{std::chrono::seconds(1)};
  const WallTime young{std::chrono::seconds(2)};
  const auto files = open();
  const auto finder = open();
  const auto make = [&](WallTime when) {
    auto what = container(*files, "web");
    specs::ContainerRecord record;
    record.owner = files->owner_nonce();
    record.id = what.id;
    record.created_at = when;
    what.record = specs::to_text(record);
    ASSERT_TRUE(files->create(what));
  };
  const auto record = [&] { return *finder->read_record({"web", 1}); };
  make(old);
  ASSERT_TRUE(files->discard({"web", 1}, Durability::Process));
  make(young);

  const auto before = record();
  EXPECT_TRUE(finder->mark_leaving({"web", 1}, Durability::Process, old));
  EXPECT_EQ(record(), before);
  const auto gone = finder->discard_found({"web", 1}, Durability::Process, old);
  ASSERT_FALSE(gone);
  EXPECT_EQ(gone.error().kind, ErrorKind::NotFound);
  EXPECT_EQ(record(), before);
  EXPECT_TRUE(exists(data("containers/web-1")));

  EXPECT_TRUE(finder->mark_leaving({"web", 1}, Durability::Process, young));
  EXPECT_TRUE(finder->is_overtaken({"web", 1}));
  EXPECT_TRUE(finder->discard_found({"web", 1}, Durability::Process, young));
  EXPECT_FALSE(exists(data("containers/web-1")));
  EXPECT_TRUE(finder->discard_found({"web", 1}, Durability::Process, young)) << "absent is done";
}

TEST_F(Containers, OfManyWhoWantOneNameOneGetsIt) {
  for (int round = 0; round < 20; ++round) {
    std::vector<std::shared_ptr<ContainerFiles>> runtimes{open(), open(), open(), open()};
    // A dead leftover to fight over as well.
    write_file(data("containers/web-1/stale"), "x");
    write_file(data("state/web-1/record"), "owner 00000000000000000000000000000000\n");
    std::atomic<int> winners = 0;
    std::atomic<bool> bare_won = false;
    std::atomic<int> conflicts = 0;
    {
      std::vector<std::thread> threads;
      for (std::size_t i = 0; i < runtimes.size(); ++i) {
        threads.emplace_back([&, i] {
          auto what = container(*runtimes[i], "web");
          if (i == 0) what.durability = Durability::None;
          const auto created = runtimes[i]->create(what);
          if (created) ++winners;
          if (created && i == 0) bare_won = true;
          if (!created && created.error().kind == ErrorKind::Conflict) ++conflicts;
        });
      }
      for (auto& thread : threads) thread.join();
    }
    // A bare one and one with state may refuse each other; two never both get the name.
    EXPECT_LE(winners, 1);
    EXPECT_FALSE(bare_won && exists(data("state/web-1"))) << "left by one that was refused";
    EXPECT_EQ(winners + conflicts, 4);
    for (const auto durability : {Durability::Process, Durability::None}) {
      for (auto& runtime : runtimes)
        ASSERT_TRUE(runtime->discard_found({"web", 1}, durability, {}));
    }
  }
  EXPECT_THAT(residue(), IsEmpty());
}

TEST_F(Containers, WhatADeadOwnerStagedIsCleanedByTheNext) {
  const std::string dead(32, 'd');
  write_file(data("state/owners/" + dead), "");
  write_file(data(".staging/" + dead + ".1/rootfs/file"), "x");
  write_file(data(".trash/" + dead + ".2/file"), "x");
  const auto living = open();
  const auto kept = data(".staging/" + living->owner_nonce() + ".9");
  write_file(kept + "/file", "x");

  const auto files = open();
  files->drain();
  living->drain();

  EXPECT_TRUE(exists(kept + "/file"));
  EXPECT_THAT(names_in(data(".staging")), ElementsAre(living->owner_nonce() + ".9"));
  EXPECT_THAT(names_in(data(".trash")), IsEmpty());
  EXPECT_FALSE(exists(data("state/owners/" + dead)));
  std::filesystem::remove_all(kept);
}

TEST_F(Containers, AnOwnerThatIsKilledIsDead) {
  std::array<int, 2> ready{};
  ASSERT_EQ(::pipe(ready.data()), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const auto files = open();
    const bool created = files && files->create(container(*files, "web"));
    (void)!::write(ready[1], created ? "y" : "n", 1);
    ::pause();
  }
  char answer = 0;
  ASSERT_EQ(::read(ready[0], &answer, 1), 1);
  ASSERT_EQ(answer, 'y');
  const auto files = open();
  EXPECT_TRUE(files->held_by_live_owner({"web", 1}));

  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  ::close(ready[0]);
  ::close(ready[1]);

  EXPECT_FALSE(files->held_by_live_owner({"web", 1}));
  EXPECT_TRUE(files->create(container(*files, "web")));
}

TEST_F(Containers, LargeTreesAreDeletedInTheBackground) {
  const auto files = open();
  ASSERT_TRUE(files->create(container(*files, "web")));
  for (int i = 0; i < 2000; ++i) {
    write_file(data("containers/web-1/tmp/" + std::to_string(i)), "");
  }

  ASSERT_TRUE(files->discard({"web", 1}, Durability::Process));
  EXPECT_FALSE(exists(data("containers/web-1")));
  files->drain();

  EXPECT_THAT(names_in(data(".trash")), IsEmpty());
}

TEST_F(Containers, RootGivesTheTreeToTheContainersOwnUser) {
  if (::geteuid() != 0) GTEST_SKIP() << "chown needs root";
  const auto files = open();
  auto what = with_image(*files, "web");
  what.owner = 4242;

  ASSERT_TRUE(files->create(what));

  struct stat status {};
  for (const auto* name : {"/rootfs", "/rootfs/bin/app", "/tmp"}) {
    ASSERT_EQ(::stat((files->container_dir(what.id) + name).c_str(), &status), 0);
    EXPECT_EQ(status.st_uid, 4242U) << name;
  }
  ASSERT_EQ(::stat((files->container_dir(what.id) + "/config.json").c_str(), &status), 0);
  EXPECT_EQ(status.st_uid, 0U);
  EXPECT_EQ(mode_of(files->container_dir(what.id)), 0711U);
}

TEST_F(Containers, AFullDiskIsCreateFailedAndLeavesNothing) {
  if (::geteuid() != 0) GTEST_SKIP() << "mounting needs root";
  const std::string disk = dir_ / "disk";
  ::mkdir(disk.c_str(), 0700);
  if (::mount("tmpfs", disk.c_str(), "tmpfs", 0, "size=8m") != 0) GTEST_SKIP() << "no tmpfs mount";
  {
    const auto files = open(disk + "/data");
    write_file(dir_ / "source/big", std::string(3 << 20, 'x'));
    auto what = container(*files, "web");
    const auto image = files->images().add("big", dir_ / "source");
    ASSERT_TRUE(image) << to_string(image.error());
    what.image = *image;

    std::filesystem::copy(dir_ / "source", dir_ / "more", std::filesystem::copy_options::recursive);
    write_file(dir_ / "more/too", std::string(3 << 20, 'y'));
    const auto too_big = files->images().add("too-big", dir_ / "more");
    ASSERT_FALSE(too_big);
    EXPECT_EQ(too_big.error().os_errno, ENOSPC);
    EXPECT_THAT(names_in(disk + "/data/.staging"), IsEmpty());

    ASSERT_TRUE(files->create(what));
    what.id.service = "second";
    const auto created = files->create(what);

    ASSERT_FALSE(created);
    EXPECT_EQ(created.error().kind, ErrorKind::CreateFailed);
    EXPECT_EQ(created.error().os_errno, ENOSPC);
    EXPECT_THAT(created.error().what, HasSubstr("No space left"));
    EXPECT_THAT(names_in(disk + "/data/containers"), ElementsAre("web-1"));
    EXPECT_THAT(names_in(disk + "/data/state"), ElementsAre("owners", "web-1"));
    EXPECT_TRUE(files->discard({"web", 1}, Durability::Process));
    EXPECT_TRUE(files->create(what)) << "the space is not free again";
    EXPECT_TRUE(files->discard(what.id, Durability::Process));
  }
  EXPECT_THAT(names_in(disk + "/data/.staging"), IsEmpty());
  EXPECT_THAT(names_in(disk + "/data/.trash"), IsEmpty());
  EXPECT_EQ(::umount(disk.c_str()), 0) << "something is still open below it";
}

// The image comes and goes all the time; a clone is whole or it is refused.
TEST_F(Containers, AnImageReplacedUnderCreatesGivesWholeTreesOnly) {
  const auto files = open();
  constexpr int kFiles = 60;
  for (int i = 0; i < kFiles; ++i) {
    write_file(dir_ / ("source/f" + std::to_string(i)), "x");
  }
  std::atomic<bool> stop = false;
  std::thread replacer([&] {
    for (int round = 0; !stop; ++round) {
      EXPECT_TRUE(files->images().add("app", dir_ / "source"));
      // Gone at another moment of the clone each time.
      const auto until =
          std::chrono::steady_clock::now() + std::chrono::microseconds(round % 20 * 200);
      while (std::chrono::steady_clock::now() < until) std::this_thread::yield();
      EXPECT_TRUE(files->images().remove("app", true, {}));
    }
  });
  int whole = 0;
  const auto patience = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (whole < 50 && std::chrono::steady_clock::now() < patience) {
    const auto image = files->images().find("app");
    if (!image) continue;
    auto what = container(*files, "web");
    what.image = *image;
    const auto created = files->create(what);
    if (!created) {
      EXPECT_THAT(created.error().what, HasSubstr("rootfs not found"));
      continue;
    }
    ++whole;
    // The copies, and proc, dev, tmp, etc.
    EXPECT_EQ(names_in(data("containers/web-1/rootfs")).size(), kFiles + 4U);
    ASSERT_TRUE(files->discard(what.id, what.durability));
  }
  stop = true;
  replacer.join();
  EXPECT_EQ(whole, 50);
}

TEST_F(Containers, NoDescriptorGoesToAProgramThatIsExecuted) {
  const auto before = names_in("/proc/self/fd");
  const auto files = open();
  const auto what = with_image(*files, "web");
  ASSERT_TRUE(files->create(what));
  const auto run = files->open_for_run(what.id, what.durability);
  ASSERT_TRUE(run);

  int ours = 0;
  for (const auto& name : names_in("/proc/self/fd")) {
    if (std::find(before.begin(), before.end(), name) != before.end()) continue;
    const int flags = ::fcntl(std::stoi(name), F_GETFD);
    if (flags < 0) continue;  // the listing's own
    ++ours;
    EXPECT_NE(flags & FD_CLOEXEC, 0) << std::filesystem::read_symlink("/proc/self/fd/" + name);
  }
  EXPECT_GE(ours, 14);
}

TEST_F(Containers, OpeningIsQuick) {
  open();
  auto best = std::chrono::steady_clock::duration::max();
  for (int i = 0; i < 20; ++i) {
    const auto begun = std::chrono::steady_clock::now();
    const auto files = open();
    best = std::min(best, std::chrono::steady_clock::now() - begun);
  }
  EXPECT_LT(best, std::chrono::milliseconds(1));
}

TEST_F(Containers, LifecyclesLeakNeitherFilesNorDescriptors) {
  const auto before = test::open_descriptors();
  {
    const auto files = open();
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&, t] {
        for (int i = 0; i < 50; ++i) {
          auto what = container(*files, "t" + std::to_string(t));
          what.durability = i % 3 == 0 ? Durability::None : Durability::Process;
          ASSERT_TRUE(files->create(what));
          ASSERT_TRUE(files->open_for_run(what.id, what.durability));
          ASSERT_TRUE(files->discard(what.id, what.durability));
        }
      });
    }
    for (auto& thread : threads) thread.join();
  }
  EXPECT_THAT(residue(), IsEmpty());
  EXPECT_EQ(test::open_descriptors(), before);
}

}  // namespace
}  // namespace ringfort::platform
