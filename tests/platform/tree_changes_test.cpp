#include "ringfort/platform/tree_changes.hpp"

#include "ringfort/platform/rootfs.hpp"
#include "ringfort/support/temp_dir.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

namespace ringfort::platform {

void PrintTo(const TreeChange& change, std::ostream* out) {
  *out << "ACD"[static_cast<int>(change.kind)] << ' ' << change.path;
}

namespace {

namespace fs = std::filesystem;
using enum ChangeKind;
using test::TempDir;
using test::write_file;
using testing::ElementsAre;
using testing::IsEmpty;

class Changes : public testing::Test {
 protected:
  Changes() {
    for (const char* path : {"same", "other", "d/gone", "d/kept", "e/f/deep"})
      write_file(image_ + "/" + path, "of the image");
    fs::create_symlink("same", image_ + "/link");
    fs::create_directory(now_);
  }

  static Fd open_dir(const std::string& path) {
    return Fd{::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  }
  void clone() const { ASSERT_TRUE(clone_tree(open_dir(image_).get(), open_dir(now_).get(), {})); }
  TreeChanges compare(bool is_upper, std::vector<std::string> mount_points = {}) const {
    const auto image = open_dir(image_);
    const auto now = open_dir(now_);
    auto found =
        compare_trees(image.get(), {now.get(), is_upper, "user.", std::move(mount_points)});
    EXPECT_TRUE(found) << to_string(found.error());
    return found ? std::move(*found) : TreeChanges{};
  }
  void white_out(const std::string& path) const {
    ASSERT_EQ(::mknod((now_ + path).c_str(), S_IFCHR, 0), 0) << path;
  }

  TempDir dir_;
  const std::string image_ = dir_ / "image";
  const std::string now_ = dir_ / "now";
};

TEST_F(Changes, OfAFreshCloneAreNone) {
  clone();
  EXPECT_THAT(compare(false).all, IsEmpty());
}

TEST_F(Changes, OfACloneAreFoundWhateverTheirTimesSay) {
  clone();
  struct stat before {};
  ASSERT_EQ(::stat((now_ + "/other").c_str(), &before), 0);
  write_file(now_ + "/other", "OF THE IMAGE");
  const timespec times[2] = {{0, UTIME_OMIT}, before.st_mtim};
  ASSERT_EQ(::utimensat(AT_FDCWD, (now_ + "/other").c_str(), times, 0), 0);
  fs::remove(now_ + "/d/gone");
  write_file(now_ + "/new/below", "x");
  fs::remove(now_ + "/link");
  fs::create_symlink("other", now_ + "/link");
  ASSERT_EQ(::chmod((now_ + "/e/f").c_str(), 0700), 0);

  EXPECT_THAT(compare(false).all,
              ElementsAre(TreeChange{Changed, "/d"}, TreeChange{Deleted, "/d/gone"},
                          TreeChange{Changed, "/e"}, TreeChange{Changed, "/e/f"},
                          TreeChange{Changed, "/link"}, TreeChange{Added, "/new"},
                          TreeChange{Added, "/new/below"}, TreeChange{Changed, "/other"}));
}

TEST_F(Changes, AFileInPlaceOfADirectoryIsAChangeAndSoIsTheReverse) {
  clone();
  fs::remove_all(now_ + "/d");
  write_file(now_ + "/d", "x");
  fs::remove(now_ + "/same");
  write_file(now_ + "/same/below", "x");
  EXPECT_THAT(compare(false).all,
              ElementsAre(TreeChange{Changed, "/d"}, TreeChange{Changed, "/same"},
                          TreeChange{Added, "/same/below"}));
}

TEST_F(Changes, WhatOnlyMountsNeedMayBeAbsentFromAClone) {
  clone();
  fs::remove_all(now_ + "/e");
  EXPECT_THAT(compare(false, {"e"}).all, IsEmpty());
  EXPECT_THAT(compare(false).all, ElementsAre(TreeChange{Deleted, "/e"}));
}

TEST_F(Changes, OfAnOverlayComeFromItsUpperDirectoryAlone) {
  EXPECT_THAT(compare(true).all, IsEmpty());
  write_file(now_ + "/other", "changed");
  fs::create_directory(now_ + "/d");
  white_out("/d/gone");
  white_out("/link");
  white_out("/never-there");
  write_file(now_ + "/d/new", "x");
  // Copied up and put back: nothing has changed.
  fs::create_directories(now_ + "/e/f");
  fs::copy_file(image_ + "/e/f/deep", now_ + "/e/f/deep");
  struct stat before {};
  ASSERT_EQ(::stat((image_ + "/e/f/deep").c_str(), &before), 0);
  const timespec times[2] = {{0, UTIME_OMIT}, before.st_mtim};
  ASSERT_EQ(::utimensat(AT_FDCWD, (now_ + "/e/f/deep").c_str(), times, 0), 0);

  EXPECT_THAT(compare(true).all,
              ElementsAre(TreeChange{Changed, "/d"}, TreeChange{Deleted, "/d/gone"},
                          TreeChange{Added, "/d/new"}, TreeChange{Deleted, "/link"},
                          TreeChange{Changed, "/other"}));
}

TEST_F(Changes, AnOpaqueDirectoryHidesTheImagesAndAllBelowIt) {
  fs::create_directories(now_ + "/e/f");
  if (::setxattr((now_ + "/e").c_str(), "user.overlay.opaque", "y", 1, 0) != 0)
    GTEST_SKIP() << "no user.* extended attributes on this file system";
  EXPECT_THAT(compare(true).all, ElementsAre(TreeChange{Changed, "/e"}, TreeChange{Changed, "/e/f"},
                                             TreeChange{Deleted, "/e/f/deep"}));
}

TEST_F(Changes, WhatAContainerMadeIsNeitherFollowedNorOpened) {
  clone();
  ASSERT_EQ(::mkfifo((now_ + "/fifo").c_str(), 0600), 0);
  fs::remove(now_ + "/same");
  ASSERT_EQ(::mkfifo((now_ + "/same").c_str(), 0600), 0);  // an open of it would wait for ever
  fs::create_directory_symlink("/", now_ + "/root");
  fs::create_directory_symlink("..", now_ + "/up");
  write_file(now_ + "/line\nbreak", "x");
  EXPECT_THAT(compare(false).all,
              ElementsAre(TreeChange{Added, "/fifo"}, TreeChange{Added, "/line\nbreak"},
                          TreeChange{Added, "/root"}, TreeChange{Changed, "/same"},
                          TreeChange{Added, "/up"}));
}

/// Its paths are longer than any that a system call takes, and many megabytes together.
TEST_F(Changes, ATreeAsDeepAsOneLikesIsBounded) {
  clone();
  constexpr int kDepth = 800;
  const std::string name(250, 'd');
  Fd at = open_dir(now_);
  for (int i = 0; i < kDepth; ++i) {
    ASSERT_EQ(::mkdirat(at.get(), name.c_str(), 0700), 0);
    at = Fd{::openat(at.get(), name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    ASSERT_TRUE(at);
  }
  const auto found = compare(false);
  EXPECT_TRUE(found.is_cut);
  EXPECT_GT(found.all.size(), 500U);
  EXPECT_TRUE(remove_tree(open_dir(dir_.path()).get(), "now"));
}

}  // namespace
}  // namespace ringfort::platform
