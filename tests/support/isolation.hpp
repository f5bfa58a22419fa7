// The level that this run of the tests is about: RINGFORT_TEST_ISOLATION.
#pragma once

#include "ringfort/specs/run_options.hpp"

#include <gtest/gtest.h>

#include <cstdlib>

namespace ringfort::test {

/// `landlock`, `namespaces` or, when the variable is not set, what the runtime itself would choose.
inline Isolation isolation_under_test() {
  const char* text = std::getenv("RINGFORT_TEST_ISOLATION");
  if (text == nullptr || *text == '\0') return Isolation::Auto;
  const auto parsed = parse_isolation(text);
  EXPECT_TRUE(parsed) << "RINGFORT_TEST_ISOLATION=" << text << " names no level";
  return parsed.value_or(Isolation::Auto);
}

}  // namespace ringfort::test
