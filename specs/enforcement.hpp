// What this release does with each field of a service on Linux: enforce it, refuse it, or read it
// and say that it is not enforced yet. One table; flipping an entry is one word there.
#pragma once

#include "ringfort/specs/deployment.hpp"
#include "ringfort/specs/result.hpp"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ringfort::specs {

enum class Verdict { Enforced, NotYet, Refused };
std::string_view to_string(Verdict verdict);

/// Holds for the field at `path` and all below it, unless a longer path or a value says more.
struct Rule {
  std::string_view path;   ///< as in YAML, without indices: `endpoints.port`, `storage.named.size`
  std::string_view value;  ///< how the field's text begins; empty = any
  Verdict verdict = Verdict::NotYet;
  std::string_view note;
};

std::span<const Rule> enforcement_table();

/// The rule for a field, and for a text in it. Null when the schema has no such field.
const Rule* find_rule(std::string_view path, std::string_view value = {});

/// Fields that `service` sets to something else than the default and nobody enforces, sorted.
std::vector<std::string> not_enforced(const Service& service);

/// Unsupported for what is refused, and for what `require` names and is not enforced.
Status check_enforceable(const Service& service);

/// The entries of `require` that only the machine can answer: `landlock`, `namespaces`, ... The
/// platform compares them with the layers it holds.
std::vector<std::string> required_protections(const Service& service);

/// The fields that `require` names, by path. Whether one of them holds may depend on level and
/// user.
std::vector<std::string> required_fields(const Service& service);

/// What is wrong with an entry of `require`: it is neither a protection (landlock, namespaces,
/// seccomp, cgroup) nor a field's path (memory, cpu, pids and gpu are short for one), or it is a
/// limit that the service does not set. InvalidSpec with the remedy.
Status check_required(const Service& service, std::string_view wanted);

/// For docs: one row a rule.
std::string markdown_table();

}  // namespace ringfort::specs
