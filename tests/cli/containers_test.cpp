#include "ringfort/cli/containers.hpp"

#include <gtest/gtest.h>

namespace ringfort::cli {
namespace {

TEST(Containers, TellHowLongTheyWaitForTheirTurn) {
  ContainerEntry entry;
  entry.id = {"web", 1};
  entry.queued = QueuePlace{std::chrono::milliseconds(812), 312};

  EXPECT_EQ(queued_text(*entry.queued), "queued 0.8 s, 312 before it");
  const auto value = to_value(entry);
  EXPECT_EQ(value["queued"]["waited_ms"], 812.0);
  EXPECT_EQ(value["queued"]["before"], 312);
  entry.queued.reset();
  EXPECT_TRUE(to_value(entry)["queued"].is_null());
}

}  // namespace
}  // namespace ringfort::cli
