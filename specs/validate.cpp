#include "ringfort/specs/validate.hpp"

#include "ringfort/specs/checks.hpp"
#include "ringfort/specs/grammar.hpp"
#include "ringfort/specs/names.hpp"

#include <algorithm>
#include <set>

namespace ringfort::specs {
namespace {

std::string depends_path(const std::string& service, std::size_t index) {
  return element("services." + service + ".depends", index);
}

void check_dependencies(Checks& checks, const Deployment& deployment) {
  std::vector<std::string_view> names;
  for (const auto& [name, service] : deployment.services) names.push_back(name);
  for (const auto& [name, service] : deployment.services) {
    std::set<std::string_view> seen;
    for (std::size_t i = 0; i < service.depends.size(); ++i) {
      const auto& wanted = service.depends[i].service;
      const auto path = depends_path(name, i) + ".service";
      if (!deployment.services.contains(wanted)) {
        checks.expect_one_of(path, wanted, names, "there is no service " + quoted(wanted));
      }
      checks.expect(seen.insert(wanted).second, path, quoted(wanted) + " is given twice",
                    "remove one");
    }
  }
}

/// Looks for dependencies that lead back to where they began, each circle once.
class CircleSearch {
 public:
  CircleSearch(Checks& checks, const Deployment& deployment)
      : checks_(checks), deployment_(deployment) {}

  void run() {
    for (const auto& [name, service] : deployment_.services) visit(name);
  }

 private:
  struct Step {
    std::string service;
    std::size_t next = 0;
  };

  // With a stack of its own: the depth is up to the document's author.
  void visit(const std::string& start) {
    if (!seen_.insert(start).second) return;
    trail_.push_back({start});
    while (!trail_.empty()) {
      auto& [name, next] = trail_.back();
      const auto& depends = deployment_.services.at(name).depends;
      if (next == depends.size()) {
        done_.insert(name);
        trail_.pop_back();
        continue;
      }
      const std::size_t index = next++;
      follow(depends[index].service, depends_path(name, index));
    }
  }

  void follow(const std::string& target, const std::string& path) {
    if (done_.contains(target) || !deployment_.services.contains(target)) return;
    if (seen_.insert(target).second) {
      trail_.push_back({target});
      return;
    }
    auto step = std::find_if(trail_.begin(), trail_.end(),
                             [&](const Step& one) { return one.service == target; });
    std::string circle;
    for (; step != trail_.end(); ++step) circle += step->service + " -> ";
    checks_.expect(false, path + ".service", "the dependencies go in a circle: " + circle + target,
                   "remove one of them");
  }

  Checks& checks_;
  const Deployment& deployment_;
  std::set<std::string> seen_;
  std::set<std::string> done_;
  std::vector<Step> trail_;
};

void check_externals(Checks& checks, const Deployment& deployment) {
  for (const auto& [name, external] : deployment.externals) {
    const auto path = "externals." + name;
    checks.expect(check(ContainerId{name, 1}), path);
    checks.expect(!external.backends.empty(), path + ".backends", "is empty",
                  "write at least one host:port");
    for (std::size_t i = 0; i < external.backends.size(); ++i) {
      checks.expect(is_host_and_port(external.backends[i]), element(path + ".backends", i),
                    quoted(external.backends[i]) + " is no address", "write host:port");
    }
    check_endpoints(checks, path + ".endpoints", external.endpoints);
    if (external.health) check_health(checks, path + ".health", *external.health);
  }
}

void check_tunnels(Checks& checks, const Deployment& deployment) {
  for (const auto& [name, tunnel] : deployment.tunnels) {
    const auto path = "tunnels." + name;
    checks.expect(check(ContainerId{name, 1}), path);
    checks.expect(!tunnel.from.empty(), path + ".from", "is empty", "write where it begins");
    checks.expect(!tunnel.to.empty(), path + ".to", "is empty", "write where it ends");
    checks.expect(tunnel.local_port != 0, path + ".local_port", "is 0", "write 1 to 65535");
    checks.expect(tunnel.remote_port != 0, path + ".remote_port", "is 0", "write 1 to 65535");
  }
}

}  // namespace

Problems validate(const Deployment& deployment, const PositionMap& positions) {
  Checks checks{positions};
  checks.expect(deployment.version == "v1", "version",
                quoted(deployment.version) + " is no version of the schema", "write v1");
  checks.expect(is_deployment_name(deployment.deployment), "deployment",
                quoted(deployment.deployment) + " is no name for a deployment",
                "write 3 to 63 letters, digits or hyphens, the first no hyphen");
  for (const auto& [name, service] : deployment.services) {
    const auto path = "services." + name;
    checks.expect(check(ContainerId{name, 1}), path);
    check_service(checks, path, service);
  }
  check_dependencies(checks, deployment);
  CircleSearch{checks, deployment}.run();
  check_externals(checks, deployment);
  check_tunnels(checks, deployment);
  checks.expect(is_host_and_port(deployment.api.bind), "api.bind",
                quoted(deployment.api.bind) + " is no address", "write address:port");
  if (deployment.api.jwt_secret) {
    check_reference(checks, "api.jwt_secret", *deployment.api.jwt_secret);
  }
  return checks.take();
}

Problems missing_devices(const Deployment& deployment, const PositionMap& positions,
                         const std::function<bool(const std::string&)>& is_there) {
  Checks checks{positions};
  for (const auto& [name, service] : deployment.services)
    for (std::size_t i = 0; i < service.devices.size(); ++i) {
      const auto& path = service.devices[i].path;
      const bool is_named = path.starts_with("/dev/");  // else the text has been refused already
      if (is_named && !is_there(path))
        checks.expect(false, element("services." + name + ".devices", i) + ".path",
                      "there is no device " + quoted(path),
                      "see what is there: ls /dev; or remove it");
    }
  return checks.take();
}

}  // namespace ringfort::specs
