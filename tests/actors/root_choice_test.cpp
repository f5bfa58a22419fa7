#include "ringfort/actors/root_choice.hpp"

#include "fakes.hpp"
#include "ringfort/specs/container_record.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ringfort::actors {
namespace {

using testing::HasSubstr;

struct Asked {
  RootfsMode mode = RootfsMode::Auto;
  Level level = Level::Namespaces;
  bool has_image = true;
  bool is_cheaper = true;
  bool is_possible = true;
};

Result<bool> answer(const Asked& asked) {
  Seams seams;
  seams.prefers_overlay = [&](const platform::Image&) { return asked.is_cheaper; };
  seams.check_overlay = [&](const platform::Image&) -> Status {
    if (asked.is_possible) return {};
    return fail(ErrorKind::Unsupported, "no overlay here", "copy");
  };
  std::optional<platform::Image> image;
  if (asked.has_image) image.emplace();
  return wants_overlay(asked.mode, asked.level, image, seams);
}

TEST(RootChoice, AutoTakesTheCheaperOneThatCanBeHad) {
  using enum RootfsMode;
  EXPECT_TRUE(answer({}).value());
  EXPECT_TRUE(answer({.level = Level::Network}).value());
  EXPECT_FALSE(answer({.is_cheaper = false}).value());
  EXPECT_FALSE(answer({.is_possible = false}).value());
  EXPECT_FALSE(answer({.has_image = false}).value());
  EXPECT_FALSE(answer({.level = Level::Landlock}).value());
}

TEST(RootChoice, VisibleIsNeverAnOverlay) {
  EXPECT_FALSE(answer({.mode = RootfsMode::Visible}).value());
}

TEST(RootChoice, AnOverlayThatCannotBeHadIsAnError) {
  using enum RootfsMode;
  EXPECT_TRUE(answer({.mode = Overlay, .is_cheaper = false}).value());
  const auto here = answer({.mode = Overlay, .is_possible = false});
  ASSERT_FALSE(here);
  EXPECT_EQ(here.error().what, "no overlay here");
  const auto at_landlock = answer({.mode = Overlay, .level = Level::Landlock});
  ASSERT_FALSE(at_landlock);
  EXPECT_THAT(at_landlock.error().what, HasSubstr("nothing can be mounted"));
  const auto bare = answer({.mode = Overlay, .has_image = false});
  ASSERT_FALSE(bare);
  EXPECT_EQ(bare.error().kind, ErrorKind::InvalidSpec);
}

TEST(RootChoice, AnImageIsFreeWhenNoRecordedRootLiesOverIt) {
  fakes::FakeFiles files;
  specs::ContainerRecord record;
  record.id = {"a", 1};
  record.service.image.name = "app";
  files.records["a-1"] = specs::to_text(record);
  EXPECT_TRUE(check_no_overlay("app", files)) << "a copy";
  record.overlay = true;
  files.records["a-1"] = specs::to_text(record);
  EXPECT_TRUE(check_no_overlay("another", files));
  const auto held = check_no_overlay("app", files);
  ASSERT_FALSE(held);
  EXPECT_THAT(held.error().what, HasSubstr("a-1 is an overlay over it"));
}

}  // namespace
}  // namespace ringfort::actors
