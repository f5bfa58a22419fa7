#include "ringfort/api/user_name.hpp"

#include <gtest/gtest.h>

namespace ringfort {
namespace {

TEST(UserName, IsTurnedIntoNumbers) {
  EXPECT_EQ(user_in_numbers("1000"), "1000:1000");
  EXPECT_EQ(user_in_numbers("1000:100"), "1000:100");
  EXPECT_EQ(user_in_numbers("root"), "0:0");
  EXPECT_EQ(user_in_numbers("root:7"), "0:7");
}

TEST(UserName, MustBeKnown) {
  for (const char* name : {"", ":", "no-such-user", "root:no-such-group"}) {
    auto numbers = user_in_numbers(name);
    ASSERT_FALSE(numbers) << name;
    EXPECT_EQ(numbers.error().kind, ErrorKind::InvalidSpec);
  }
}

}  // namespace
}  // namespace ringfort
