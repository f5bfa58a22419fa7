#include "ringfort/actors/rootfs.hpp"

#include "ringfort/actors/admission.hpp"
#include "ringfort/actors/site.hpp"

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <unordered_map>
#include <utility>

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
        [this](Build& build) { return on_build(build); },
        [this](messages::Open& open) { return on_open(open); },
        [this](const AskPlace& ask) {
          return Result<std::optional<QueuePlace>>{admission_.place_of(ask.id, seams_.uptime())};
        },
        [this](const TurnOver& turn) {
          admission_.over(turn.job);
          pump();
        },
        [this](LookAgain) {
          is_look_due_ = false;
          pump();
        },
        [this](messages::Discard& discard) { return on_discard(discard); },
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
  using Job = std::function<void(const RootfsHandle& worker, std::uint64_t number)>;

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

  Answer<Result<std::shared_ptr<const Site>>> on_build(Build& build) {
    const auto id = build.recipe->id;
    const auto caller = caller_of(id, build.recipe->options.caller);
    if (admission_.is_full())
      return fail(
          Error{ErrorKind::CreateFailed,
                std::to_string(Admission::kMostWaiting) + " creates and starts wait already",
                "create it again when some of them are done", id.str(), 0});
    auto promise = make_promise<Result<std::shared_ptr<const Site>>, Handle>(self_);
    enqueue(job_of(promise, std::move(build)), Admission::Kind::Build, caller, id);
    return promise;
  }

  Answer<Result<Opened>> on_open(messages::Open& open) {
    auto promise = make_promise<Result<Opened>, Handle>(self_);
    const auto id = open.site->id;
    const auto caller = caller_of(id, open.site->caller);
    Job job = [this, promise, since = seams_.uptime(), open = std::move(open)](
                  const RootfsHandle& worker, std::uint64_t number) mutable {
      open.turn = turn_of(number);
      open.queued = std::chrono::floor<Duration>(seams_.uptime() - since);
      messages::delegate(promise, worker, std::move(open));
    };
    enqueue(std::move(job), Admission::Kind::Start, caller, id);
    return promise;
  }

  Answer<Status> on_discard(messages::Discard& discard) {
    auto promise = make_promise<Status, Handle>(self_);
    const auto id = discard.id;
    const auto caller = caller_of(id, discard.site ? discard.site->caller : std::string{});
    enqueue(job_of(promise, std::move(discard)), Admission::Kind::Files, caller, id);
    return promise;
  }

  static const std::string& caller_of(const ContainerId& id, const std::string& caller) {
    return caller.empty() ? id.service : caller;
  }

  /// Tells when nobody keeps it any more, from whatever thread.
  std::shared_ptr<void> turn_of(std::uint64_t job) {
    const auto end = [to = weak(Handle{self_}), job](void*) { (void)post_to(to, TurnOver{job}); };
    return {this, end};
  }

  template <class T, class Message>
  Answer<T> hand_on(Message message) {
    auto promise = make_promise<T, Handle>(self_);
    enqueue(job_of(promise, std::move(message)));
    return promise;
  }

  template <class T, class Message>
  static Job job_of(Promise<T> promise, Message message) {
    return
        [promise, message = std::move(message)](const RootfsHandle& worker, std::uint64_t) mutable {
          messages::delegate(promise, worker, std::move(message));
        };
  }

  void enqueue(Job job, Admission::Kind kind = Admission::Kind::Files,
               const std::string& caller = {}, const ContainerId& id = {}) {
    const auto number = next_job_++;
    jobs_.emplace(number, std::move(job));
    admission_.add(caller, kind, {number, id, seams_.uptime()});
    pump();
  }

  void pump() {
    while (admission_.has_waiting()) {
      if (idle_.empty() && workers_.size() < most_) add_worker();
      if (idle_.empty()) return;
      const auto now = seams_.uptime();
      follow_machine(now);
      const auto number = admission_.next(now);
      if (!number) return look_again();
      const std::size_t worker = idle_.back();  // the last one to work has the warmest caches
      idle_.pop_back();
      auto job = jobs_.extract(*number);
      job.mapped()(workers_[worker], *number);
    }
  }

  void follow_machine(Admission::Time now) {
    constexpr auto kPeriod = std::chrono::milliseconds(100);
    if (looked_at_ && now - *looked_at_ < kPeriod) return;
    looked_at_ = now;
    admission_.set_width(admission_width(seams_.headroom()));
  }

  void look_again() {
    if (std::exchange(is_look_due_, true)) return;
    post_after(Handle{self_}, Admission::kLongStart, LookAgain{});
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
    Job next = std::move(waiting->second.front());
    waiting->second.pop_front();
    enqueue(std::move(next));
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
  Admission admission_;
  std::unordered_map<std::uint64_t, Job> jobs_;  ///< that wait
  std::uint64_t next_job_ = 1;
  std::optional<Admission::Time> looked_at_;  ///< at the machine
  bool is_look_due_ = false;
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
