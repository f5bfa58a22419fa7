// why: may a program do this, by which rule, and what would change that.
#include "ringfort/api/access.hpp"
#include "ringfort/cli/commands/verbs.hpp"
#include "ringfort/cli/containers.hpp"
#include "ringfort/cli/data_dir.hpp"
#include "ringfort/cli/job.hpp"
#include "ringfort/cli/last_lines.hpp"
#include "ringfort/cli/options.hpp"
#include "ringfort/cli/output/access.hpp"
#include "ringfort/cli/output/words.hpp"
#include "ringfort/cli/spec_file.hpp"
#include "ringfort/cli/up/output.hpp"
#include "ringfort/specs/yaml_reader.hpp"

#include <CLI/CLI.hpp>

#include <unistd.h>

namespace ringfort::cli {
namespace {

/// Whose policy is asked, and where its rules stand.
struct Asked {
  AccessJudge judge;
  specs::PositionMap positions;  ///< of a spec; else empty
  std::string service;
};

class Why : public Command {
 public:
  void declare(CLI::App& app) override {
    add_word(app, "OPERATION", "read, write, exec, connect or bind; or a container's NAME, alone",
             operation_, true);
    add_word(app, "TARGET",
             "a path; for connect and bind PORT, HOST:PORT, udp:PORT, a socket's /PATH or @NAME",
             target_, false);
    add_word(app, "SPEC", "ask about a service of this YAML file, not about flags", spec_, false);
    add_word(app, "SERVICE", "which; the only one need not be named", service_, false);
    add_option(app, "--container", "NAME", "ask about a container that is there",
               into(parse_text, container_));
    add_flag(app, "--json", "print it as JSON", is_json_);
    declare_job_flags(app, flags_);
  }

  Result<int> run(const Call& call) override {
    if (target_.empty()) return explain_end(call);
    auto asked =
        spec_.empty() ? container_.empty() ? of_flags(call) : of_container(call) : of_spec(call);
    if (!asked) return fail(asked.error());
    if (!*asked) return kOwnError;  // a file that is wrong; said already
    const auto answer = (*asked)->judge.ask(operation_, target_);
    if (!answer) return fail(answer.error());
    print(*answer, **asked);
    return answer->allowed ? 0 : 1;
  }

 private:
  /// The last run of a container: how it ended, and what the policy explains of that.
  Result<int> explain_end(const Call& call) {
    const auto runtime = open_keeping_runtime(call);
    if (!runtime) return fail(runtime.error());
    const auto id = find_container(**runtime, operation_);
    if (!id) {
      Error error = id.error();
      error.hint = "write: ringfort why OPERATION TARGET, or the NAME of a container";
      return fail(std::move(error));
    }
    const auto state = (*runtime)->container_state(*id);
    if (!state) return fail(state.error());
    if (!state->exit)
      return fail(ErrorKind::Conflict, id->str() + " has not ended",
                  "wait for it: ringfort wait " + display_name(*id));
    LastLines last;
    if (is_to_explain(*state->exit)) {
      const auto log = (*runtime)->get_logs(*id, {kLines, {}});
      if (!log) return fail(log.error());
      for (const auto& entry : *log) last.add(entry);
    }
    const auto denials = probable_denials((*runtime)->config().data_dir, *id, last.take());
    print_end(*id, *state->exit, denials);
    return denials.empty() ? 0 : 1;
  }

  void print_end(const ContainerId& id, const ExitRecord& exit,
                 const std::vector<AccessAnswer>& denials) const {
    if (is_json_) {
      Json value;
      value["id"] = id.str();
      value["exit"] = to_value(exit);
      value["denials"] = Json::array();
      for (const auto& denial : denials)
        value["denials"].push_back(denial_value(denial, "probable"));
      cli::print(value);
      return;
    }
    std::string text = end_sentence(id, exit) + "\n";
    for (const auto& denial : denials) text += denial_line(denial, "probable") + "\n";
    if (denials.empty()) text += "nothing that it wrote at its end is explained by its policy\n";
    write_all(STDOUT_FILENO, text);
  }

  static constexpr std::size_t kLines = 200;  ///< of both streams: stderr's last are among them

  using Found = Result<std::optional<Asked>>;

  AccessSetting setting(const Call& call) const {
    AccessSetting setting;
    // Without a home there are no images, which is said when one is asked for.
    if (const auto data_dir = find_data_dir(call.data_dir)) setting.data_dir = *data_dir;
    setting.isolation = flags_.isolation;
    setting.directory = find_caller().logical_directory;
    return setting;
  }

  Found of_flags(const Call& call) {
    const auto job = make_job(flags_, {"true"}, find_caller());
    if (!job) return fail(job.error());
    auto about = setting(call);
    about.names_network = flags_.net.has_value();
    auto judge = AccessJudge::make(job->service, job->options, about);
    if (!judge) return fail(judge.error());
    return Asked{std::move(*judge), {}, {}};
  }

  Found of_container(const Call& call) {
    const auto runtime = open_keeping_runtime(call);
    if (!runtime) return fail(runtime.error());
    const auto id = find_container(**runtime, container_);
    if (!id) return fail(id.error());
    auto judge = AccessJudge::of_container(*id, setting(call));
    if (!judge) return fail(judge.error());
    return Asked{std::move(*judge), {}, {}};
  }

  Found of_spec(const Call& call) {
    if (!container_.empty())
      return fail(ErrorKind::InvalidSpec, "a file and --container are two policies",
                  "leave one out");
    auto parsed = specs::load_deployment_with_positions(spec_);
    if (!parsed) {
      print_problems(parsed.error(), spec_);
      return std::optional<Asked>{};
    }
    const auto& services = parsed->value.services;
    if (service_.empty() && services.size() == 1) service_ = services.begin()->first;
    const auto service = services.find(service_);
    if (service == services.end())
      return fail(ErrorKind::NotFound,
                  service_.empty() ? "there are several services in " + printable(spec_, 200)
                                   : "there is no service " + printable(service_, 60) + " in " +
                                         printable(spec_, 200),
                  "name one: ringfort why " + operation_ + " TARGET " + printable(spec_, 200) +
                      " " + services.begin()->first);
    auto about = setting(call);
    about.is_spec = true;
    auto judge = AccessJudge::make(service->second, {}, about);
    if (!judge) return fail(judge.error());
    return Asked{std::move(*judge), std::move(parsed->positions), service_};
  }

  static std::string place_of(const AccessAnswer& answer, const Asked& asked) {
    const auto& rule = answer.rule ? answer.rule : answer.nearest;
    if (!rule || rule->field.empty() || asked.service.empty()) return {};
    const auto at = asked.positions.find("services." + asked.service + "." + rule->field);
    if (at.line == 0) return {};
    return asked.positions.file() + ":" + std::to_string(at.line) + ":" + std::to_string(at.column);
  }

  void print(const AccessAnswer& answer, const Asked& asked) const {
    const auto place = place_of(answer, asked);
    if (!is_json_) {
      const Paint paint{may_colour(STDOUT_FILENO)};
      write_all(STDOUT_FILENO, text_of(answer, place, paint));
      return;
    }
    auto value = to_value(answer);
    value["place"] = place.empty() ? Json(nullptr) : Json(place);
    cli::print(value);
  }

  std::string operation_;
  std::string target_;
  std::string spec_;
  std::string service_;
  std::string container_;
  JobFlags flags_;
  bool is_json_ = false;
};

}  // namespace

std::unique_ptr<Command> make_why() { return std::make_unique<Why>(); }

}  // namespace ringfort::cli
