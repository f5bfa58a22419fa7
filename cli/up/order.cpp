#include "ringfort/cli/up/order.hpp"

#include <functional>
#include <set>

namespace ringfort::cli {

std::vector<std::string> start_order(const specs::Deployment& deployment) {
  std::vector<std::string> order;
  std::set<std::string> seen;
  // As deep as the longest chain of services; a document is bounded.
  const std::function<void(const std::string&)> visit = [&](const std::string& name) {
    const auto service = deployment.services.find(name);
    if (service == deployment.services.end() || !seen.insert(name).second) return;
    for (const auto& depends : service->second.depends) visit(depends.service);
    order.push_back(name);
  };
  for (const auto& [name, service] : deployment.services) visit(name);
  return order;
}

std::vector<ContainerId> replicas_of(const std::string& name, const specs::Service& service) {
  std::vector<ContainerId> ids;
  for (std::uint32_t i = 1; i <= specs::initial_replicas(service.scale); ++i)
    ids.push_back({name, i});
  return ids;
}

Readiness readiness(specs::DependsCondition condition, specs::ResourceType kind,
                    Progress progress) {
  const bool wants_completion =
      kind == specs::ResourceType::Job && condition != specs::DependsCondition::Started;
  switch (progress) {
    case Progress::Waiting:
      return Readiness::NotYet;
    case Progress::Started:
      return wants_completion ? Readiness::NotYet : Readiness::Ready;
    case Progress::Completed:
      return Readiness::Ready;
    case Progress::Failed:
      return Readiness::Never;
  }
  return Readiness::Never;
}

}  // namespace ringfort::cli
