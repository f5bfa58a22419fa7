#include "ringfort/actors/supervisor.hpp"

#include "ringfort/actors/container.hpp"
#include "ringfort/actors/recovery.hpp"

#include <algorithm>
#include <functional>
#include <map>
#include <unordered_map>
#include <utility>

namespace ringfort::actors {

namespace {

using namespace messages;

// Outside of what systemd and the distributions give away (systemd.io/UIDS-GIDS).
constexpr std::uint32_t kDefaultUidBlock = 1'880'000'000;

tl::unexpected<Error> unknown(const ContainerId& id) {
  return fail(Error{ErrorKind::NotFound, "no such container", "create it first", id.str(), 0});
}

tl::unexpected<Error> no_uid_left(const ContainerId& id) {
  return fail(Error{ErrorKind::CreateFailed, "every user id of the block is in use",
                    "remove containers, or open another runtime with a uid_block of its own",
                    id.str(), 0});
}

class Supervisor {
 public:
  using Handle = SupervisorInbox;
  static constexpr const char* name = "ringfort.supervisor";

  Supervisor(Self<Handle> self, ContextPtr context) : self_(self), context_(std::move(context)) {
    on_down(self_, [this](const caf::actor_addr& who) { forget(who); });
    // Runtimes share a block; beginning at different places keeps their containers apart.
    next_uid_ =
        static_cast<std::uint32_t>(std::hash<std::string>{}(context_->seams.files->owner_nonce()) %
                                   context_->settings.uid_count);
  }

  Handle::behavior_type make_behavior() {
    // CAF 0.17 tries one after the other, a comparison of names each: what comes often goes first.
    return {
        [this](On<GetState>& call) { return pass<Result<ContainerState>>(call); },
        [this](Create& create) { return on_create(create); },
        [this](On<Start>& call) { return pass<Result<Started>>(call); },
        [this](On<Wait>& call) { return pass<Result<ExitRecord>>(call); },
        [this](On<Remove>& call) { return on_remove(call); },
        [this](const Lookup& lookup) { return on_lookup(lookup); },
        [this](ListContainers list) { return on_list(list); },
        [this](const Shutdown& shutdown) { return on_shutdown(shutdown); },
        [this](AdoptAll) { return on_adopt_all(); },
        [this](const Watch& watch) { watchers_.push_back(or_sender(watch.who, self_)); },
        [this](On<Stop>& call) { return pass<Status>(call); },
        [this](On<Kill>& call) { return pass<Status>(call); },
        [this](On<Pause>& call) { return pass<Status>(call); },
        [this](On<Unpause>& call) { return pass<Status>(call); },
        [this](On<Exec>& call) { return pass<Result<ExecResult>>(call); },
        [this](On<GetEntry>& call) { return pass<Result<ContainerEntry>>(call); },
        [this](On<GetStats>& call) { return pass<Result<Stats>>(call); },
        [this](On<GetLogs>& call) { return pass<Result<std::vector<LogEntry>>>(call); },
        [this](RegisterImage& add) { return to_rootfs<Status>(add); },
        [this](PullImage& pull) { return to_rootfs<Status>(pull); },
        [this](ListImages list) { return to_rootfs<Result<std::vector<ImageEntry>>>(list); },
        [this](RemoveImage& remove) {
          remove.in_use = images_in_use();
          return to_rootfs<Status>(remove);
        },
        [this](PruneImages& prune) {
          prune.in_use = images_in_use();
          return to_rootfs<Result<std::vector<std::string>>>(prune);
        },
        [this](ListVolumes list) { return to_rootfs<Result<std::vector<VolumeEntry>>>(list); },
        [this](RemoveVolume& remove) { return to_rootfs<Status>(remove); },
        [this](const ContainerExited& exited) { on_exited(exited); },
        [this](const Gone& gone) { forget(gone.who); },
    };
  }

