// Which fields of a service say something: those that differ from what an empty one has.
#pragma once

#include "ringfort/specs/deployment.hpp"

#include <map>
#include <set>
#include <string>

namespace ringfort::specs {

/// By schema path (without indices; the kind of a variant is part of it), the texts that stand
/// there: `{"storage.named": {""}, "storage.named.size": {"1Gi"}, "rtype": {"job"}}`.
using UsedFields = std::map<std::string, std::set<std::string>>;

UsedFields used_fields(const Service& service);

/// Every path that `used_fields` can give.
std::set<std::string> schema_paths();

}  // namespace ringfort::specs
