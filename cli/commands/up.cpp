#include "ringfort/cli/commands/verbs.hpp"
#include "ringfort/cli/options.hpp"
#include "ringfort/cli/output/words.hpp"
#include "ringfort/cli/runtime_config.hpp"
#include "ringfort/cli/signals.hpp"
#include "ringfort/cli/spec_file.hpp"
#include "ringfort/cli/up/session.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <filesystem>

namespace ringfort::cli {
namespace {

std::size_t longest_name(const specs::Deployment& deployment) {
  std::size_t width = 0;
  for (const auto& [name, service] : deployment.services)
    for (const auto& id : replicas_of(name, service)) width = std::max(width, id.str().size());
  return width;
}

class Up : public Command {
 public:
  void declare(CLI::App& app) override {
    add_word(app, "SPEC", "the YAML file", path_, true);
    add_option(app, "--timeout", "TIME", "stop everything after this time; the code is then 124",
               into(parse_time_limit, timeout_));
    add_option(app, "--isolation", "LEVEL", "auto (default), landlock, namespaces or network",
               into(parse_isolation_flag, isolation_));
    add_flag(app, "--best-effort", "take a lower level, and say so, where that one can't be had",
             best_effort_);
    add_flag(app, "--json", "print events as JSON lines", is_json_);
  }

  Result<int> run(const Call& call) override {
    block_signals();
    const auto deployment = load_spec(path_);
    if (!deployment) return kOwnError;  // each problem has had its line
    auto config = runtime_config(call);
    if (!config) return fail(config.error());
    config->isolation = isolation_;
    auto runtime = Runtime::open(*std::move(config));
    if (!runtime) return fail(runtime.error());
    auto news = NewsBox::make();
    if (!news) return fail(news.error());
    const SignalListener listener{[box = *news](int number) { box->put(SignalCame{number}); }};
    const auto output = is_json_ ? make_json_output() : make_text_output(longest_name(*deployment));
    RunOptions options;
    options.best_effort = best_effort_;
    options.rootfs = RootfsMode::Auto;
    // Wherever it is called from, the same file is the same one: what another `up` of it has left
    // is replaced, no other.
    options.origin = std::filesystem::absolute(path_).lexically_normal().string();
    Session session{**runtime, *deployment, *output, *news, timeout_, options};
    return session.run();
  }

 private:
  std::string path_;
  std::optional<Duration> timeout_;
  Isolation isolation_ = Isolation::Auto;
  bool best_effort_ = false;
  bool is_json_ = false;
};

}  // namespace

std::unique_ptr<Command> make_up() { return std::make_unique<Up>(); }

}  // namespace ringfort::cli
