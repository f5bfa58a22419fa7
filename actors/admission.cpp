#include "ringfort/actors/admission.hpp"

#include <algorithm>
#include <utility>

namespace ringfort::actors {

std::size_t admission_width(const platform::Headroom& left) {
  // Measured: more make no more lives, and each of them takes longer. With one for each core some
  // idle.
  constexpr std::size_t kPerCore = 2;
  // What one start takes for itself while it is under way, with room for others' use.
  constexpr std::uint64_t kMemory = 16 << 20;
  constexpr std::uint64_t kPids = 8;
  constexpr std::uint64_t kDescriptors = 32;
  const std::uint64_t width =
      std::min({static_cast<std::uint64_t>(kPerCore * left.cores), left.memory_bytes / kMemory,
                left.pids / kPids, left.descriptors / kDescriptors});
  return static_cast<std::size_t>(std::max<std::uint64_t>(width, 1));
}

void FairQueue::add(const std::string& caller, Waiting waiting) {
  auto found = by_caller_.find(caller);
  if (found == by_caller_.end())
    found = by_caller_.emplace(caller, lines_.insert(lines_.end(), Line{caller, {}})).first;
  found->second->waiting.push_back(std::move(waiting));
  ++size_;
  if (found->second->waiting.size() == kLong) ++long_lines_;
}

std::optional<FairQueue::Waiting> FairQueue::take(const May& may) {
  const auto line = may ? std::ranges::find_if(lines_, may, &Line::caller) : lines_.begin();
  if (line == lines_.end()) return std::nullopt;
  if (line->waiting.size() == kLong) --long_lines_;
  Waiting first = std::move(line->waiting.front());
  line->waiting.pop_front();
  --size_;
  if (line->waiting.empty()) {
    by_caller_.erase(line->caller);
    lines_.erase(line);
  } else {
    lines_.splice(lines_.end(), lines_, line);
  }
  return first;
}

std::size_t FairQueue::waiting_of(const std::string& caller) const {
  const auto found = by_caller_.find(caller);
  return found == by_caller_.end() ? 0 : found->second->waiting.size();
}

std::optional<QueuePlace> FairQueue::place_of(const ContainerId& id, Time now) const {
  for (auto line = lines_.begin(); line != lines_.end(); ++line) {
    const auto found = std::ranges::find(line->waiting, id, &Waiting::id);
    if (found == line->waiting.end()) continue;
    const auto own = static_cast<std::size_t>(found - line->waiting.begin());
    std::size_t before = own;
    bool has_passed = false;  // those behind it have had one turn less by then
    for (auto other = lines_.begin(); other != lines_.end(); ++other) {
      if (other == line)
        has_passed = true;
      else
        before += std::min(other->waiting.size(), has_passed ? own : own + 1);
    }
    return QueuePlace{std::chrono::floor<Duration>(now - found->since), before};
  }
  return std::nullopt;
}

void Admission::add(const std::string& caller, Kind kind, FairQueue::Waiting waiting) {
  const bool is_crowded = starts_.has_long_line() || builds_.has_long_line();
  if (is_crowded && kind != Kind::Files && !has_any(caller)) considerate_since_ = waiting.since;
  FairQueue& queue = kind == Kind::Start ? starts_ : kind == Kind::Build ? builds_ : files_;
  queue.add(caller, std::move(waiting));
}

std::optional<std::uint64_t> Admission::next(Time now) {
  // What is made already goes first: it holds files and a port.
  if (!starts_.empty() && has_room(now)) {
    const auto start = starts_.take();
    under_way_.emplace(start->job, now);
    return start->job;
  }
  is_turn_of_builds_ = !is_turn_of_builds_;
  auto job = is_turn_of_builds_ ? next_build() : files_.take();
  if (!job) job = is_turn_of_builds_ ? files_.take() : next_build();
  return job ? std::optional{job->job} : std::nullopt;
}

std::optional<FairQueue::Waiting> Admission::next_build() {
  return builds_.take(
      [this](const std::string& caller) { return starts_.waiting_of(caller) < FairQueue::kLong; });
}

bool Admission::has_room(Time now) {
  std::erase_if(under_way_, [now](const auto& one) { return now - one.second >= kLongStart; });
  const bool is_considerate = considerate_since_ && now - *considerate_since_ < kConsiderate;
  return under_way_.size() < (is_considerate ? std::max<std::size_t>(width_ / 2, 1) : width_);
}

bool Admission::has_any(const std::string& caller) const {
  return starts_.waiting_of(caller) + builds_.waiting_of(caller) > 0;
}

std::optional<QueuePlace> Admission::place_of(const ContainerId& id, Time now) const {
  for (const FairQueue* queue : {&starts_, &builds_, &files_})
    if (const auto place = queue->place_of(id, now)) return place;
  return std::nullopt;
}

}  // namespace ringfort::actors
