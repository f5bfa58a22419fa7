#include "ringfort/platform/root_trials.hpp"

#include <gtest/gtest.h>

namespace ringfort::platform {
namespace {

Image image_of(std::uint64_t files, std::uint64_t bytes) {
  Image image;
  image.files = files;
  image.bytes = bytes;
  return image;
}

TEST(CopyIsDearer, ForManyFilesAndWithoutReflinkForManyBytes) {
  EXPECT_FALSE(copy_is_dearer(image_of(1, 4096), false));
  EXPECT_FALSE(copy_is_dearer(image_of(20, 100'000), false));
  EXPECT_TRUE(copy_is_dearer(image_of(2000, 100U << 20), false));
  EXPECT_TRUE(copy_is_dearer(image_of(2000, 100U << 20), true));
  EXPECT_TRUE(copy_is_dearer(image_of(1, 100U << 20), false));
  EXPECT_FALSE(copy_is_dearer(image_of(1, 100U << 20), true)) << "its blocks are shared";
  EXPECT_TRUE(copy_is_dearer(image_of(0, 100U << 20), false)) << "registered before files counted";
}

}  // namespace
}  // namespace ringfort::platform
