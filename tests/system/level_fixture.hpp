// For tests of the command at each isolation level, as the test's own user.
#pragma once

#include "ringfort/support/command.hpp"

#include <gmock/gmock.h>

#include <string>

namespace ringfort::test {

class LevelFixture : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    if (const auto why = command_.refusal(GetParam())) GTEST_SKIP() << *why;
  }
  void TearDown() override {
    if (IsSkipped()) return;
    EXPECT_THAT(command_.leftovers(), testing::IsEmpty());
  }

  Command command_;
};

}  // namespace ringfort::test
