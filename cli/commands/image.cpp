#include "ringfort/cli/commands/verbs.hpp"
#include "ringfort/cli/options.hpp"
#include "ringfort/cli/output/json.hpp"
#include "ringfort/cli/output/table.hpp"
#include "ringfort/cli/output/words.hpp"
#include "ringfort/cli/paths.hpp"
#include "ringfort/cli/runtime_config.hpp"
#include "ringfort/specs/names.hpp"
#include "ringfort/specs/nearest.hpp"

#include <CLI/CLI.hpp>

#include <array>
#include <filesystem>

#include <unistd.h>

namespace ringfort::cli {
namespace {

constexpr std::array<std::string_view, 4> actions{"add", "ls", "rm", "prune"};

class Image : public Command {
 public:
  void declare(CLI::App& app) override {
    add_word(app, "ACTION", "add, ls, rm or prune", action_, true);
    add_word(app, "NAME", "of the image: add, rm", name_, false);
    add_word(app, "DIR", "its root directory: add", directory_, false);
    add_flag(app, "--force", "rm: also while containers use it", is_forced_);
    add_flag(app, "--json", "print the result as JSON", is_json_);
  }

  Result<int> run(const Call& call) override {
    if (auto sound = check_words(); !sound) return fail(sound.error());
    const auto runtime = open_runtime(call);
    if (!runtime) return fail(runtime.error());
    if (action_ == "ls") return list(**runtime);
    if (action_ == "prune") return prune(**runtime);
    const auto done =
        action_ == "add" ? add(**runtime) : (*runtime)->remove_image(name_, is_forced_);
    if (!done) return fail(done.error());
    if (is_json_) print(Json{{action_ == "add" ? "added" : "removed", name_}});
    return 0;
  }

 private:
  Status check_words() const {
    std::size_t words = 0;
    if (action_ == "add") {
      words = 2;
    } else if (action_ == "rm") {
      words = 1;
    } else if (action_ != "ls" && action_ != "prune") {
      return fail(ErrorKind::InvalidSpec, "there is no action " + printable(action_, 60),
                  specs::suggestion(action_, actions));
    }
    const std::size_t given = (name_.empty() ? 0 : 1) + (directory_.empty() ? 0 : 1);
    if (given == words) return {};
    return fail(ErrorKind::InvalidSpec,
                "image " + action_ + " takes " + std::to_string(words) + " words behind it, not " +
                    std::to_string(given),
                words == 2 ? "write: ringfort image add NAME DIR"
                           : "write: ringfort image " + action_ + (words == 1 ? " NAME" : ""));
  }

  Status add(Runtime& runtime) const {
    auto visible = visible_paths(directory_, std::filesystem::current_path().string());
    if (!visible) return fail(visible.error());
    return runtime.register_local_rootfs(name_, visible->front());
  }

  Result<int> list(Runtime& runtime) const {
    const auto images = runtime.list_images();
    if (!images) return fail(images.error());
    Table table{{"NAME", "SIZE", "NATIVE"}};
    Json all = Json::array();
    for (const auto& image : *images) {
      table.add(
          {printable(image.name), to_string(Bytes{image.bytes}), image.native ? "yes" : "no"});
      Json value;
      value["name"] = image.name;
      value["bytes"] = image.bytes;
      value["native"] = image.native;
      all.push_back(std::move(value));
    }
    if (is_json_) {
      print(all);
    } else if (!images->empty()) {
      print(table);
    }
    return 0;
  }

  Result<int> prune(Runtime& runtime) const {
    const auto removed = runtime.prune_images();
    if (!removed) return fail(removed.error());
    if (is_json_) {
      print(Json{{"removed", *removed}});
    } else {
      for (const auto& name : *removed) write_all(STDOUT_FILENO, printable(name) + "\n");
    }
    return 0;
  }

  std::string action_;
  std::string name_;
  std::string directory_;
  bool is_forced_ = false;
  bool is_json_ = false;
};

}  // namespace

std::unique_ptr<Command> make_image() { return std::make_unique<Image>(); }

}  // namespace ringfort::cli