 private:
  struct Entry {
    ContainerInbox container;
    std::string image;
    std::optional<std::uint32_t> uid;
  };

  Answer<Result<Created>> on_create(Create& create) {
    if (leaving_)
      return fail(Error{ErrorKind::Conflict, "the runtime is ending", "open another one",
                        create.id.str(), 0});
    if (Status ok = check(create.id); !ok) return fail(std::move(ok.error()));
    // While the files are made the zygote comes up.
    if (!std::exchange(has_created_, true)) post(context_->launcher, WarmUp{});
    auto [at, fresh] = registry_.try_emplace(create.id);
    Entry& entry = at->second;
    if (fresh) {
      if (context_->host.root) {
        entry.uid = choose_uid();
        if (!entry.uid) return registry_.erase(at), no_uid_left(create.id);
      }
      admit(entry, create.id);
    }
    // What is there already decides for itself: it says Conflict, or begins anew if it has ended.
    entry.image = create.service->image.name;
    return messages::delegate(
        self_, entry.container,
        CreateCall{std::move(create.service), std::move(create.options), entry.uid});
  }

  Answer<Result<ContainerHandle>> on_lookup(const Lookup& lookup) {
    auto found = registry_.find(lookup.id);
    if (found != registry_.end()) return Result<ContainerHandle>{found->second.container};
    auto promise = make_promise<Result<ContainerHandle>, Handle>(self_);
    recover(lookup.id, [this, promise, id = lookup.id](Status& known) mutable {
      if (!known) return void(promise.deliver(Result<ContainerHandle>{fail(known.error())}));
      promise.deliver(Result<ContainerHandle>{registry_.at(id).container});
    });
    return promise;
  }

  Answer<Result<std::vector<ContainerEntry>>> on_list(ListContainers list) {
    auto promise = make_promise<Result<std::vector<ContainerEntry>>, Handle>(self_);
    if (!list.all) {
      take_census(promise);
      return promise;
    }
    request(self_, context_->rootfs, ListRecorded{})
        .then(
            [this, promise](Result<std::vector<ContainerId>>& ids) mutable {
              if (!ids) return deliver_failure(promise, ids.error());
              recover_all(*ids, promise);
            },
            [promise](caf::error&) mutable { deliver_failure(promise, rootfs_gone()); });
    return promise;
  }

  using ListPromise = Promise<Result<std::vector<ContainerEntry>>>;

  static void deliver_failure(ListPromise& promise, Error error) {
    promise.deliver(Result<std::vector<ContainerEntry>>{fail(std::move(error))});
  }

  /// Those that can't be read stand in the list as damaged. Those that come or go are left out.
  void recover_all(const std::vector<ContainerId>& ids, ListPromise promise) {
    struct Progress {
      std::size_t left;
      std::vector<ContainerEntry> damaged;
      std::set<ContainerId> found;
    };
    auto progress = std::make_shared<Progress>(Progress{ids.size(), {}, {}});
    if (ids.empty()) return take_census(promise);
    for (const auto& id : ids) {
      auto counted = [this, progress, promise, id](Status& known) mutable {
        if (!known && is_damaged(known.error()))
          progress->damaged.push_back(damaged_entry(id, known.error()));
        if (--progress->left == 0)
          take_census(promise, std::move(progress->damaged), progress->found);
      };
      Status known;
      if (registry_.contains(id)) {
        counted(known);
      } else {
        progress->found.insert(id);
        recover(id, std::move(counted));
      }
    }
  }

  void take_census(ListPromise& promise, std::vector<ContainerEntry> known = {},
                   const std::set<ContainerId>& just_found = {}) {
    std::vector<Counted> containers;
    containers.reserve(registry_.size());
    for (const auto& [id, entry] : registry_)
      containers.push_back({id, entry.container, just_found.contains(id)});
    messages::delegate(promise,
                       spawn_census(self_->system(), std::move(containers), std::move(known)),
                       ListContainers{});
  }

