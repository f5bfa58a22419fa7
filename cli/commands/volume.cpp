#include "ringfort/cli/commands/verbs.hpp"
#include "ringfort/cli/options.hpp"
#include "ringfort/cli/output/json.hpp"
#include "ringfort/cli/output/table.hpp"
#include "ringfort/cli/runtime_config.hpp"
#include "ringfort/specs/names.hpp"
#include "ringfort/specs/nearest.hpp"

#include <CLI/CLI.hpp>

#include <array>

namespace ringfort::cli {
namespace {

constexpr std::array<std::string_view, 2> actions{"ls", "rm"};

class Volume : public Command {
 public:
  void declare(CLI::App& app) override {
    add_word(app, "ACTION", "ls or rm", action_, true);
    add_words(app, "NAME", "of volumes: rm", names_, Need::Optional);
    add_flag(app, "--json", "print the result as JSON", is_json_);
  }

  Result<int> run(const Call& call) override {
    if (auto sound = check_words(); !sound) return fail(sound.error());
    const auto runtime = open_runtime(call);
    if (!runtime) return fail(runtime.error());
    return action_ == "ls" ? list(**runtime) : remove(**runtime);
  }

 private:
  Status check_words() const {
    if (action_ != "ls" && action_ != "rm")
      return fail(ErrorKind::InvalidSpec, "there is no action " + printable(action_, 60),
                  specs::suggestion(action_, actions));
    if (action_ == "ls" && !names_.empty())
      return fail(ErrorKind::InvalidSpec, "volume ls takes no names", "write: ringfort volume ls");
    if (action_ == "rm" && names_.empty())
      return fail(ErrorKind::InvalidSpec, "volume rm takes names",
                  "write: ringfort volume rm NAME...");
    return {};
  }

  Result<int> list(Runtime& runtime) const {
    const auto volumes = runtime.list_volumes();
    if (!volumes) return fail(volumes.error());
    Table table{{"NAME", "SIZE", "USED BY"}};
    Json all = Json::array();
    for (const auto& volume : *volumes) {
      std::string users;
      for (const auto& user : volume.used_by) users += (users.empty() ? "" : " ") + user;
      table.add({printable(volume.name), to_string(Bytes{volume.bytes}), users});
      Json value;
      value["name"] = volume.name;
      value["bytes"] = volume.bytes;
      value["used_by"] = volume.used_by;
      all.push_back(std::move(value));
    }
    if (is_json_) {
      print(all);
    } else if (!volumes->empty()) {
      print(table);
    }
    return 0;
  }

  /// All that can be removed are; the first error is the answer.
  Result<int> remove(Runtime& runtime) const {
    std::vector<std::string> removed;
    std::optional<Error> first;
    for (const auto& name : names_) {
      auto done = runtime.remove_volume(name);
      if (done) {
        removed.push_back(name);
      } else if (!first) {
        first = std::move(done.error());
      }
    }
    if (is_json_) print(Json{{"removed", removed}});
    if (first) return fail(*std::move(first));
    return 0;
  }

  std::string action_;
  std::vector<std::string> names_;
  bool is_json_ = false;
};

}  // namespace

std::unique_ptr<Command> make_volume() { return std::make_unique<Volume>(); }

}  // namespace ringfort::cli
