#include "ringfort/specs/yaml_reader.hpp"

#include "ringfort/specs/field_reader.hpp"
#include "ringfort/specs/validate.hpp"
#include "ringfort/specs/yaml_tree.hpp"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace ringfort::specs {
namespace {

template <class T>
tl::expected<Read<T>, Problems> parse(std::string_view yaml, std::string_view file_name) {
  const std::string file{file_name};
  auto tree = read_yaml(yaml, file);
  if (tree.root == nullptr) return tl::unexpected{std::move(tree.problems)};

  auto read = read_tree<T>(*tree.root, file);
  auto& problems = read.problems;
  problems.insert(problems.end(), tree.problems.begin(), tree.problems.end());
  sort_by_position(problems);
  if (!problems.empty()) return tl::unexpected{std::move(problems)};
  return read;
}

template <class T>
tl::expected<T, Problems> parse_value(std::string_view yaml, std::string_view file_name) {
  auto read = parse<T>(yaml, file_name);
  if (!read) return tl::unexpected{std::move(read.error())};
  return std::move(read->value);
}

}  // namespace

tl::expected<ParsedDeployment, Problems> parse_deployment(std::string_view yaml,
                                                          std::string_view file_name) {
  auto read = parse<Deployment>(yaml, file_name);
  if (!read) return tl::unexpected{std::move(read.error())};
  return ParsedDeployment{std::move(read->value), std::move(read->positions)};
}

tl::expected<ParsedDeployment, Problems> parse_deployment_file(const std::string& path) {
  const auto refused = [&](std::string what, std::string instead) {
    return tl::unexpected{Problems{{path, 0, 0, {}, std::move(what), std::move(instead)}}};
  };
  std::ifstream in{path, std::ios::binary};
  if (!in) return refused(std::string{"cannot open: "} + std::strerror(errno), "check the path");

  // One byte more than allowed, so that a longer file (or /dev/zero) is seen and not read.
  std::string text(limits::document_bytes + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (in.bad()) return refused(std::string{"cannot read: "} + std::strerror(errno), "check it");
  text.resize(static_cast<std::size_t>(in.gcount()));
  return parse_deployment(text, path);
}

tl::expected<ParsedDeployment, Problems> load_deployment_with_positions(const std::string& path) {
  auto parsed = parse_deployment_file(path);
  if (!parsed) return tl::unexpected{std::move(parsed.error())};
  auto problems = validate(parsed->value, parsed->positions);
  const auto is_device = [](const std::string& device) {
    std::error_code error;
    const auto kind = std::filesystem::status(device, error).type();
    return kind == std::filesystem::file_type::character ||
           kind == std::filesystem::file_type::block;
  };
  for (auto& problem : missing_devices(parsed->value, parsed->positions, is_device))
    problems.push_back(std::move(problem));
  sort_by_position(problems);
  if (!problems.empty()) return tl::unexpected{std::move(problems)};
  return parsed;
}

tl::expected<Deployment, Problems> load_deployment(const std::string& path) {
  auto loaded = load_deployment_with_positions(path);
  if (!loaded) return tl::unexpected{std::move(loaded.error())};
  return std::move(loaded->value);
}

tl::expected<NetworkPolicy, Problems> parse_network_policy(std::string_view yaml,
                                                           std::string_view file_name) {
  return parse_value<NetworkPolicy>(yaml, file_name);
}

tl::expected<RegistryAuth, Problems> parse_registry_auth(std::string_view yaml,
                                                         std::string_view file_name) {
  return parse_value<RegistryAuth>(yaml, file_name);
}

}  // namespace ringfort::specs
