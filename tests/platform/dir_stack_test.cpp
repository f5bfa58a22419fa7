#include "ringfort/platform/linux/dir_stack.hpp"

#include "ringfort/support/temp_dir.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include <fcntl.h>

namespace ringfort::platform {
namespace {

using test::TempDir;

constexpr int kLevels = 40;

class Stack : public testing::Test {
 protected:
  // Walks down to the bottom of a chain of directories "d".
  void SetUp() override {
    std::string path = dir_.path();
    for (int i = 0; i < kLevels; ++i) path += "/d";
    std::filesystem::create_directories(path);
    root_ = Fd{::open(dir_.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  }

  void descend(DirStack& stack) {
    for (int i = 0; i < kLevels; ++i) {
      auto below = open_directory_below(stack.top(), "d", O_RDONLY);
      ASSERT_TRUE(below) << to_string(below.error());
      ASSERT_TRUE(stack.enter(std::move(*below), "d"));
    }
  }

  TempDir dir_;
  Fd root_;
};

TEST_F(Stack, KeepsFewDescriptorsAndFindsItsWayUp) {
  const auto before = test::open_descriptors();
  DirStack stack(root_.get());
  descend(stack);
  EXPECT_LE(test::open_descriptors(), before + 12);

  for (int i = 0; i < kLevels; ++i) ASSERT_TRUE(stack.leave()) << i;

  EXPECT_EQ(stack.top(), root_.get());
  EXPECT_EQ(stack.depth(), 0U);
  EXPECT_EQ(test::open_descriptors(), before);
}

TEST_F(Stack, NoticesThatItsWayUpWasMoved) {
  DirStack stack(root_.get());
  descend(stack);
  // The lower half now hangs below another directory: going up by ".." would lead there.
  const auto half = std::string("d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d");
  std::filesystem::create_directory(dir_ / "elsewhere");
  std::filesystem::rename(dir_ / (half + "/d"), dir_ / "elsewhere/d");

  Status up;
  for (int i = 0; i < kLevels && up; ++i) up = stack.leave();

  ASSERT_FALSE(up);
  EXPECT_THAT(up.error().what, testing::HasSubstr("was moved"));
}

TEST_F(Stack, OpensNoLinkAndNothingAbove) {
  std::filesystem::create_directory_symlink("/etc", dir_ / "link");
  for (const auto* name : {"link", "..", "/etc", "d/../.."}) {
    EXPECT_FALSE(open_directory_below(root_.get(), name, O_RDONLY)) << name;
  }
}

TEST_F(Stack, PrintsPathsWithoutControlBytes) {
  std::filesystem::create_directory(dir_ / "x\x1b[31m");
  DirStack stack(root_.get());
  auto below = open_directory_below(stack.top(), "x\x1b[31m", O_RDONLY);
  ASSERT_TRUE(below);
  ASSERT_TRUE(stack.enter(std::move(*below), "x\x1b[31m"));

  EXPECT_EQ(stack.path_of("y").find('\x1b'), std::string::npos);
}

}  // namespace
}  // namespace ringfort::platform
