// The rules that parsing leaves out: names, ranges, references, cycles. Pure.
#pragma once

#include "ringfort/specs/deployment.hpp"
#include "ringfort/specs/problem.hpp"

#include <functional>
#include <string>

namespace ringfort::specs {

/// Everything wrong with `deployment`, in the order of the document when `positions` knows it.
Problems validate(const Deployment& deployment, const PositionMap& positions = {});

/// Devices that `is_there` denies: what only the machine can answer for.
Problems missing_devices(const Deployment& deployment, const PositionMap& positions,
                         const std::function<bool(const std::string&)>& is_there);

}  // namespace ringfort::specs
