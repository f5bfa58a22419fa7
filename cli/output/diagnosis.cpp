#include "ringfort/cli/output/diagnosis.hpp"

#include "ringfort/api/runtime.hpp"
#include "ringfort/cli/output/table.hpp"

namespace ringfort::cli {
namespace {

using platform::Diagnosis;
using platform::Finding;
using platform::Grade;

Colour colour_of(Grade grade) {
  if (grade == Grade::Good) return Colour::Green;
  return grade == Grade::Reduced ? Colour::Yellow : Colour::Red;
}

/// The first `grade` behind the name gets its colour; columns are counted before.
std::string coloured(std::string line, const std::string& word, Colour colour, std::size_t from,
                     const Paint& paint) {
  const auto at = line.find(word, from);
  if (at != line.npos) line.replace(at, word.size(), paint(colour, word));
  return line;
}

std::string findings_text(const Diagnosis& diagnosis, const Paint& paint) {
  Table table({"PART", "STATE", "FOUND"});
  for (const auto& finding : diagnosis.findings)
    table.add({finding.name, std::string(to_string(finding.grade)), finding.value});
  const auto lines = table.lines();
  std::string text = lines.front() + "\n";
  for (std::size_t i = 0; i < diagnosis.findings.size(); ++i) {
    const auto& finding = diagnosis.findings[i];
    text += coloured(lines[i + 1], std::string(to_string(finding.grade)), colour_of(finding.grade),
                     finding.name.size(), paint) +
            "\n";
  }
  return text;
}

bool is_default(const Diagnosis& diagnosis, const std::string& level) {
  return diagnosis.default_level && to_string(*diagnosis.default_level) == level;
}

std::string levels_text(const Diagnosis& diagnosis, const Paint& paint) {
  Table table({"LEVEL", "STATE", ""});
  for (const auto& level : diagnosis.levels)
    table.add({level.name, level.possible ? "possible" : "not possible",
               is_default(diagnosis, level.name) ? "the default" : level.why});
  const auto lines = table.lines();
  std::string text = lines.front() + "\n";
  for (std::size_t i = 0; i < diagnosis.levels.size(); ++i) {
    const auto& level = diagnosis.levels[i];
    text += coloured(lines[i + 1], level.possible ? "possible" : "not possible",
                     level.possible ? Colour::Green : Colour::Yellow, level.name.size(), paint) +
            "\n";
  }
  return text;
}

std::string advice(const std::string& name, const std::string& why, const std::string& remedy) {
  if (why.empty() && remedy.empty()) return {};
  std::string text = "\n" + name + (why.empty() ? "" : ": " + why) + "\n";
  if (!remedy.empty()) text += "  " + remedy + "\n";
  return text;
}

std::string advice_text(const Diagnosis& diagnosis) {
  std::string text;
  for (const auto& finding : diagnosis.findings)
    text += advice(finding.name, finding.why, finding.remedy);
  // A level that lacks one of these parts has its line above.
  for (const auto& level : diagnosis.levels)
    if (!level.possible && !level.remedy.empty() && text.find(level.remedy) == text.npos)
      text += advice("level " + level.name, level.why, level.remedy);
  return text;
}

Json or_null(const std::string& text) { return text.empty() ? Json(nullptr) : Json(text); }

template <class T>
Json or_null(const std::optional<T>& value) {
  return value ? Json(*value) : Json(nullptr);
}

/// null when it works, else why not.
Json failure(platform::Trial trial) {
  return trial == 0 ? Json(nullptr) : Json(platform::to_text(trial));
}

Json cgroups_value(const platform::HostSurvey& survey) {
  Json all = Json::array();
  for (const auto& one : survey.cgroups)
    all.push_back({{"version", one.version},
                   {"directory", one.directory},
                   {"controllers", one.offered},
                   {"writable", one.writable},
                   {"error", failure(one.make)}});
  return all;
}

Json machine_value(const platform::HostSurvey& survey) {
  Json value;
  value["kernel"] = survey.kernel;
  value["machine"] = survey.machine;
  value["os"] = or_null(survey.os.id);
  value["uid"] = survey.uid;
  value["landlock_abi"] = survey.landlock_abi;
  value["landlock_errata"] = or_null(survey.landlock_errata);
  value["lsm"] = or_null(survey.lsm);
  value["outer_seccomp_filter"] = survey.outer_filter;
  value["failures"] = {{"landlock", failure(survey.landlock)},
                       {"seccomp", failure(survey.seccomp)},
                       {"pidfd_open", failure(survey.pidfd)},
                       {"close_range", failure(survey.close_range)},
                       {"openat2", failure(survey.openat2)},
                       {"memfd_create", failure(survey.memfd)},
                       {"user_namespace", failure(survey.user_namespace)},
                       {"user_namespace_rights", failure(survey.namespace_rights)},
                       {"overlay", failure(survey.overlay)},
                       {"data_directory", failure(survey.data_dir.write)},
                       {"reflink", failure(survey.data_dir.reflink)}};
  value["sysctls"] = {
      {"user.max_user_namespaces", or_null(survey.max_user_namespaces)},
      {"user.max_net_namespaces", or_null(survey.max_net_namespaces)},
      {"kernel.unprivileged_userns_clone", or_null(survey.unprivileged_userns_clone)},
      {"kernel.apparmor_restrict_unprivileged_userns", or_null(survey.apparmor_restricts_userns)},
      {"kernel.pid_max", survey.pid_max},
      {"kernel.threads-max", survey.threads_max}};
  value["cgroups"] = cgroups_value(survey);
  value["memory_cgroup"] = survey.memory_cgroup;
  value["data_dir"] = {{"path", or_null(survey.data_dir.path)},
                       {"filesystem", or_null(survey.data_dir.filesystem)},
                       {"free_bytes", survey.data_dir.free_bytes}};
  value["descriptors"] = {{"soft", survey.descriptors}, {"hard", survey.most_descriptors}};
  value["processes"] = or_null(survey.processes);
  value["ephemeral_ports"] = {survey.first_ephemeral_port, survey.last_ephemeral_port};
  return value;
}

}  // namespace

std::string doctor_text(const Diagnosis& diagnosis, const Paint& paint) {
  std::string text = findings_text(diagnosis, paint) + "\n" + levels_text(diagnosis, paint);
  text += advice_text(diagnosis);
  if (!diagnosis.default_level) text += "\nno container can be made here\n";
  return text;
}

Json to_value(const platform::HostSurvey& survey, const Diagnosis& diagnosis) {
  Json value;
  value["version"] = ringfort::version();
  value["default_level"] = diagnosis.default_level
                               ? Json(std::string(to_string(*diagnosis.default_level)))
                               : Json(nullptr);
  value["levels"] = Json::array();
  for (const auto& level : diagnosis.levels)
    value["levels"].push_back({{"name", level.name},
                               {"possible", level.possible},
                               {"why", or_null(level.why)},
                               {"remedy", or_null(level.remedy)}});
  value["parts"] = Json::array();
  for (const auto& finding : diagnosis.findings)
    value["parts"].push_back({{"name", finding.name},
                              {"state", to_string(finding.grade)},
                              {"found", finding.value},
                              {"why", or_null(finding.why)},
                              {"remedy", or_null(finding.remedy)}});
  value["machine"] = machine_value(survey);
  return value;
}

}  // namespace ringfort::cli
