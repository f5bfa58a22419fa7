#include "ringfort/cli/up/order.hpp"

#include <gmock/gmock.h>

namespace ringfort::cli {
namespace {

using specs::DependsCondition;
using specs::ResourceType;
using testing::ElementsAre;

specs::Service behind(std::initializer_list<const char*> names) {
  specs::Service service;
  for (const char* name : names) {
    specs::Depends depends;
    depends.service = name;
    service.depends.push_back(depends);
  }
  return service;
}

TEST(StartOrder, PutsEachServiceBehindWhatItNeeds) {
  specs::Deployment deployment;
  deployment.services = {
      {"a", behind({"z"})}, {"m", {}}, {"y", behind({"a", "m"})}, {"z", behind({"outside"})}};
  EXPECT_THAT(start_order(deployment), ElementsAre("z", "a", "m", "y"));
}

TEST(Replicas, AreTheFixedNumberOrTheLeast) {
  specs::Service service;
  service.scale = specs::FixedScale{3};
  EXPECT_EQ(replicas_of("web", service).back().str(), "web-3");
  service.scale = specs::AdaptiveScale{2, 9, {}, {}};
  EXPECT_EQ(replicas_of("web", service).size(), 2U);
  service.scale = specs::FixedScale{0};
  EXPECT_TRUE(replicas_of("web", service).empty());
}

TEST(Readiness, WantsCompletionOfAJobOnly) {
  struct Row {
    DependsCondition condition;
    ResourceType kind;
    Progress progress;
    Readiness expected;
  };
  for (const auto& row : {
           Row{DependsCondition::Healthy, ResourceType::Job, Progress::Started, Readiness::NotYet},
           {DependsCondition::Ready, ResourceType::Job, Progress::Completed, Readiness::Ready},
           {DependsCondition::Started, ResourceType::Job, Progress::Started, Readiness::Ready},
           {DependsCondition::Healthy, ResourceType::Job, Progress::Failed, Readiness::Never},
           {DependsCondition::Healthy, ResourceType::Service, Progress::Started, Readiness::Ready},
           {DependsCondition::Started, ResourceType::Service, Progress::Waiting, Readiness::NotYet},
           {DependsCondition::Started, ResourceType::Service, Progress::Failed, Readiness::Never},
       })
    EXPECT_EQ(readiness(row.condition, row.kind, row.progress), row.expected);
}

}  // namespace
}  // namespace ringfort::cli
