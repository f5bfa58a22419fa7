// diff: what a container has changed of its image.
#include "ringfort/api/changes.hpp"
#include "ringfort/cli/commands/verbs.hpp"
#include "ringfort/cli/containers.hpp"
#include "ringfort/cli/options.hpp"
#include "ringfort/cli/output/json.hpp"
#include "ringfort/cli/output/report.hpp"
#include "ringfort/cli/output/words.hpp"
#include "ringfort/cli/runtime_config.hpp"
#include "ringfort/specs/utf8.hpp"

#include <CLI/CLI.hpp>

#include <cstdio>

#include <unistd.h>

namespace ringfort::cli {
namespace {

class Diff : public Command {
 public:
  void declare(CLI::App& app) override {
    add_word(app, "NAME", "id, name or beginning of an id", name_, true);
    add_flag(app, "--json", "print the result as JSON, with each path as it is", is_json_);
  }

  Result<int> run(const Call& call) override {
    const auto runtime = open_keeping_runtime(call);
    if (!runtime) return fail(runtime.error());
    const auto id = find_container(**runtime, name_);
    if (!id) return fail(id.error());
    const auto found = container_changes((*runtime)->config().data_dir, *id);
    if (!found) return fail(found.error());
    if (is_json_) {
      print(to_value(*id, *found));
    } else {
      write_all(STDOUT_FILENO, to_text(*found));
      if (found->is_cut) std::fputs("ringfort: there are more changes than are shown\n", stderr);
    }
    return 0;
  }

 private:
  /// What the container named so is shown, not obeyed.
  static std::string to_text(const ContainerChanges& found) {
    std::string text;
    for (const auto& change : found.changes)
      text += std::string{change.kind} + " " + printable(change.path, SIZE_MAX) + "\n";
    return text;
  }

  static Json to_value(const ContainerId& id, const ContainerChanges& found) {
    Json value;
    value["id"] = id.str();
    value["rootfs"] = rootfs_word(found.overlay);
    value["is_cut"] = found.is_cut;
    value["changes"] = Json::array();
    for (const auto& change : found.changes) {
      const bool is_text = !specs::first_invalid_utf8(change.path);
      value["changes"].push_back({{"kind", std::string{change.kind}},
                                  {"path", is_text ? change.path : to_base64(change.path)},
                                  {"path_base64", !is_text}});
    }
    return value;
  }

  std::string name_;
  bool is_json_ = false;
};

}  // namespace

std::unique_ptr<Command> make_diff() { return std::make_unique<Diff>(); }

}  // namespace ringfort::cli
