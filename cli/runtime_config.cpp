#include "ringfort/cli/runtime_config.hpp"

#include "ringfort/cli/data_dir.hpp"

namespace ringfort::cli {

Result<RuntimeConfig> runtime_config(const Call& call) {
  auto directory = find_data_dir(call.data_dir);
  if (!directory) return fail(directory.error());
  RuntimeConfig config;
  config.data_dir = *std::move(directory);
  config.on_exit = OnExit::Kill;
  config.durability = Durability::None;
  config.workers = 1;
  return config;
}

Result<std::unique_ptr<Runtime>> open_runtime(const Call& call) {
  auto config = runtime_config(call);
  if (!config) return fail(config.error());
  return Runtime::open(*std::move(config));
}

}  // namespace ringfort::cli
