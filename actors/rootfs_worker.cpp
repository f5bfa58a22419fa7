// Where blocking work on images and container files is really done.
#include "ringfort/actors/recovery.hpp"
#include "ringfort/actors/root_choice.hpp"
#include "ringfort/actors/rootfs.hpp"
#include "ringfort/actors/site.hpp"
#include "ringfort/actors/volumes.hpp"
#include "ringfort/messages/caf_scheduler.hpp"
#include "ringfort/platform/log_reader.hpp"

#include <cerrno>
#include <type_traits>

namespace ringfort::actors {

namespace {

using namespace messages;

platform::PullPolicy as_platform(specs::PullPolicy policy) {
  switch (policy) {
    case specs::PullPolicy::Always:
      return platform::PullPolicy::Always;
    case specs::PullPolicy::Newer:
      return platform::PullPolicy::Newer;
    case specs::PullPolicy::IfNotPresent:
      return platform::PullPolicy::IfNotPresent;
    case specs::PullPolicy::Never:
      return platform::PullPolicy::Never;
  }
  return platform::PullPolicy::IfNotPresent;
}

class RootfsWorker {
 public:
  using Handle = RootfsHandle;
  static constexpr const char* name = "ringfort.rootfs_worker";

  RootfsWorker(Self<Handle>, Settings settings, Seams seams, RootfsInbox owner, std::size_t number,
               std::shared_ptr<FileThreads> thread)
      : thread_(std::move(thread)),
        settings_(std::move(settings)),
        seams_(std::move(seams)),
        owner_(std::move(owner)),
        number_(number) {}

  Handle::behavior_type make_behavior() {
    return {
        [this](const RegisterImage& add) {
          return after([&] { return on_register(add); }, add.image);
        },
        [this](const PullImage& pull) {
          return after([&] { return images().pull(pull.image, as_platform(pull.policy)); });
        },
        [this](ListImages) { return after([this] { return on_list(); }); },
        [this](const RemoveImage& remove) {
          return after([&] {
            return images().remove(remove.image, remove.force, in_use(remove.in_use),
                                   check_overlays());
          });
        },
        [this](const PruneImages& prune) { return after([&] { return on_prune(prune); }); },
        [this](ListVolumes) { return after([this] { return list_volumes(*seams_.files); }); },
        [this](const RemoveVolume& remove) {
          return after([&] { return remove_volume(remove.name, *seams_.files); });
        },
        [this](const Build& build) {
          return after([&] {
            const auto& facts = memo_.of(*build.recipe->service);
            return build_site(*build.recipe, facts, settings_, seams_);
          });
        },
        [this](const Open& open) { return after([&] { return on_open(open); }); },
        // Its owner knows.
        [](const AskPlace&) { return Result<std::optional<QueuePlace>>{std::nullopt}; },
        [this](const Discard& discard) {
          return after([&] { return discard_site(discard, seams_); });
        },
        [this](const MarkLeaving& mark) {
          return after([&] {
            return seams_.files->mark_leaving(mark.id, mark.site->durability,
                                              mark.site->created_at);
          });
        },
        [this](const ReadLog& read) { return after([&] { return on_read_log(read); }); },
        [this](const Recover& recover) {
          return after([&] { return recover_site(recover.id, settings_, seams_); });
        },
        [this](const Compare& compare) {
          return after([&] { return is_as_known(compare.id, *compare.found, seams_); });
        },
        [this](ListRecorded) { return after([this] { return seams_.files->recorded(); }); },
        [this](const TakeOver& take) {
          return after([&] { return take_over_site(take.id, take.port, settings_, seams_); });
        },
        [this](const KeepRestarts& keep) {
          return after([&] { return keep_restarts(keep.id, keep.history, seams_); });
        },
    };
  }

 private:
  platform::ImageStore& images() { return seams_.files->images(); }

  Result<Opened> on_open(const Open& open) {
    auto request = open_site(*open.site, seams_);
    if (!request) return fail(std::move(request.error()));
    return Opened{std::move(*request), open.turn, open.queued};
  }

  Status on_register(const RegisterImage& add) {
    auto image = images().add(add.image, add.directory);
    if (!image && image.error().os_errno == ENOSPC) {
      // What was discarded a moment ago may still be on its way out.
      seams_.files->drain();
      image = images().add(add.image, add.directory);
    }
    if (!image) return fail(std::move(image.error()));
    return {};
  }

  Result<std::vector<ImageEntry>> on_list() {
    std::vector<ImageEntry> entries;
    for (platform::Image& image : images().list())
      entries.push_back({std::move(image.name), image.native, image.bytes});
    return entries;
  }

  Result<std::vector<std::string>> on_prune(const PruneImages& prune) {
    auto pruned = images().prune(in_use(prune.in_use), check_overlays());
    if (!pruned) return fail(std::move(pruned.error()));
    return std::move(pruned->names);
  }

  Result<std::vector<LogEntry>> on_read_log(const ReadLog& read) {
    return platform::read_log(seams_.files->container_dir(read.id),
                              state_directory(*seams_.files, read.id), read.query);
  }

  std::function<Status(std::string_view)> check_overlays() const {
    return
        [files = seams_.files](std::string_view image) { return check_no_overlay(image, *files); };
  }

  static std::function<bool(std::string_view)> in_use(const ImagesInUse& names) {
    return [names](std::string_view image) { return names && names->contains(image); };
  }

  /// What `work` gives, and word to the owner that this worker is free.
  template <class Work>
  std::invoke_result_t<Work> after(Work&& work, std::string image = {}) {
    auto result = [&] {
      const Blocking others_go_on;
      return work();
    }();
    post(owner_, WorkerIdle{number_, std::move(image)});
    return result;
  }

  std::shared_ptr<FileThreads> thread_;  ///< borrowed while this lives; empty = it has its own
  Settings settings_;
  Seams seams_;
  ServiceMemo memo_;
  RootfsInbox owner_;
  std::size_t number_;
};

}  // namespace

RootfsHandle spawn_rootfs_worker(caf::actor_system& system, const Settings& settings,
                                 const Seams& seams, const RootfsInbox& owner, std::size_t number) {
  auto thread = FileThreads::borrow(seams.file_threads);
  if (thread || seams.workers == Workers::Scheduled)
    return spawn_state<RootfsWorker>(system, settings, seams, owner, number, thread);
  return spawn_blocking_state<RootfsWorker>(system, settings, seams, owner, number, thread);
}

}  // namespace ringfort::actors
