// ps and inspect: what there is.
#include "ringfort/cli/commands/verbs.hpp"
#include "ringfort/cli/containers.hpp"
#include "ringfort/cli/options.hpp"
#include "ringfort/cli/output/table.hpp"
#include "ringfort/cli/output/words.hpp"
#include "ringfort/cli/ps_filter.hpp"

#include <CLI/CLI.hpp>

#include <unistd.h>

namespace ringfort::cli {
namespace {

bool is_alive(State state) {
  return state != State::Created && state != State::Exited && state != State::Failed;
}

std::string command_text(const ContainerEntry& entry) {
  std::string text;
  for (const auto& word : entry.command) text += (text.empty() ? "" : " ") + printable(word, 200);
  return text;
}

std::string status_text(const ContainerEntry& entry) {
  if (entry.damaged) return "damaged";
  std::string text{to_string(entry.state.state)};
  if (entry.state.exit)
    text += " " + std::to_string(entry.state.exit->code) + " (" +
            std::string{to_string(entry.state.exit->reason)} + ")";
  if (entry.restarts > 0) text += ", " + std::to_string(entry.restarts) + " restarts";
  if (entry.next_start) text += ", next start " + to_rfc3339(*entry.next_start);
  if (entry.queued) text += ", " + queued_text(*entry.queued);
  return text;
}

class Ps : public Command {
 public:
  void declare(CLI::App& app) override {
    add_flag(app, "-a,--all", "also those that have ended or never began", is_all_);
    add_flag(app, "-q,--quiet", "only the ids", is_quiet_);
    add_option(app, "-f,--filter", "KEY=VALUE",
               "status=STATE, name=PREFIX, level=LEVEL or exited=CODE; several must all hold",
               [this](const std::string& text) { return filter_.add(text); });
    add_flag(app, "--json", "an array as `inspect` prints it", is_json_);
    add_word(app, "PREFIX", "only ids that begin so", prefix_, false);
  }

  Result<int> run(const Call& call) override {
    const auto runtime = open_keeping_runtime(call);
    if (!runtime) return fail(runtime.error());
    const auto entries = (*runtime)->list_containers(true);
    if (!entries) return fail(entries.error());
    Table table{{"ID", "STATE", "PORT", "PID", "IMAGE", "COMMAND"}};
    Json all = Json::array();
    std::string ids;
    for (const auto& entry : *entries) {
      if (!entry.id.str().starts_with(prefix_)) continue;
      if (!filter_.lets_through(entry)) continue;
      if (!is_all_ && !filter_.wants_all() && !entry.damaged && !is_alive(entry.state.state))
        continue;
      ids += entry.id.str() + "\n";
      all.push_back(to_value(entry));
      table.add({entry.id.str(), status_text(entry), entry.port ? std::to_string(*entry.port) : "",
                 entry.pid ? std::to_string(*entry.pid) : "", printable(entry.image),
                 command_text(entry)});
    }
    if (is_json_) {
      print(all);
    } else if (is_quiet_) {
      write_all(STDOUT_FILENO, ids);
    } else {
      print(table);
    }
    for (const auto& entry : *entries)
      if (entry.damaged) warn(entry.state.reason);
    return 0;
  }

 private:
  std::string prefix_;
  PsFilter filter_;
  bool is_all_ = false;
  bool is_quiet_ = false;
  bool is_json_ = false;
};

class Inspect : public Command {
 public:
  void declare(CLI::App& app) override {
    add_words(app, "NAME", "ids, names or beginnings of ids", names_);
  }

  Result<int> run(const Call& call) override {
    const auto runtime = open_keeping_runtime(call);
    if (!runtime) return fail(runtime.error());
    Json all = Json::array();
    const int code = for_each_container(**runtime, names_, "inspect", [&](const ContainerId& id) {
      return (*runtime)->container_entry(id).map(
          [&](const ContainerEntry& entry) { all.push_back(to_value(entry)); });
    });
    write_all(STDOUT_FILENO, all.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
    return code;
  }

 private:
  std::vector<std::string> names_;
};

}  // namespace

std::unique_ptr<Command> make_ps() { return std::make_unique<Ps>(); }
std::unique_ptr<Command> make_inspect() { return std::make_unique<Inspect>(); }

}  // namespace ringfort::cli
