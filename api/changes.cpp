#include "ringfort/api/changes.hpp"

#include "ringfort/api/stand_in.hpp"
#include "ringfort/platform/data_directory.hpp"
#include "ringfort/platform/fd.hpp"
#include "ringfort/platform/host_probe.hpp"
#include "ringfort/platform/image_store.hpp"
#include "ringfort/platform/launch_plan.hpp"
#include "ringfort/platform/policy.hpp"
#include "ringfort/platform/record_files.hpp"
#include "ringfort/platform/tree_changes.hpp"
#include "ringfort/specs/container_record.hpp"

#include <utility>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

namespace ringfort {
namespace {

using platform::Fd;

constexpr int kDirectory = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

Result<specs::ContainerRecord> record_of(const std::string& data_dir, const ContainerId& id) {
  const auto state = data_dir + "/state/" + id.str();
  const Fd dir{::open(state.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)};
  if (!dir)
    return fail(ErrorKind::NotFound, "there is no container " + id.str(),
                "see them all: ringfort ps -a");
  const auto text = platform::read_record(dir.get());
  if (!text) return fail(text.error());
  return specs::parse_container_record(*text);
}

/// Locked against removal, as those who clone it do.
Result<Fd> open_image(const platform::Image& image) {
  Fd fd{::open(image.rootfs.c_str(), kDirectory)};
  if (!fd || platform::again_after_signal([&] { return ::flock(fd.get(), LOCK_SH); }) != 0)
    return fail(platform::os_error("cannot open " + image.rootfs));
  return fd;
}

/// Where the runtime mounts something onto a directory that it makes first.
std::vector<std::string> mounted_in(const specs::ContainerRecord& record, std::string directory) {
  std::vector<std::string> targets;
  auto context = context_of(record.service, record.options);
  context.container_dir = std::move(directory);
  context.native_image = record.native_image;
  const auto policy = platform::make_policy(record.service, record.options, context);
  if (!policy) return targets;
  const auto plan = platform::make_launch_plan(*policy, command_of(record.service, record.options),
                                               record.level, platform::host_facts());
  if (!plan) return targets;
  for (const auto& mount : plan->mounts)
    if ((mount.flags & wire::kMakePoint) != 0) targets.push_back(mount.target);
  return targets;
}

char letter(platform::ChangeKind kind) {
  if (kind == platform::ChangeKind::Added) return 'A';
  return kind == platform::ChangeKind::Changed ? 'C' : 'D';
}

}  // namespace

Result<ContainerChanges> container_changes(const std::string& data_dir, const ContainerId& id) {
  std::error_code error;
  const auto data = platform::absolute_path(data_dir, error);
  if (auto sound = check(id); !sound) return fail(sound.error());
  const auto record = record_of(data, id);
  if (!record) return fail(record.error());
  const auto& name = record->service.image.name;
  if (name == "host")
    return fail(ErrorKind::InvalidSpec, id.str() + " has no image, and no root of its own",
                "what it may write is in its volumes and --write paths");
  const auto store = platform::ImageStore::open(data + "/images", data + "/.staging");
  if (!store) return fail(store.error());
  const auto image = store->find(name);
  if (!image) return fail(image.error());
  const auto image_fd = open_image(*image);
  if (!image_fd) return fail(image_fd.error());

  const auto directory = data + "/containers/" + id.str();
  const auto overlay = directory + "/" + platform::kOverlayName;
  const auto root = record->overlay ? overlay + "/upper" : directory + "/rootfs";
  const Fd fd{::open(root.c_str(), kDirectory)};
  struct stat work {};
  if (!fd || (record->overlay && ::stat((overlay + "/work").c_str(), &work) != 0))
    return fail(platform::os_error("cannot open " + root));
  const platform::ChangedTree tree{fd.get(), record->overlay,
                                   work.st_uid == 0 ? "trusted." : "user.", image->mount_points,
                                   mounted_in(*record, directory)};
  auto found = platform::compare_trees(image_fd->get(), tree);
  if (!found) return fail(std::move(found.error()));
  ContainerChanges changes{record->overlay, {}, found->is_cut};
  for (auto& change : found->all)
    changes.changes.push_back({letter(change.kind), std::move(change.path)});
  return changes;
}

}  // namespace ringfort
