// The runtime as this command wants it: small, and gone with it.
#pragma once

#include "ringfort/api/runtime.hpp"
#include "ringfort/cli/command.hpp"

namespace ringfort::cli {

/// One actor worker, containers that end with us, the data directory of the call.
Result<RuntimeConfig> runtime_config(const Call& call);

/// Opens it.
Result<std::unique_ptr<Runtime>> open_runtime(const Call& call);

}  // namespace ringfort::cli
