#include "ringfort/specs/enforcement.hpp"

#include "ringfort/specs/names.hpp"
#include "ringfort/specs/nearest.hpp"
#include "ringfort/specs/used_fields.hpp"
#include "ringfort/specs/words.hpp"

#include <algorithm>
#include <set>

namespace ringfort::specs {
namespace {

/// Layers of a sandbox: whether they hold is the machine's to say, not a field's.
constexpr auto protections = word_list("landlock", "namespaces", "seccomp", "cgroup");

/// Short names for fields, as people ask for them.
struct Alias {
  std::string_view name;
  std::string_view path;
};
constexpr auto aliases = std::to_array<Alias>({
    {"memory", "resources.memory"},
    {"cpu", "resources.cpu"},
    {"pids", "resources.pids_limit"},
    {"gpu", "resources.gpu"},
});

std::string_view full_path(std::string_view text) {
  for (const auto& alias : aliases) {
    if (alias.name == text) return alias.path;
  }
  return text;
}

bool is_protection(std::string_view text) {
  return std::find(protections.begin(), protections.end(), text) != protections.end();
}

/// Is `path` the field `whole` or a part of it?
bool is_within(std::string_view path, std::string_view whole) {
  return path.starts_with(whole) && (path.size() == whole.size() || path[whole.size()] == '.');
}

/// Calls `use(rule)` for each rule that a used field falls under.
template <class Use>
void each_used_rule(const Service& service, Use use) {
  for (const auto& [path, texts] : used_fields(service)) {
    for (const auto& text : texts) {
      if (const Rule* rule = find_rule(path, text)) use(*rule);
    }
  }
}

std::string named(const Rule& rule) {
  std::string text{rule.path};
  if (!rule.value.empty()) text += " \"" + std::string{rule.value} + "\"";
  return text;
}

tl::unexpected<Error> unsupported(std::string what, const Rule& rule) {
  return fail(ErrorKind::Unsupported, std::move(what),
              rule.note.empty() ? "remove it" : std::string{rule.note});
}

/// The nearest of all that may be required, else what there is.
std::string suggested(std::string_view wanted, const std::set<std::string>& paths) {
  std::vector<std::string_view> known(protections.begin(), protections.end());
  for (const auto& alias : aliases) known.push_back(alias.name);
  known.insert(known.end(), paths.begin(), paths.end());
  if (const auto near = nearest(wanted, known)) return "write " + std::string{*near};
  return "write landlock, namespaces, seccomp, cgroup, memory, pids, or a field such as "
         "endpoints.port";
}

}  // namespace

std::string_view to_string(Verdict verdict) {
  switch (verdict) {
    case Verdict::Enforced:
      return "enforced";
    case Verdict::NotYet:
      return "not enforced yet";
    case Verdict::Refused:
      return "refused";
  }
  return "not enforced yet";
}

const Rule* find_rule(std::string_view path, std::string_view value) {
  const Rule* best = nullptr;
  for (const Rule& rule : enforcement_table()) {
    if (!is_within(path, rule.path)) continue;
    if (!rule.value.empty() && !(rule.path == path && value.starts_with(rule.value))) continue;
    const bool is_closer = best == nullptr || rule.path.size() > best->path.size() ||
                           (rule.path == best->path && rule.value.size() > best->value.size());
    if (is_closer) best = &rule;
  }
  return best;
}

std::vector<std::string> not_enforced(const Service& service) {
  std::set<std::string> paths;
  each_used_rule(service, [&](const Rule& rule) {
    if (rule.verdict == Verdict::NotYet) paths.emplace(rule.path);
  });
  return {paths.begin(), paths.end()};
}

Status check_enforceable(const Service& service) {
  const Rule* refused = nullptr;
  each_used_rule(service, [&](const Rule& rule) {
    if (rule.verdict == Verdict::Refused && refused == nullptr) refused = &rule;
  });
  if (refused != nullptr) return unsupported(named(*refused) + " is refused", *refused);

  for (const auto& wanted : service.require) {
    if (Status sound = check_required(service, wanted); !sound) {
      sound.error().what.insert(0, "require: ");
      return sound;
    }
    if (is_protection(wanted)) continue;
    const auto path = full_path(wanted);
    for (const Rule& rule : enforcement_table()) {
      const bool concerns = is_within(rule.path, path) || &rule == find_rule(path);
      if (concerns && rule.value.empty() && rule.verdict != Verdict::Enforced) {
        return unsupported(
            std::string{rule.path} + " is required and " + std::string{to_string(rule.verdict)},
            rule);
      }
    }
  }
  return {};
}

std::vector<std::string> required_protections(const Service& service) {
  std::vector<std::string> wanted;
  std::copy_if(service.require.begin(), service.require.end(), std::back_inserter(wanted),
               is_protection);
  return wanted;
}

std::vector<std::string> required_fields(const Service& service) {
  std::vector<std::string> paths;
  for (const auto& wanted : service.require)
    if (!is_protection(wanted)) paths.emplace_back(full_path(wanted));
  return paths;
}

Status check_required(const Service& service, std::string_view wanted) {
  static const std::set<std::string> paths = schema_paths();
  const std::string quote = "\"" + printable(wanted, 60) + "\"";
  if (!is_protection(wanted) && !paths.contains(std::string{full_path(wanted)}))
    return fail(ErrorKind::InvalidSpec, quote + " is neither a protection nor a field",
                suggested(wanted, paths));
  // What holds nothing would be held everywhere: that can't be meant.
  const bool needs_memory = wanted == "cgroup" || full_path(wanted) == "resources.memory";
  if (needs_memory && !service.resources.memory)
    return fail(ErrorKind::InvalidSpec, quote + " is about a memory limit, and none is set",
                "write resources.memory, such as 512Mi");
  if (full_path(wanted) == "resources.pids_limit" && !service.resources.pids_limit)
    return fail(ErrorKind::InvalidSpec, quote + " is about a limit, and none is set",
                "write resources.pids_limit, such as 100");
  return {};
}

std::string markdown_table() {
  std::string text = "| Field | On Linux | |\n|---|---|---|\n";
  for (const Rule& rule : enforcement_table()) {
    text += "| `" + std::string{rule.path} + "`";
    if (!rule.value.empty()) text += " = `" + std::string{rule.value} + "`";
    text += " | " + std::string{to_string(rule.verdict)} + " | " + std::string{rule.note} + " |\n";
  }
  return text;
}

}  // namespace ringfort::specs