  Answer<Status> on_remove(On<Remove>& call) {
    auto found = registry_.find(call.id);
    if (found != registry_.end())
      return messages::delegate(self_, found->second.container, call.message);
    if (Status ok = check(call.id); !ok) return fail(std::move(ok.error()));
    auto promise = make_promise<Status, Handle>(self_);
    recover(call.id, [this, promise, call](Status& known) mutable {
      if (known)
        return messages::delegate(promise, registry_.at(call.id).container,
                                  Current<Remove>{call.message});
      if (known.error().kind == ErrorKind::Conflict) return void(promise.deliver(known));
      messages::delegate(promise, context_->rootfs, Discard{call.id, nullptr});
    });
    return promise;
  }

  // ------------------------------------------------------------ what other processes left

  struct Adoption {
    Promise<Result<std::vector<ContainerId>>> promise;
    std::size_t left;
    std::vector<ContainerId> adopted;

    void count(const ContainerId& id, bool is_adopted) {
      if (is_adopted) adopted.push_back(id);
      if (--left > 0) return;
      std::ranges::sort(adopted);
      promise.deliver(Result<std::vector<ContainerId>>{std::move(adopted)});
    }
  };

  Answer<Result<std::vector<ContainerId>>> on_adopt_all() {
    auto promise = make_promise<Result<std::vector<ContainerId>>, Handle>(self_);
    request(self_, context_->rootfs, ListRecorded{})
        .then(
            [this, promise](Result<std::vector<ContainerId>>& ids) mutable {
              if (!ids || ids->empty()) return void(promise.deliver(std::move(ids)));
              auto adoption = std::make_shared<Adoption>(Adoption{promise, ids->size(), {}});
              for (const auto& id : *ids) adopt(id, adoption);
            },
            [promise](caf::error&) mutable {
              promise.deliver(Result<std::vector<ContainerId>>{fail(rootfs_gone())});
            });
    return promise;
  }

  /// Those that can't be read, or that somebody else takes at this moment, are passed over: a list
  /// of all containers tells of them.
  void adopt(const ContainerId& id, const std::shared_ptr<Adoption>& adoption) {
    const auto ask = [this, id, adoption](const Status& known) {
      if (!known) return adoption->count(id, false);
      request(self_, registry_.at(id).container, Adopt{})
          .then([id, adoption](Result<bool>& adopted) { adoption->count(id, adopted && *adopted); },
                [id, adoption](caf::error&) { adoption->count(id, false); });
    };
    if (registry_.contains(id)) {
      ask(Status{});
    } else {
      recover(id, ask);
    }
  }

  using Continuation = std::function<void(Status& known)>;

  /// Looks for `id` on disk; in the end it is in the registry, or `then` hears why not.
  void recover(const ContainerId& id, Continuation then) {
    if (Status ok = check(id); !ok || leaving_) {
      Status missing = fail(unknown(id).value());
      return then(missing);
    }
    auto [waiting, first] = recovering_.try_emplace(id);
    waiting->second.push_back(std::move(then));
    if (!first) return;
    request(self_, context_->rootfs, Recover{id})
        .then(
            [this, id](Result<std::shared_ptr<const Recovered>>& found) {
              Status known;
              if (found) {
                enter(id, std::move(*found));
              } else {
                known = fail(std::move(found.error()));
              }
              finish_recovery(id, known);
            },
            [this, id](caf::error&) {
              Status gone = fail(rootfs_gone());
              finish_recovery(id, gone);
            });
  }

  void finish_recovery(const ContainerId& id, Status& known) {
    auto waiting = recovering_.extract(id);
    for (auto& then : waiting.mapped()) then(known);
  }

  void admit(Entry& entry, const ContainerId& id) {
    entry.container = spawn_container(self_->system(), context_, Handle{self_}, id);
    by_address_.emplace(entry.container.address(), id);
    monitor(self_, entry.container);
  }

