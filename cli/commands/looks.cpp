// logs and stats: looking into one container.
#include "ringfort/cli/commands/verbs.hpp"
#include "ringfort/cli/containers.hpp"
#include "ringfort/cli/options.hpp"
#include "ringfort/cli/output/table.hpp"
#include "ringfort/cli/output/terminal.hpp"
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

class StatsVerb : public Command {
 public:
  void declare(CLI::App& app) override {
    add_words(app, "NAME", "ids, names or beginnings of ids", names_);
    add_flag(app, "--json", "print JSON lines", is_json_);
  }

  Result<int> run(const Call& call) override {
    const auto runtime = open_keeping_runtime(call);
    if (!runtime) return fail(runtime.error());
    Table table{{"ID", "MEMORY", "LIMIT", "CPU", "PIDS"}};
    bool any = false;
    const int code = for_each_container(**runtime, names_, "stats", [&](const ContainerId& id) {
      return (*runtime)->get_container_stats(id).map([&](const Stats& stats) {
        any = true;
        auto value = Json::parse(specs::to_json(stats));
        value["id"] = id.str();
        if (is_json_) write_all(STDOUT_FILENO, dump(value) + "\n");
        const bool limited = stats.memory_limit != UINT64_MAX;
        table.add({id.str(), to_string(Bytes{stats.memory_bytes}),
                   limited ? to_string(Bytes{stats.memory_limit}) : "none",
                   to_string(Duration{static_cast<std::int64_t>(stats.cpu_usage_usec)}),
                   std::to_string(stats.pids)});
      });
    });
    if (!is_json_ && any)
      write_all(STDOUT_FILENO,
                table.str(is_terminal(STDOUT_FILENO) ? terminal_size(STDOUT_FILENO).columns : 0));
    return code;
  }

 private:
  std::vector<std::string> names_;
  bool is_json_ = false;
};

}  // namespace

std::unique_ptr<Command> make_logs() { return std::make_unique<Logs>(); }
std::unique_ptr<Command> make_stats() { return std::make_unique<StatsVerb>(); }

}  // namespace ringfort::cli
