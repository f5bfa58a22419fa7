#include "ringfort/api/runtime.hpp"
#include "ringfort/cli/commands/verbs.hpp"
#include "ringfort/cli/options.hpp"
#include "ringfort/cli/output/json.hpp"
#include "ringfort/cli/output/words.hpp"
#include "ringfort/cli/spec_file.hpp"
#include "ringfort/specs/names.hpp"

#include <CLI/CLI.hpp>

#include <unistd.h>

namespace ringfort::cli {
namespace {

class Explain : public Command {
 public:
  void declare(CLI::App& app) override {
    add_word(app, "SPEC", "the YAML file", path_, true);
    add_word(app, "SERVICE", "only this one", service_, false);
    add_flag(app, "--seatbelt", "the Seatbelt profile", is_seatbelt_);
    add_flag(app, "--linux", "the Linux launch plan", is_linux_);
    add_flag(app, "--gaps", "what each isolation would leave open of it", is_gaps_);
    add_option(app, "--isolation", "LEVEL", "auto (default), landlock, namespaces or network",
               into(parse_isolation_flag, isolation_));
    add_flag(app, "--json", "print all three (or the gaps) as JSON", is_json_);
  }

  Result<int> run(const Call& call) override {
    (void)call;
    const auto deployment = load_spec(path_);
    if (!deployment) return kOwnError;
    if (!service_.empty() && !deployment->services.contains(service_))
      return fail(ErrorKind::NotFound,
                  "there is no service " + printable(service_, 60) + " in " + printable(path_, 200),
                  "see them all: ringfort explain " + printable(path_, 200));
    std::string text;
    Json all = Json::object();
    for (const auto& [name, service] : deployment->services) {
      if (!service_.empty() && name != service_) continue;
      if (service_.empty()) text += "# " + name + "\n";
      if (is_gaps_) {
        const auto gaps = explain_gaps(service, {});
        if (!gaps) return fail(gaps.error());
        all[name] = to_value(*gaps);
        text += text_of(*gaps);
        continue;
      }
      RunOptions options;
      options.rootfs = RootfsMode::Auto;  // as `up` has it
      const auto explanation = explain(service, options, isolation_);
      if (!explanation) return fail(explanation.error());
      all[name] = to_value(*explanation);
      text += chosen(*explanation);
    }
    write_all(STDOUT_FILENO, is_json_ ? dump(all) + "\n" : text);
    return 0;
  }

 private:
  static Json to_value(const Explanation& explanation) {
    Json value;
    value["policy"] = explanation.policy;
    value["seatbelt"] = explanation.seatbelt;
    value["linux"] = explanation.linux_plan;
    value["missing"] = explanation.missing;
    return value;
  }

  static Json to_value(const std::vector<Gaps>& all) {
    Json value = Json::object();
    for (const auto& gaps : all)
      value[gaps.isolation] = {{"possible", gaps.is_possible},
                               {"note", gaps.note.empty() ? Json(nullptr) : Json(gaps.note)},
                               {"open", gaps.open},
                               {"not_enforced", gaps.not_enforced}};
    return value;
  }

  static std::string text_of(const std::vector<Gaps>& all) {
    std::string text;
    for (const auto& gaps : all) {
      text += gaps.isolation + (gaps.is_possible ? "" : " (" + gaps.note + ")") + "\n";
      for (const auto& sentence : gaps.open) text += "  " + printable(sentence, 500) + "\n";
      for (const auto& field : gaps.not_enforced) text += "  " + field + " is not enforced\n";
    }
    return text;
  }

  std::string chosen(const Explanation& explanation) const {
    if (is_seatbelt_ || is_linux_) {
      return (is_seatbelt_ ? explanation.seatbelt : std::string{}) +
             (is_linux_ ? explanation.linux_plan : std::string{});
    }
    std::string text = explanation.policy;
    for (const auto& sentence : explanation.missing) text += "missing: " + sentence + "\n";
    return text;
  }

  std::string path_;
  std::string service_;
  Isolation isolation_ = Isolation::Auto;
  bool is_seatbelt_ = false;
  bool is_linux_ = false;
  bool is_gaps_ = false;
  bool is_json_ = false;
};

}  // namespace

std::unique_ptr<Command> make_explain() { return std::make_unique<Explain>(); }

}  // namespace ringfort::cli
