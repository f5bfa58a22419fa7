#include "ringfort/cli/bench/live_memory.hpp"

#include "ringfort/platform/fd.hpp"

#include <array>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <map>

#include <unistd.h>

namespace ringfort::cli {
namespace {

namespace fs = std::filesystem;

/// Bytes; empty when it has no such field or may not be read.
std::optional<std::uint64_t> field_of(const std::string& path, std::string_view key) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);)
    if (line.starts_with(key)) return std::stoull(line.substr(key.size())) * 1024;
  return std::nullopt;
}

/// Every process of the machine under its parent.
std::multimap<int, int> children() {
  std::multimap<int, int> all;
  std::error_code error;
  for (fs::directory_iterator it("/proc", error), end; !error && it != end; it.increment(error)) {
    const auto name = it->path().filename().string();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    std::ifstream file(it->path() / "stat");
    std::string text;
    // Not by a streambuf_iterator: it throws when the process ends here (ESRCH).
    std::getline(file, text, '\0');
    const auto behind = text.rfind(')');  // the name may hold anything
    if (behind == std::string::npos || behind + 4 >= text.size()) continue;
    all.emplace(std::stoi(text.substr(behind + 4)), std::stoi(name));
  }
  return all;
}

/// Ringfort's helper runs from memory, under no name of the file system. Error where the kernel
/// does not tell: what is not counted must not look like nothing.
Result<bool> is_helper(const std::string& process) {
  std::array<char, 64> target{};
  const auto size = ::readlink((process + "/exe").c_str(), target.data(), target.size());
  if (size < 0 && errno != ENOENT && errno != ESRCH)
    return fail(ErrorKind::Unsupported, "what a process of a container runs can't be read",
                "run it as root");
  return size > 0 &&
         std::string_view{target.data(), static_cast<std::size_t>(size)}.starts_with("/memfd:");
}

/// PSS of the helpers below `parent`.
Result<std::uint64_t> helpers_below(int parent, const std::multimap<int, int>& all) {
  std::uint64_t bytes = 0;
  const auto [first, last] = all.equal_range(parent);
  for (auto it = first; it != last; ++it) {
    const auto process = "/proc/" + std::to_string(it->second);
    const auto helper = is_helper(process);
    if (!helper) return fail(helper.error());
    if (*helper) {
      const auto pss = field_of(process + "/smaps_rollup", "Pss:");
      if (!pss)
        return fail(ErrorKind::Unsupported, "the memory of a helper process can't be read",
                    "run it as root");
      bytes += *pss;
    }
    auto below = helpers_below(it->second, all);
    if (!below) return below;
    bytes += *below;
  }
  return bytes;
}

/// For each of `count` containers; what can't be started or removed is in the figures.
Figures for_each(std::size_t first, std::size_t last,
                 const std::function<Status(const ContainerId&)>& act,
                 const std::stop_token& stop) {
  return run_lives({last - first, 32, {}, stop}, [&](std::size_t number) -> Result<LifeTimes> {
    const ContainerId id{"sleeper-" + std::to_string(first + number), 1};
    if (auto done = act(id); !done) return fail(done.error());
    return LifeTimes{};
  });
}

Status outcome(const Figures& figures) {
  if (figures.failures == 0) return {};
  return fail(ErrorKind::Internal, figures.first_error, {});
}

}  // namespace

Result<MemoryPoint> memory_now(std::size_t live) {
  const auto rss = field_of("/proc/self/status", "VmRSS:");
  const auto pss = field_of("/proc/self/smaps_rollup", "Pss:");
  if (!rss || !pss)
    return fail(ErrorKind::Unsupported, "this kernel has no /proc/self/smaps_rollup", {});
  const auto helpers = helpers_below(::getpid(), children());
  if (!helpers) return fail(helpers.error());
  return MemoryPoint{live, *rss, *pss, *pss + *helpers};
}

Result<std::vector<MemoryPoint>> memory_over(Runtime& runtime,
                                             std::shared_ptr<const specs::Service> service,
                                             const std::vector<std::size_t>& counts,
                                             const std::stop_token& stop) {
  std::vector<MemoryPoint> points;
  std::size_t live = 0;
  Status went_well;
  for (const auto count : counts) {
    const auto started = for_each(
        live, count,
        [&](const ContainerId& id) -> Status {
          if (auto made = runtime.create_container(id, service); !made) return fail(made.error());
          if (auto begun = runtime.start_container(id); !begun) return fail(begun.error());
          return {};
        },
        stop);
    live = count;
    went_well = outcome(started);
    if (!went_well || stop.stop_requested()) break;
    const auto point = memory_now(live);
    went_well = point ? Status{} : Status{fail(point.error())};
    if (!went_well) break;
    points.push_back(*point);
  }
  const auto removed = outcome(for_each(
      0, live,
      [&](const ContainerId& id) -> Status {
        (void)runtime.kill_container(id, "KILL");  // one that never began has nothing to kill
        (void)runtime.wait_container(id, std::chrono::seconds{10});
        return runtime.remove_container(id);
      },
      {}));
  if (!went_well) return fail(went_well.error());
  if (!removed) return fail(removed.error());
  return points;
}

}  // namespace ringfort::cli
