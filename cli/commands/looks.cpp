// exec and stats: looking into one container.
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

class Exec : public Command {
 public:
  Tail tail() const override { return Tail::Program; }

  void declare(CLI::App& app) override {
    add_option(app, "-e,--env", "NAME=VALUE", "a variable more",
               append(parse_variable, options_.env));
    add_option(app, "-w,--workdir", "DIR", "start there", into(parse_text, options_.workdir));
    add_option(app, "--timeout", "TIME", "kill it after this time; the code is then 124",
               [this](const std::string& text) -> Status {
                 const auto limit = parse_time_limit(text);
                 if (!limit) return fail(limit.error());
                 options_.timeout = *limit;
                 return {};
               });
  }

  Result<int> run(const Call& call) override {
    if (call.tail.size() < 2)
      return fail(ErrorKind::InvalidSpec, "a name and a command are needed",
                  "write: ringfort exec NAME CMD");
    const auto runtime = open_keeping_runtime(call);
    if (!runtime) return fail(runtime.error());
    const auto id = find_container(**runtime, call.tail.front());
    if (!id) return fail(id.error());
    const auto result = (*runtime)->exec(*id, {call.tail.begin() + 1, call.tail.end()}, options_);
    if (!result) return fail(result.error());
    write_all(STDOUT_FILENO, result->out);
    write_all(STDERR_FILENO, result->err);
    if (result->truncated) warn("the output was longer than can be kept, and is cut");
    return result->code;
  }

 private:
  ExecOptions options_;
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

std::unique_ptr<Command> make_exec() { return std::make_unique<Exec>(); }
std::unique_ptr<Command> make_stats() { return std::make_unique<StatsVerb>(); }

}  // namespace ringfort::cli
