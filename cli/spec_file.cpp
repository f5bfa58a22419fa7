#include "ringfort/cli/spec_file.hpp"

#include "ringfort/cli/output/words.hpp"
#include "ringfort/specs/names.hpp"
#include "ringfort/specs/yaml_reader.hpp"

#include <unistd.h>

namespace ringfort::cli {

void print_problems(const specs::Problems& problems, const std::string& path) {
  for (const auto& problem : problems)
    write_all(STDERR_FILENO, "ringfort: " + specs::to_string(problem) + "\n");
  const auto count =
      problems.size() == 1 ? "1 problem" : std::to_string(problems.size()) + " problems";
  say(count + "; mend and try: ringfort validate " + printable(path, 200));
}

std::optional<specs::Deployment> load_spec(const std::string& path) {
  auto deployment = specs::load_deployment(path);
  if (deployment) return *std::move(deployment);
  print_problems(deployment.error(), path);
  return std::nullopt;
}

}  // namespace ringfort::cli
