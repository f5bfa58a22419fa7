// Any text as a spec: problems with a place, or values that survive JSON and lead to a policy, a
// launch plan and a Seatbelt profile, or to an error.
#include "fuzz.hpp"
#include "ringfort/platform/launch_plan.hpp"
#include "ringfort/platform/policy.hpp"
#include "ringfort/platform/seatbelt_profile.hpp"
#include "ringfort/specs/json.hpp"
#include "ringfort/specs/validate.hpp"
#include "ringfort/specs/yaml_reader.hpp"

namespace {

using namespace ringfort;

void carry_on(const specs::Service& service) {
  platform::PolicyContext context;
  context.container_dir = "/srv/ringfort/containers/web-1";
  context.own_port = 40000;
  const auto policy = platform::make_policy(service, {}, context);
  if (!policy) return fuzz::require(!policy.error().what.empty(), "a refusal says why");
  (void)platform::seatbelt_profile(*policy);
  platform::HostFacts host;
  host.landlock_abi = 7;
  host.system_directories = {"/usr"};
  platform::Command command;
  command.argv = {"true"};
  for (const auto level : {Level::Landlock, Level::Namespaces})
    (void)platform::make_launch_plan(*policy, command, level, host);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  const auto parsed = specs::parse_deployment(text, "spec.yaml");
  if (!parsed) {
    fuzz::require(!parsed.error().empty(), "what is refused has problems");
    for (const auto& problem : parsed.error())
      fuzz::require(!problem.what.empty() && problem.line >= 0 && problem.column >= 0,
                    "a problem says what, and where");
    return 0;
  }
  const auto json = specs::to_json(parsed->value);
  const auto again = specs::deployment_from_json(json);
  fuzz::require(again.has_value(), "what was parsed can be read back from JSON");
  fuzz::require(specs::to_json(*again) == json, "and is the same then");
  if (!specs::validate(parsed->value, parsed->positions).empty()) return 0;
  for (const auto& [name, service] : parsed->value.services) carry_on(service);
  return 0;
}
