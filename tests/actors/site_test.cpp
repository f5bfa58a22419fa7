#include "ringfort/actors/site.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ringfort::actors {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(ServiceMemo, TellsAChangedServiceFromTheLastOne) {
  ServiceMemo memo;
  auto service = std::make_shared<specs::Service>();
  service->image.name = "image-a";
  const ServiceFacts* first = &memo.of(*service);
  EXPECT_THAT(first->config_json, HasSubstr("image-a"));
  EXPECT_EQ(&memo.of(specs::Service{*service}), first);
  EXPECT_EQ(first->config_json, memo.of(*service).config_json);

  service->image.name = "image-b";  // the same object, as its owner may do
  service->require = {"landlock"};

  EXPECT_THAT(memo.of(*service).config_json, HasSubstr("image-b"));
  EXPECT_THAT(memo.of(*service).config_json, Not(HasSubstr("image-a")));
  EXPECT_THAT(memo.of(*service).required, testing::ElementsAre("landlock"));
}

}  // namespace
}  // namespace ringfort::actors
