// The document as people write it, to values. Parses only: the rules between fields and the ranges
// are in validate.hpp.
#pragma once

#include "ringfort/specs/deployment.hpp"
#include "ringfort/specs/problem.hpp"

#include <tl/expected.hpp>

#include <string>
#include <string_view>

namespace ringfort::specs {

/// A deployment and where each of its values stands, for the complaints of `validate`.
struct ParsedDeployment {
  Deployment value;
  PositionMap positions;
};

/// All problems of the text in its order, or the deployment. Bounded whatever the text: under a
/// second and 100 MB. `file_name` only goes into the problems.
tl::expected<ParsedDeployment, Problems> parse_deployment(std::string_view yaml,
                                                          std::string_view file_name);

/// Reads the file, no more of it than a document may have.
tl::expected<ParsedDeployment, Problems> parse_deployment_file(const std::string& path);

/// The file and every rule of `validate`, and the devices are there: what `up` and `validate` want.
tl::expected<ParsedDeployment, Problems> load_deployment_with_positions(const std::string& path);
tl::expected<Deployment, Problems> load_deployment(const std::string& path);

tl::expected<NetworkPolicy, Problems> parse_network_policy(std::string_view yaml,
                                                           std::string_view file_name);
tl::expected<RegistryAuth, Problems> parse_registry_auth(std::string_view yaml,
                                                         std::string_view file_name);

}  // namespace ringfort::specs
