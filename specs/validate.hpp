// The rules that parsing leaves out: names, ranges, references, cycles. Pure.
#pragma once

#include "ringfort/specs/deployment.hpp"
#include "ringfort/specs/problem.hpp"

namespace ringfort::specs {

/// Everything wrong with `deployment`, in the order of the document when `positions` knows it.
Problems validate(const Deployment& deployment, const PositionMap& positions = {});

}  // namespace ringfort::specs
