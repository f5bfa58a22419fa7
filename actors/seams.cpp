// The real operating system behind the seams.
#include "ringfort/actors/context.hpp"
#include "ringfort/actors/recovery.hpp"
#include "ringfort/platform/duplicate.hpp"
#include "ringfort/platform/root_trials.hpp"

#include <chrono>

namespace ringfort::actors {

Seams real_seams(std::shared_ptr<platform::ContainerFiles> files,
                 const std::shared_ptr<platform::EventLoop>& loop) {
  Seams seams;
  seams.files = std::move(files);
  // The spawner lives on the loop: let nobody keep the one without the other.
  auto spawner = std::shared_ptr<platform::Spawner>(platform::Spawner::make(*loop));
  auto end = [kept = std::shared_ptr<platform::EventLoop>(loop),
              spawner](platform::Spawner*) mutable {
    spawner.reset();
    kept.reset();
  };
  seams.spawner = std::shared_ptr<platform::Spawner>(spawner.get(), std::move(end));
  const auto data_dir = seams.files->data_dir();
  seams.choose_level = [raw = spawner.get(), data_dir](Isolation asked, platform::Effort effort) {
    return platform::choose_level(asked, effort, *raw, data_dir);
  };
  seams.doubt_levels = [data_dir] { platform::doubt_levels(data_dir); };
  const auto roots = std::make_shared<platform::RootTrials>(data_dir, seams.files->owner_nonce());
  seams.check_overlay = [roots, raw = spawner.get()](const platform::Image& image) {
    return roots->overlay_over(image, *raw);
  };
  seams.prefers_overlay = [roots](const platform::Image& image) {
    return platform::copy_is_dearer(image, roots->has_reflink());
  };
  seams.host_facts = [] { return platform::host_facts(); };
  seams.headroom = [] { return platform::look_at_headroom(); };
  seams.check_reachable = platform::check_reachable;
  seams.check_sources = platform::check_sources;
  seams.claim_port = platform::claim_port;
  seams.forget_stray_ports = [files = seams.files] { return forget_stray_ports(*files); };
  seams.tree_stats = platform::tree_stats;
  seams.is_still = platform::is_still;
  seams.tree_pss_bytes = platform::tree_pss_bytes;
  seams.has_cgroups = platform::MemoryCgroup::available;
  seams.make_cgroup = platform::MemoryCgroup::create;
  seams.reopen_cgroup = platform::MemoryCgroup::reopen;
  seams.shim_traces = platform::read_shim_traces;
  seams.now = [] {
    return std::chrono::time_point_cast<std::chrono::microseconds>(
        std::chrono::system_clock::now());
  };
  seams.boot_time = platform::boot_time;
  seams.duplicate = platform::duplicate;
  seams.uptime = [] { return std::chrono::steady_clock::now(); };
  return seams;
}

}  // namespace ringfort::actors
