#include "ringfort/cli/ps_filter.hpp"

#include "ringfort/cli/output/usage.hpp"
#include "ringfort/support/results.hpp"

#include <gmock/gmock.h>

namespace ringfort::cli {
namespace {

using testing::HasSubstr;

ContainerEntry entry(const std::string& name, State state, std::optional<int> code = {}) {
  ContainerEntry one;
  one.id = {name, 1};
  one.state.state = state;
  if (code) {
    one.state.exit.emplace();
    one.state.exit->code = *code;
  }
  return one;
}

PsFilter filter(const std::vector<std::string>& texts) {
  PsFilter all;
  for (const auto& text : texts) EXPECT_TRUE(test::ok(all.add(text)));
  return all;
}

TEST(PsFilter, OneKeyIsAnyAndSeveralAreAll) {
  const auto web = entry("web", State::Running);
  const auto job = entry("job", State::Exited, 3);
  EXPECT_TRUE(filter({}).lets_through(web));
  EXPECT_TRUE(filter({"status=running", "status=exited"}).lets_through(job));
  EXPECT_FALSE(filter({"status=exited", "name=w"}).lets_through(job));
  EXPECT_FALSE(filter({"status=exited", "name=w"}).lets_through(web));
  EXPECT_TRUE(filter({"exited=3", "name=jo"}).lets_through(job));
  EXPECT_FALSE(filter({"exited=0"}).lets_through(web)) << "it has not ended";
  EXPECT_FALSE(filter({"level=namespaces"}).lets_through(web));
}

TEST(PsFilter, ADamagedOneHasNoLevelAndAStatusOfItsOwn) {
  auto broken = entry("web", State::Failed);
  broken.damaged = true;
  EXPECT_TRUE(filter({"status=damaged"}).lets_through(broken));
  EXPECT_FALSE(filter({"status=failed"}).lets_through(broken));
  EXPECT_FALSE(filter({"level=landlock"}).lets_through(broken));
}

TEST(PsFilter, WhatIsUnknownIsToldWithWhatIsKnown) {
  const std::pair<const char*, const char*> rows[] = {
      {"colour=red", "status, name, level and exited"},
      {"exited", "status, name, level and exited"},
      {"status=dead", "running"},
      {"level=vm", "landlock, namespaces"},
      {"exited=256", "0 to 255"},
      {"exited=1x", "0 to 255"},
      {"name=", "behind the ="},
  };
  for (const auto& [text, hint] : rows) {
    PsFilter all;
    const auto added = all.add(text);
    ASSERT_FALSE(added) << text;
    EXPECT_THAT(added.error().hint, HasSubstr(hint));
  }
}

TEST(Usage, CpuIsTheShareOfTheTimeBetweenTwoSamples) {
  Stats before;
  Stats after;
  before.taken_at = WallTime{std::chrono::seconds{10}};
  after.taken_at = WallTime{std::chrono::seconds{12}};
  before.cpu_usage_usec = 500'000;
  after.cpu_usage_usec = 3'500'000;
  EXPECT_DOUBLE_EQ(cpu_percent(before, after), 150);
  EXPECT_DOUBLE_EQ(cpu_percent(after, before), 0) << "a clock that went back";
  after.cpu_usage_usec = 1;
  EXPECT_DOUBLE_EQ(cpu_percent(before, after), 0) << "started anew";
}

}  // namespace
}  // namespace ringfort::cli
