#include "ringfort/actors/rootfs.hpp"

#include <deque>
#include <map>

namespace ringfort::actors {

namespace {

using namespace messages;

class Rootfs {
 public:
  using Handle = RootfsInbox;
  static constexpr const char* name = "ringfort.rootfs";

  Rootfs(Self<Handle> self, Settings settings, Seams seams, std::size_t most)
      : self_(self), settings_(std::move(settings)), seams_(std::move(seams)), most_(most) {
    on_exit_message(self_, [this] { on_exit(); });
    on_down(self_, [this](const caf::actor_addr&) { on_worker_down(); });
  }

  Handle::behavior_type make_behavior() {
    return {
        [this](RegisterImage& add) { return on_register(add); },
        [this](PullImage& pull) { return hand_on<Status>(std::move(pull)); },
        [this](ListImages list) { return hand_on<Result<std::vector<ImageEntry>>>(list); },
        [this](RemoveImage& remove) { return hand_on<Status>(std::move(remove)); },
        [this](PruneImages& prune) {
          return hand_on<Result<std::vector<std::string>>>(std::move(prune));
        },
        [this](ListVolumes list) { return hand_on<Result<std::vector<VolumeEntry>>>(list); },
        [this](RemoveVolume& remove) { return hand_on<Status>(std::move(remove)); },
        [this](Build& build) {
          return hand_on<Result<std::shared_ptr<const Site>>>(std::move(build));
        },
        [this](messages::Open& open) {
          return hand_on<Result<std::shared_ptr<platform::RunRequest>>>(std::move(open));
        },
        [this](messages::Discard& discard) { return hand_on<Status>(std::move(discard)); },
        [this](MarkLeaving& mark) { return hand_on<Status>(std::move(mark)); },
        [this](ReadLog& read) { return hand_on<Result<std::vector<LogEntry>>>(std::move(read)); },
        [this](Recover& recover) {
          return hand_on<Result<std::shared_ptr<const Recovered>>>(std::move(recover));
        },
        [this](Compare& compare) { return hand_on<Result<bool>>(std::move(compare)); },
        [this](ListRecorded list) { return hand_on<Result<std::vector<ContainerId>>>(list); },
        [this](TakeOver& take) {
          return hand_on<Result<std::shared_ptr<const Recovered>>>(std::move(take));
        },
        [this](KeepRestarts& keep) { return hand_on<Status>(std::move(keep)); },
        [this](const WorkerIdle& idle) { on_idle(idle); },
    };
  }

 private:
  using Job = std::function<void(const RootfsHandle& worker)>;

  /// Registering one image is one after the other; different ones go side by side.
  Answer<Status> on_register(RegisterImage& add) {
    auto promise = make_promise<Status, Handle>(self_);
    Job job = job_of(promise, add);
    auto [waiting, first] = registering_.try_emplace(add.image);
    if (!first) {
      waiting->second.push_back(std::move(job));
      return promise;
    }
    enqueue(std::move(job));
    return promise;
  }

  template <class T, class Message>
  Answer<T> hand_on(Message message) {
    auto promise = make_promise<T, Handle>(self_);
    enqueue(job_of(promise, std::move(message)));
    return promise;
  }

  template <class T, class Message>
  static Job job_of(Promise<T> promise, Message message) {
    return [promise, message = std::move(message)](const RootfsHandle& worker) mutable {
      messages::delegate(promise, worker, std::move(message));
    };
  }

  void enqueue(Job job) {
    queue_.push_back(std::move(job));
    pump();
  }

  void pump() {
    while (!queue_.empty()) {
      if (idle_.empty() && workers_.size() < most_) add_worker();
      if (idle_.empty()) return;
      std::size_t worker = idle_.back();  // the last one to work has the warmest caches
      idle_.pop_back();
      Job job = std::move(queue_.front());
      queue_.pop_front();
      job(workers_[worker]);
    }
  }

  void add_worker() {
    idle_.push_back(workers_.size());
    workers_.push_back(
        spawn_rootfs_worker(self_->system(), settings_, seams_, Handle{self_}, workers_.size()));
    monitor(self_, workers_.back());
  }

  void on_idle(const WorkerIdle& idle) {
    idle_.push_back(idle.worker);
    if (!idle.image.empty()) register_next(idle.image);
    pump();
  }

  void register_next(const std::string& image) {
    auto waiting = registering_.find(image);
    if (waiting == registering_.end()) return;
    if (waiting->second.empty()) {
      registering_.erase(waiting);
      return;
    }
    queue_.push_back(std::move(waiting->second.front()));
    waiting->second.pop_front();
  }

  void on_exit() {
    if (workers_.empty()) return self_->quit();
    leaving_ = true;
    for (const RootfsHandle& worker : workers_)
      caf::anon_send_exit(worker, caf::exit_reason::user_shutdown);
  }

  void on_worker_down() {
    ++ended_;
    if (leaving_ && ended_ == workers_.size()) self_->quit();
  }

  Self<Handle> self_;
  Settings settings_;
  Seams seams_;
  std::size_t most_;
  std::vector<RootfsHandle> workers_;
  std::vector<std::size_t> idle_;
  std::deque<Job> queue_;
  std::map<std::string, std::deque<Job>> registering_;  ///< key: an image being registered now
  std::size_t ended_ = 0;
  bool leaving_ = false;
};

}  // namespace

RootfsHandle spawn_rootfs(caf::actor_system& system, Settings settings, Seams seams,
                          std::size_t most) {
  return spawn_state<Rootfs>(system, std::move(settings), std::move(seams), most);
}

}  // namespace ringfort::actors
