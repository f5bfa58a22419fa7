#include "ringfort/platform/gaps.hpp"
#include "ringfort/platform/host_probe.hpp"
#include "ringfort/platform/launch_plan.hpp"

#include <gmock/gmock.h>

namespace ringfort::platform {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

Status no_namespaces() {
  return fail(ErrorKind::Unsupported, "isolation namespaces is not possible here: EPERM", "allow");
}

struct Row {
  Isolation asked;
  bool has_namespaces;
  std::uint32_t abi;
  std::optional<Level> exact;  ///< empty = refused
  std::optional<Level> best;
  const char* lowered;  ///< at best effort; empty = not lowered
};

TEST(LevelChoice, IsWhatWasAskedForOrAnErrorAndAtBestEffortSaysHowItIsLess) {
  using enum Isolation;
  constexpr auto kLandlock = Level::Landlock;
  constexpr auto kNamespaces = Level::Namespaces;
  const Row rows[] = {
      {Auto, true, 7, kNamespaces, kNamespaces, ""},
      {Auto, true, 0, kNamespaces, kNamespaces, ""},
      {Auto, false, 6, kLandlock, kLandlock, ""},
      {Auto, false, 5, {}, kLandlock, "landlock of ABI 5 instead of 6"},
      {Auto, false, 0, {}, {}, ""},
      {Namespaces, true, 0, kNamespaces, kNamespaces, ""},
      {Namespaces, false, 7, {}, kLandlock, "landlock, as isolation namespaces is not possible"},
      {Namespaces, false, 1, {}, kLandlock, "landlock of ABI 1 instead of 6"},
      {Namespaces, false, 0, {}, {}, ""},
      {Landlock, true, 6, kLandlock, kLandlock, ""},
      {Landlock, true, 5, {}, kNamespaces, "namespaces, as isolation landlock needs"},
      {Landlock, false, 5, {}, kLandlock, "landlock of ABI 5 instead of 6"},
      {Landlock, false, 0, {}, {}, ""},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(std::string(to_string(row.asked)) + (row.has_namespaces ? " with " : " without ") +
                 "namespaces, ABI " + std::to_string(row.abi));
    const Status namespaces = row.has_namespaces ? Status{} : no_namespaces();
    const auto exact = level_for(row.asked, Effort::Exact, namespaces, row.abi);
    ASSERT_EQ(exact.has_value(), row.exact.has_value());
    if (exact) {
      EXPECT_EQ(exact->level, *row.exact);
      EXPECT_EQ(exact->lowered, "");
    } else {
      EXPECT_EQ(exact.error().kind, ErrorKind::Unsupported);
      EXPECT_NE(exact.error().hint, "");
    }
    const auto best = level_for(row.asked, Effort::Best, namespaces, row.abi);
    ASSERT_EQ(best.has_value(), row.best.has_value());
    if (!best) {
      EXPECT_THAT(best.error().hint, HasSubstr("ringfort doctor"));
      continue;
    }
    EXPECT_EQ(best->level, *row.best);
    EXPECT_THAT(best->lowered, HasSubstr(row.lowered));
    EXPECT_EQ(best->lowered.empty(), *row.lowered == '\0');
  }
}

TEST(LevelChoice, AutoThatComesToLandlockSaysWhyNotToNamespaces) {
  const auto chosen = level_for(Isolation::Auto, Effort::Exact, no_namespaces(), 7);
  ASSERT_TRUE(chosen);
  EXPECT_THAT(chosen->missing, HasSubstr("isolation namespaces is not possible here"));
  EXPECT_EQ(level_for(Isolation::Landlock, Effort::Exact, no_namespaces(), 7)->missing, "");
}

TEST(LevelChoice, TheNetworkLevelIsLoweredToWhatIsBelowIt) {
  const Status none =
      fail(ErrorKind::Unsupported, "isolation network is not possible here: ENOSPC", "allow");
  const auto never = [] {
    ADD_FAILURE() << "a trial for nothing";
    return Status{};
  };
  const auto exact = network_level_for(Effort::Exact, none, never, 7);
  ASSERT_FALSE(exact);
  EXPECT_EQ(exact.error().kind, ErrorKind::Unsupported);
  const auto whole = network_level_for(Effort::Best, {}, never, 7);
  ASSERT_TRUE(whole);
  EXPECT_EQ(whole->level, Level::Network);
  EXPECT_EQ(whole->lowered, "");

  const auto namespaces = network_level_for(
      Effort::Best, none, [] { return Status{}; }, 7);
  ASSERT_TRUE(namespaces);
  EXPECT_EQ(namespaces->level, Level::Namespaces);
  EXPECT_EQ(namespaces->lowered, "namespaces, as isolation network is not possible here: ENOSPC");
  const auto landlock = network_level_for(Effort::Best, none, no_namespaces, 7);
  ASSERT_TRUE(landlock);
  EXPECT_EQ(landlock->level, Level::Landlock);
  EXPECT_NE(landlock->lowered, "");
  EXPECT_FALSE(network_level_for(Effort::Best, none, no_namespaces, 0));
}

/// What a plan at landlock asks of a kernel that is too old for the level.
TEST(LevelChoice, APlanAtBestEffortAsksForNoMoreThanTheKernelHas) {
  Policy policy;
  policy.container_dir = "/c";
  policy.scratch_dir = "/c/tmp";
  Command command;
  command.argv = {"true"};
  HostFacts host;
  host.uid = host.gid = 1000;
  host.landlock_abi = 3;
  EXPECT_FALSE(make_launch_plan(policy, command, Level::Landlock, host));
  command.best_effort = true;
  const auto plan = make_launch_plan(policy, command, Level::Landlock, host);
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->shim_scopes, 0U);
  EXPECT_EQ(plan->handled_net, 0U);
  EXPECT_NE(plan->handled_fs, 0U);
  EXPECT_THAT(layers(*plan), Not(Contains("landlock scopes")));
  EXPECT_THAT(gaps(policy, Confinement::Landlock, {host, false, false}),
              Contains(HasSubstr("can be signalled")));
  host.landlock_abi = 0;
  EXPECT_FALSE(make_launch_plan(policy, command, Level::Landlock, host));
}

}  // namespace
}  // namespace ringfort::platform