  void enter(const ContainerId& id, std::shared_ptr<const Recovered> found) {
    auto [at, fresh] = registry_.try_emplace(id);
    if (!fresh) return;  // created by a caller meanwhile
    Entry& entry = at->second;
    admit(entry, id);
    entry.image = found->service->image.name;
    entry.uid = found->uid;
    if (entry.uid) uids_.insert(*entry.uid);
    post(entry.container, Restore{std::move(found)});
  }

  static Error rootfs_gone() {
    return {ErrorKind::Internal, "the rootfs actor is gone", "open a new runtime", {}, 0};
  }

  Answer<Status> on_shutdown(const Shutdown& shutdown) {
    auto promise = make_promise<Status, Handle>(self_);
    leaving_ = true;
    farewells_.push_back(promise);
    for (const auto& [id, entry] : registry_) post(entry.container, shutdown);
    finish_shutdown();
    return promise;
  }

  template <class T, class Message>
  Answer<T> pass(On<Message>& call) {
    auto found = registry_.find(call.id);
    if (found != registry_.end())
      return messages::delegate(self_, found->second.container, std::move(call.message));
    auto promise = make_promise<T, Handle>(self_);
    auto kept = std::make_shared<On<Message>>(std::move(call));
    recover(kept->id, [this, promise, kept](Status& known) mutable {
      if (!known) return void(promise.deliver(T{fail(known.error())}));
      messages::delegate(promise, registry_.at(kept->id).container,
                         Current<Message>{std::move(kept->message)});
    });
    return promise;
  }

  template <class T, class Message>
  Answer<T> to_rootfs(Message& message) {
    return messages::delegate(self_, context_->rootfs, std::move(message));
  }

  void on_exited(const ContainerExited& exited) {
    std::erase_if(watchers_, [&](const auto& watcher) { return !post_to(watcher, exited); });
  }

  void forget(const caf::actor_addr& who) {
    auto found = by_address_.find(who);
    if (found == by_address_.end()) return;
    auto entry = registry_.find(found->second);
    if (entry->second.uid) uids_.erase(*entry->second.uid);
    post(entry->second.container, Goodbye{});
    registry_.erase(entry);
    by_address_.erase(found);
    finish_shutdown();
  }

  void finish_shutdown() {
    if (!leaving_ || !registry_.empty()) return;
    for (auto& farewell : farewells_) farewell.deliver(Status{});
    farewells_.clear();
  }

  /// Nobody else's in this runtime; nothing when all are taken.
  std::optional<std::uint32_t> choose_uid() {
    std::uint32_t first = context_->settings.uid_block.value_or(kDefaultUidBlock);
    const std::uint32_t count = context_->settings.uid_count;
    for (std::uint32_t tried = 0; tried < count; ++tried) {
      std::uint32_t uid = first + next_uid_++ % count;
      if (uids_.insert(uid).second) return uid;
    }
    return std::nullopt;
  }

  ImagesInUse images_in_use() const {
    auto names = std::make_shared<std::set<std::string, std::less<>>>();
    for (const auto& [id, entry] : registry_) names->insert(entry.image);
    return names;
  }

  Self<Handle> self_;
  ContextPtr context_;
  std::unordered_map<ContainerId, Entry> registry_;
  std::map<caf::actor_addr, ContainerId> by_address_;
  std::unordered_map<ContainerId, std::vector<Continuation>> recovering_;
  std::vector<caf::weak_actor_ptr> watchers_;
  std::vector<Promise<Status>> farewells_;
  std::set<std::uint32_t> uids_;
  std::uint32_t next_uid_ = 0;
  bool leaving_ = false;
  bool has_created_ = false;  ///< anything yet
};

}  // namespace

SupervisorHandle spawn_supervisor(caf::actor_system& system, ContextPtr context) {
  return spawn_state<Supervisor>(system, std::move(context));
}

}  // namespace ringfort::actors
