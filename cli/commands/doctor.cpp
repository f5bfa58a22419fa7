#include "ringfort/api/runtime.hpp"
#include "ringfort/cli/commands/verbs.hpp"
#include "ringfort/cli/data_dir.hpp"
#include "ringfort/cli/options.hpp"
#include "ringfort/cli/output/diagnosis.hpp"
#include "ringfort/cli/output/terminal.hpp"
#include "ringfort/cli/output/words.hpp"
#include "ringfort/platform/diagnosis.hpp"
#include "ringfort/platform/spawner.hpp"

#include <CLI/CLI.hpp>

#include <filesystem>

#include <unistd.h>

namespace ringfort::cli {
namespace {

class Doctor : public Command {
 public:
  void declare(CLI::App& app) override {
    add_option(
        app, "--isolation", "LEVEL",
        "exit with 1 unless this is possible: auto (default), landlock, namespaces or network",
        into(parse_isolation_flag, isolation_));
    add_flag(app, "--json", "print it as JSON", is_json_);
  }

  Result<int> run(const Call& call) override {
    auto loop = platform::EventLoop::start();
    if (!loop) return fail(loop.error());
    const auto spawner = platform::Spawner::make(**loop);
    const auto data_dir = find_data_dir(call.data_dir);
    std::error_code error;
    const auto path = data_dir ? std::filesystem::absolute(*data_dir, error).lexically_normal()
                               : std::filesystem::path{};
    auto survey = platform::survey_host(path.string(), *spawner);
    if (!data_dir) survey.data_dir.hint = data_dir.error().what;
    const auto diagnosis = platform::diagnose(survey);
    const Paint paint{may_colour(STDOUT_FILENO)};
    write_all(STDOUT_FILENO,
              is_json_ ? dump(to_value(survey, diagnosis)) + "\n" : doctor_text(diagnosis, paint));
    return is_possible(diagnosis) ? 0 : 1;
  }

 private:
  bool is_possible(const platform::Diagnosis& diagnosis) const {
    if (!diagnosis.default_level) return false;
    if (isolation_ == Isolation::Auto) return true;
    for (const auto& level : diagnosis.levels)
      if (level.name == to_string(isolation_)) return level.possible;
    return false;
  }

  Isolation isolation_ = Isolation::Auto;
  bool is_json_ = false;
};

}  // namespace

std::unique_ptr<Command> make_doctor() { return std::make_unique<Doctor>(); }

}  // namespace ringfort::cli
