// Expected texts under tests/golden. RINGFORT_UPDATE_GOLDEN=1 writes them anew; review the diff.
#pragma once

#include <gtest/gtest.h>

#include <string_view>

namespace ringfort::support {

/// EXPECT_TRUE(matches_golden(text, "seatbelt_minimal.sb")); names the first line that differs.
testing::AssertionResult matches_golden(std::string_view actual, std::string_view file);

}  // namespace ringfort::support
