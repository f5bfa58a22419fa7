#include "ringfort/platform/kept_answer.hpp"

#include "ringfort/support/temp_dir.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

namespace ringfort::platform {
namespace {

struct KeptAnswerTest : testing::Test {
  test::TempDir dir;
  std::string path = dir / "answer";
  KeptAnswer kept{path};

  std::string text() const {
    std::ostringstream all;
    all << std::ifstream(path).rdbuf();
    return all.str();
  }
};

TEST_F(KeptAnswerTest, IsAYesUntilForgotten) {
  EXPECT_FALSE(kept.is_yes());
  kept.keep_yes();
  EXPECT_TRUE(kept.is_yes());
  EXPECT_TRUE(KeptAnswer(path).is_yes());
  kept.forget();
  EXPECT_FALSE(kept.is_yes());
}

TEST_F(KeptAnswerTest, AnotherBootsOrATornOneSaysNothing) {
  kept.keep_yes();
  auto other = text();
  const auto whole = other;
  other[0] = other[0] == '0' ? '1' : '0';
  std::ofstream(path) << other;
  EXPECT_FALSE(kept.is_yes());
  std::ofstream(path) << whole.substr(0, whole.size() / 2);
  EXPECT_FALSE(kept.is_yes());
  std::ofstream(path) << whole;
  EXPECT_TRUE(kept.is_yes());
}

TEST_F(KeptAnswerTest, AFileThatOthersCouldHaveWrittenSaysNothing) {
  kept.keep_yes();
  ASSERT_EQ(::chmod(path.c_str(), 0666), 0);
  EXPECT_FALSE(kept.is_yes());
  ASSERT_EQ(::chmod(path.c_str(), 0600), 0);
  ASSERT_TRUE(kept.is_yes());
  const auto link = dir / "link";
  ASSERT_EQ(::symlink(path.c_str(), link.c_str()), 0);
  EXPECT_FALSE(KeptAnswer(link).is_yes());
  if (::geteuid() != 0) return;
  ASSERT_EQ(::chown(path.c_str(), 4242, 4242), 0);
  EXPECT_FALSE(kept.is_yes());
}

TEST_F(KeptAnswerTest, ALinkInItsPlaceIsReplacedAndNotFollowed) {
  const auto target = dir / "elsewhere";
  std::ofstream(target) << "precious";
  ASSERT_EQ(::symlink(target.c_str(), path.c_str()), 0);
  kept.keep_yes();
  EXPECT_TRUE(kept.is_yes());
  EXPECT_EQ(std::ifstream(target).get(), 'p');
  struct stat status {};
  ASSERT_EQ(::lstat(path.c_str(), &status), 0);
  EXPECT_TRUE(S_ISREG(status.st_mode));
}

TEST_F(KeptAnswerTest, AnotherHelperAsksAnew) {
  kept.keep_yes();
  ASSERT_EQ(::setenv("RINGFORT_HELPER", "/elsewhere", 1), 0);
  EXPECT_FALSE(kept.is_yes());
  ::unsetenv("RINGFORT_HELPER");
  EXPECT_TRUE(kept.is_yes());
}

}  // namespace
}  // namespace ringfort::platform
