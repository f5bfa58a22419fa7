// When which service of a deployment may start. Pure.
#pragma once

#include "ringfort/specs/deployment.hpp"
#include "ringfort/specs/names.hpp"

#include <string>
#include <vector>

namespace ringfort::cli {

/// Names of the services, each behind all that it depends on, else by name. For a deployment
/// without cycles, as validate leaves it.
std::vector<std::string> start_order(const specs::Deployment& deployment);

/// `service`'s replicas as they are when it starts.
std::vector<ContainerId> replicas_of(const std::string& name, const specs::Service& service);

/// How far a service is.
enum class Progress { Waiting, Started, Completed, Failed };

enum class Readiness { Ready, NotYet, Never };

/// Whether `condition` on a service of this kind and progress holds. Of a job, `healthy` and
/// `ready` mean that it ended well; of all else they mean started, as nothing here looks at health
/// yet.
Readiness readiness(specs::DependsCondition condition, specs::ResourceType kind, Progress progress);

}  // namespace ringfort::cli
