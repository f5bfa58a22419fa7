#include "measure.hpp"

#include "ringfort/api/runtime.hpp"

#include <algorithm>
#include <cstdio>

namespace ringfort::bench {

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

int refuse(const Error& error) {
  std::fprintf(stderr, "ringfort-bench: %s\n", to_string(error).c_str());
  return 1;
}

Result<Isolation> level_named(const std::string& text) {
  const auto level = parse_isolation(text);
  if (!level || *level == Isolation::Auto)
    return fail(ErrorKind::InvalidSpec, "\"" + text + "\" is not a level",
                "write --level landlock, namespaces or network");
  return *level;
}

Result<std::unique_ptr<Runtime>> open_runtime(const cli::Workplace& place, Isolation level) {
  RuntimeConfig config;
  config.data_dir = place.data();
  config.isolation = level;
  auto runtime = Runtime::open(std::move(config));
  if (!runtime) return runtime;
  for (const std::string payload : {"noop", "stamp"})
    if (auto added = (*runtime)->register_local_rootfs(payload, place.image(payload)); !added)
      return fail(added.error());
  return runtime;
}

Result<Stage> open_stage(const std::string& level, const std::string& base) {
  const auto named = level_named(level);
  if (!named) return fail(named.error());
  auto place = cli::Workplace::make(base);
  if (!place) return fail(place.error());
  auto runtime = open_runtime(*place, *named);
  if (!runtime) return fail(runtime.error());
  return Stage{std::move(*place), std::move(*runtime)};
}

}  // namespace ringfort::bench
