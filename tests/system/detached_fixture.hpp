// For tests of containers that outlive the command that made them: each verb is a process of its
// own. Rows are levels and users.
#pragma once

#include "ringfort/support/command.hpp"
#include "ringfort/support/eventually.hpp"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include <string>
#include <tuple>
#include <vector>

namespace ringfort::test {

using nlohmann::json;

using Row = std::tuple<std::string, User>;

class DetachedFixture : public testing::TestWithParam<Row> {
 protected:
  void SetUp() override {
    const auto why = command_.refusal(level_);
    is_refused_ = why.has_value();
    if (why) GTEST_SKIP() << *why;
  }
  void TearDown() override {
    if (is_refused_) return;
    for (const auto& one : ps()) (void)run({"rm", "-f", one["id"]});
    EXPECT_THAT(command_.leftovers(), testing::IsEmpty());
  }

  Outcome run(const std::vector<std::string>& words) const { return command_.run(words); }
  /// Detached, under this name.
  void start(const std::string& name, const std::string& script,
             const std::vector<std::string>& options = {}) const {
    std::vector<std::string> words{"run", "-d", "--isolation", level_, "--name", name};
    words.insert(words.end(), options.begin(), options.end());
    words.insert(words.end(), {"--", "sh", "-c", script});
    const auto made = run(words);
    ASSERT_EQ(made.code, 0) << made.err;
    EXPECT_EQ(made.out, name + "-1\n");
  }
  json ps() const {
    const auto listed = run({"ps", "-a", "--json"});
    EXPECT_EQ(listed.code, 0) << listed.err;
    return listed.code == 0 ? json::parse(listed.out) : json::array();
  }
  json inspect(const std::string& name) const {
    const auto shown = run({"inspect", name});
    EXPECT_EQ(shown.code, 0) << shown.err;
    return shown.code == 0 ? json::parse(shown.out).at(0) : json();
  }
  bool has_said(const std::string& name, const std::string& text) const {
    return eventually(std::chrono::seconds(10), [&] {
      return run({"logs", name}).out.find(text) != std::string::npos;
    });
  }

  bool is_refused_ = false;
  std::string level_ = std::get<0>(GetParam());
  Command command_{std::get<1>(GetParam())};
};

/// For what another level may change.
#define RINGFORT_AT_LEVEL_NETWORK(suite)                                                          \
  INSTANTIATE_TEST_SUITE_P(Network, suite,                                                        \
                           testing::Combine(testing::Values("network"),                           \
                                            testing::Values(test::User::Own, test::User::Plain)), \
                           [](const testing::TestParamInfo<test::Row>& row) {                     \
                             return std::get<1>(row.param) == test::User::Own ? "Own" : "Plain";  \
                           })

#define RINGFORT_EACH_LEVEL_AND_USER(suite)                                                        \
  INSTANTIATE_TEST_SUITE_P(, suite,                                                                \
                           testing::Combine(testing::Values("landlock", "namespaces"),             \
                                            testing::Values(test::User::Own, test::User::Plain)),  \
                           [](const testing::TestParamInfo<test::Row>& row) {                      \
                             return std::get<0>(row.param) +                                       \
                                    (std::get<1>(row.param) == test::User::Own ? "Own" : "Plain"); \
                           })

}  // namespace ringfort::test
