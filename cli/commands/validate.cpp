#include "ringfort/cli/commands/verbs.hpp"
#include "ringfort/cli/options.hpp"
#include "ringfort/cli/output/json.hpp"
#include "ringfort/cli/output/words.hpp"
#include "ringfort/cli/spec_file.hpp"
#include "ringfort/specs/yaml_reader.hpp"

#include <CLI/CLI.hpp>

namespace ringfort::cli {
namespace {

Json to_value(const specs::Problem& problem) {
  Json value;
  value["file"] = problem.file;
  value["line"] = problem.line;
  value["column"] = problem.column;
  value["path"] = problem.path;
  value["what"] = problem.what;
  value["instead"] = problem.instead;
  return value;
}

class Validate : public Command {
 public:
  void declare(CLI::App& app) override {
    add_word(app, "SPEC", "the YAML file", path_, true);
    add_flag(app, "--json", "print the problems as JSON", is_json_);
  }

  Result<int> run(const Call& call) override {
    (void)call;
    const auto deployment = specs::load_deployment(path_);
    const auto problems = deployment ? specs::Problems{} : deployment.error();
    if (is_json_) {
      Json value;
      value["valid"] = problems.empty();
      value["problems"] = Json::array();
      for (const auto& problem : problems) value["problems"].push_back(to_value(problem));
      print(value);
    } else if (!problems.empty()) {
      print_problems(problems, path_);
    }
    return problems.empty() ? 0 : 1;
  }

 private:
  std::string path_;
  bool is_json_ = false;
};

}  // namespace

std::unique_ptr<Command> make_validate() { return std::make_unique<Validate>(); }

}  // namespace ringfort::cli
