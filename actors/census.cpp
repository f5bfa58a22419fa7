// Asks every container for its entry, away from the supervisor, which has other things to do.
#include "ringfort/actors/supervisor.hpp"

#include <algorithm>

namespace ringfort::actors {

namespace {

using namespace messages;

// Thousands of requests in flight from one actor cost more than linear time in CAF 0.17.
constexpr std::size_t kInFlight = 256;

class Census {
 public:
  using Handle = CensusHandle;
  static constexpr const char* name = "ringfort.census";

  Census(Self<Handle> self, std::vector<Counted> containers, std::vector<ContainerEntry> known)
      : self_(self), containers_(std::move(containers)), entries_(std::move(known)) {}

  Handle::behavior_type make_behavior() {
    return {[this](ListContainers) { return on_list(); }};
  }

 private:
  Answer<Result<std::vector<ContainerEntry>>> on_list() {
    auto promise = make_promise<Result<std::vector<ContainerEntry>>, Handle>(self_);
    promise_ = promise;
    if (containers_.empty()) {
      finish();
    } else {
      for (std::size_t i = 0; i < std::min(kInFlight, containers_.size()); ++i) ask_next();
    }
    return promise;
  }

  void ask_next() {
    const auto& one = containers_[asked_++];
    const auto heard = [this, id = one.id](Result<ContainerEntry>& entry) {
      if (entry) entries_.push_back(std::move(*entry));
      if (!entry && is_damaged(entry.error())) entries_.push_back(damaged_entry(id, entry.error()));
      on_answer();
    };
    const auto gone = [this](caf::error&) { on_answer(); };
    if (one.is_fresh) {
      request(self_, one.container, Current<GetEntry>{}).then(heard, gone);
    } else {
      request(self_, one.container, GetEntry{}).then(heard, gone);
    }
  }

  void on_answer() {
    ++answered_;
    if (asked_ < containers_.size()) return ask_next();
    if (answered_ == containers_.size()) finish();
  }

  void finish() {
    std::ranges::sort(entries_, {}, &ContainerEntry::id);
    promise_.deliver(Result<std::vector<ContainerEntry>>{std::move(entries_)});
    self_->quit();
  }

  Self<Handle> self_;
  std::vector<Counted> containers_;
  std::vector<ContainerEntry> entries_;
  Promise<Result<std::vector<ContainerEntry>>> promise_;
  std::size_t asked_ = 0;
  std::size_t answered_ = 0;
};

}  // namespace

bool is_damaged(const Error& error) {
  return error.kind != ErrorKind::NotFound && error.kind != ErrorKind::Conflict;
}

ContainerEntry damaged_entry(const ContainerId& id, const Error& error) {
  ContainerEntry entry;
  entry.id = id;
  entry.state = {State::Failed, {}, to_string(error)};
  entry.damaged = true;
  return entry;
}

CensusHandle spawn_census(caf::actor_system& system, std::vector<Counted> containers,
                          std::vector<ContainerEntry> known) {
  return spawn_state<Census>(system, std::move(containers), std::move(known));
}

}  // namespace ringfort::actors
