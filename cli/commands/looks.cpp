// logs: what a container wrote.
#include "ringfort/cli/commands/verbs.hpp"
#include "ringfort/cli/containers.hpp"
#include "ringfort/cli/options.hpp"
#include "ringfort/cli/output/words.hpp"
#include "ringfort/specs/json.hpp"

#include <CLI/CLI.hpp>

#include <unistd.h>

namespace ringfort::cli {
namespace {

class Logs : public Command {
 public:
  void declare(CLI::App& app) override {
    add_word(app, "NAME", "id, name or beginning of an id", name_, true);
    add_option(app, "-n,--tail", "N", "only the last N lines",
               into([](std::string_view text) { return parse_count(text, 1U << 30); }, tail_));
    add_flag(app, "-t,--timestamps", "the time before each line", has_times_);
    add_flag(app, "--json", "a JSON object for each line", is_json_);
  }

  Result<int> run(const Call& call) override {
    const auto runtime = open_keeping_runtime(call);
    if (!runtime) return fail(runtime.error());
    const auto id = find_container(**runtime, name_);
    if (!id) return fail(id.error());
    const auto lines = (*runtime)->container_logs(*id, tail_);
    if (!lines) return fail(lines.error());
    for (const auto& line : *lines) {
      const bool is_error = line.stream == LogStream::Stderr && !is_json_;
      std::string text = is_json_ ? specs::to_json(line) : line.message;
      if (has_times_ && !is_json_) text.insert(0, to_rfc3339(line.time) + " ");
      if (!write_all(is_error ? STDERR_FILENO : STDOUT_FILENO, text + "\n")) break;
    }
    return 0;
  }

 private:
  std::string name_;
  std::size_t tail_ = 0;
  bool has_times_ = false;
  bool is_json_ = false;
};

}  // namespace

std::unique_ptr<Command> make_logs() { return std::make_unique<Logs>(); }

}  // namespace ringfort::cli
