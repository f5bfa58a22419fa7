#include "ringfort/platform/root_trials.hpp"

#include "ringfort/platform/host_probe.hpp"
#include "ringfort/platform/kept_answer.hpp"
#include "ringfort/platform/linux/host_trials.hpp"
#include "ringfort/platform/policy.hpp"
#include "ringfort/platform/rootfs.hpp"

#include <utility>

#include <fcntl.h>
#include <sys/stat.h>

namespace ringfort::platform {
namespace {

constexpr int kDirectory = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
constexpr std::uint32_t kSomebody = 65534;  ///< whose root it is in the trial, at root

/// A container directory, and an image beside it.
struct Stage {
  std::string path;

  Status make() const {
    for (const char* below :
         {"", "/image", "/image/proc", "/rootfs", "/overlay", "/overlay/upper", "/overlay/work"})
      if (::mkdir((path + below).c_str(), 0700) != 0)
        return fail(os_error("cannot make " + path + below));
    // The root's own mode: somebody else is to pass through it.
    if (::chmod((path + "/overlay/upper").c_str(), 0755) != 0)
      return fail(os_error("cannot chmod " + path));
    return {};
  }
};

LaunchPlan overlay_plan(const Stage& stage, const HostFacts& host) {
  auto plan = trial_plan(Level::Namespaces, host);
  plan.flags &= ~std::uint32_t{wire::kRootIsTmpfs};
  plan.root = stage.path + "/rootfs";
  MountPlan overlay{wire::MountKind::Overlay,
                    0,
                    stage.path + "/image",
                    "/",
                    stage.path + "/" + kOverlayName,
                    0,
                    0};
  if (host.root) {
    plan.uid = plan.gid = kSomebody;
    plan.flags |= wire::kChangeIds;
    overlay.flags |= wire::kIdmapped;
    overlay.idmap_uid = host.uid;
    overlay.idmap_gid = host.gid;
  }
  plan.mounts.insert(plan.mounts.begin(), std::move(overlay));
  plan.mounts.push_back({wire::MountKind::File, 0, {}, "/trial", "written", 0, 0});
  return plan;
}

}  // namespace

bool copy_is_dearer(const Image& image, bool has_reflink) {
  // Measured by ringfort-bench clones on 2 cores, ext4, Linux 6.18: create takes 12 us more for
  // each file and 250 us more for each MiB that is copied; an overlay adds 300 to 420 us to a life.
  constexpr std::uint64_t kOverlay = 400;
  constexpr std::uint64_t kFile = 12;
  constexpr std::uint64_t kMebibyte = 250;
  const auto copied = has_reflink ? 0 : image.bytes * kMebibyte >> 20;
  return image.files * kFile + copied > kOverlay;
}

Status try_overlay_root(const std::string& directory, const std::string& name, Spawner& spawner) {
  const Stage stage{directory + "/" + name};
  Status tried = stage.make();
  if (tried) tried = run_trial(overlay_plan(stage, host_facts()), spawner);
  const Fd parent{::open(directory.c_str(), kDirectory)};
  if (parent) (void)remove_tree(parent.get(), name);
  if (tried) return {};
  return fail(ErrorKind::Unsupported, "no root can be an overlay here: " + tried.error().what,
              "use --rootfs auto or visible; what this machine offers: ringfort doctor");
}

Status RootTrials::try_overlay(Spawner& spawner) const {
  const KeptAnswer kept(data_dir_ + "/.overlay");
  if (kept.is_yes()) return {};
  auto tried = try_overlay_root(data_dir_ + "/.staging", nonce_ + ".overlay", spawner);
  if (tried) kept.keep_yes();
  return tried;
}

Status RootTrials::overlay_over(const Image& image, Spawner& spawner) {
  const std::lock_guard lock(mutex_);
  if (!overlay_) overlay_ = try_overlay(spawner);
  if (!*overlay_) return *overlay_;
  // A container's user stands for one user of the disk, the runtime's.
  struct stat status {};
  if (::stat(image.rootfs.c_str(), &status) == 0 && status.st_uid == host_facts().uid) return {};
  return fail(
      ErrorKind::Unsupported,
      "image '" + image.name + "' is another user's: an overlay would not be the container's",
      "register it anew as this user, or use --rootfs visible");
}

bool RootTrials::has_reflink() {
  const std::lock_guard lock(mutex_);
  if (!reflink_) reflink_ = survey_data_dir(data_dir_, {}).reflink == 0;
  return *reflink_;
}

}  // namespace ringfort::platform
