#include "ringfort/platform/port_table.hpp"

#include "ringfort/support/temp_dir.hpp"

#include <gmock/gmock.h>

#include <fcntl.h>

namespace ringfort::platform {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

struct PortTableTest : testing::Test {
  test::TempDir dir;
  Fd root{::open(dir.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  PortTable table{root.get()};
};

TEST_F(PortTableTest, RemembersForEveryRuntimeOfTheDirectory) {
  PortTable other(root.get());
  EXPECT_FALSE(table.has(20000));
  EXPECT_TRUE(table.set(20000, false)) << "nothing was taken, nothing is written";
  EXPECT_FALSE(test::exists(dir / ".ports"));

  EXPECT_TRUE(table.set(20000, true));
  EXPECT_TRUE(table.set(65535, true));

  EXPECT_TRUE(other.has(20000));
  EXPECT_FALSE(other.has(20001));
  EXPECT_THAT(other.strays({20000}), ElementsAre(65535));
  EXPECT_TRUE(other.set(20000, false));
  EXPECT_FALSE(table.has(20000));
}

TEST_F(PortTableTest, FollowsNoLink) {
  test::write_file(dir / "elsewhere", "mine");
  ASSERT_EQ(::symlink((dir / "elsewhere").c_str(), (dir / ".ports").c_str()), 0);
  EXPECT_FALSE(table.set(1, true));
  EXPECT_FALSE(table.has(1));
  EXPECT_THAT(table.strays({}), IsEmpty());
  EXPECT_EQ(test::read_file(dir / "elsewhere"), "mine");
}

}  // namespace
}  // namespace ringfort::platform
