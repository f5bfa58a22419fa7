// Results in assertions: ASSERT_TRUE(ok(result)), EXPECT_TRUE(fails(result, ErrorKind::NotFound)).
#pragma once

#include "ringfort/specs/error.hpp"
#include "ringfort/specs/result.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace ringfort::test {

template <class T>
testing::AssertionResult ok(const Result<T>& result) {
  if (result) return testing::AssertionSuccess();
  return testing::AssertionFailure()
         << to_string(result.error().kind) << ": " << to_string(result.error());
}

/// Failed with this kind, with `word` in what is said, and with a remedy.
template <class T>
testing::AssertionResult fails(const Result<T>& result, ErrorKind kind,
                               std::string_view word = {}) {
  if (result) return testing::AssertionFailure() << "it succeeded";
  const Error& error = result.error();
  const bool right = error.kind == kind && error.what.find(word) != std::string::npos;
  if (right && !error.hint.empty()) return testing::AssertionSuccess();
  return testing::AssertionFailure()
         << to_string(error.kind) << ": " << to_string(error) << "\n  wanted " << to_string(kind)
         << (word.empty() ? "" : " that says \"") << word << (word.empty() ? "" : "\"")
         << (error.hint.empty() ? ", with a hint" : "");
}

}  // namespace ringfort::test
