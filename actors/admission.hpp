// The queue in front of starts: who goes next, and how many at once. Pure: the rootfs actor owns
// it.
#pragma once

#include "ringfort/messages/answers.hpp"
#include "ringfort/platform/headroom.hpp"
#include "ringfort/specs/status.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>

namespace ringfort::actors {

/// How many starts may be under way at once: some for each core, fewer when memory, process ids or
/// descriptors run short, and one at least, which then says what is lacking.
std::size_t admission_width(const platform::Headroom& left);

/// A waiting line for each caller, and one turn for each line: a caller with one job waits for one
/// job of each other caller at most, however long their lines are.
class FairQueue {
 public:
  using Time = std::chrono::steady_clock::time_point;
  struct Waiting {
    std::uint64_t job = 0;
    ContainerId id;
    Time since{};
  };

  using May = std::function<bool(const std::string& caller)>;

  void add(const std::string& caller, Waiting waiting);
  /// Of the first line that may.
  std::optional<Waiting> take(const May& may = {});
  /// How many wait in the line of this caller.
  std::size_t waiting_of(const std::string& caller) const;
  /// Does a caller have kLong jobs or more in his line?
  bool has_long_line() const { return long_lines_ > 0; }
  static constexpr std::size_t kLong = 16;
  bool empty() const { return size_ == 0; }
  std::size_t size() const { return size_; }
  /// How many go before this container's job, and how long it has waited.
  std::optional<QueuePlace> place_of(const ContainerId& id, Time now) const;

 private:
  struct Line {
    std::string caller;
    std::deque<Waiting> waiting;
  };
  std::list<Line> lines_;  ///< in the order of their turns; none is empty
  std::unordered_map<std::string, std::list<Line>::iterator> by_caller_;
  std::size_t size_ = 0;
  std::size_t long_lines_ = 0;
};

/// Jobs are numbers here: what they do is their owner's business.
class Admission {
 public:
  using Time = FairQueue::Time;
  enum class Kind : std::uint8_t {
    Files,  ///< needs a worker
    /// The same, and waits while its caller's line of starts is long: who makes a thousand
    /// containers before the first has had its turn has a thousand on disk, and none of them in a
    /// cache.
    Build,
    Start,  ///< needs a worker, and counts as under way until over() or kLongStart
  };
  /// A start that takes longer keeps nobody else waiting: it may hang.
  static constexpr std::chrono::seconds kLongStart{1};
  /// After somebody has come while another's line was long, half as many starts are under way for
  /// so long: what he does next finds the cores less busy.
  static constexpr std::chrono::seconds kConsiderate{1};
  /// So many may wait. Whoever wants to create one more is refused.
  static constexpr std::size_t kMostWaiting = 65536;

  void add(const std::string& caller, Kind kind, FairQueue::Waiting waiting);
  /// The job whose turn it is. A start among them is under way from now on.
  std::optional<std::uint64_t> next(Time now);
  void over(std::uint64_t job) { under_way_.erase(job); }
  void set_width(std::size_t width) { width_ = width; }

  bool is_full() const { return size() >= kMostWaiting; }
  bool has_waiting() const { return size() > 0; }
  std::optional<QueuePlace> place_of(const ContainerId& id, Time now) const;

 private:
  std::size_t size() const { return files_.size() + builds_.size() + starts_.size(); }
  bool has_room(Time now);
  bool has_any(const std::string& caller) const;
  std::optional<FairQueue::Waiting> next_build();

  FairQueue files_;
  FairQueue builds_;
  bool is_turn_of_builds_ = false;  ///< the two take turns
  FairQueue starts_;
  std::map<std::uint64_t, Time> under_way_;  ///< starts, since when
  std::size_t width_ = 1;
  std::optional<Time> considerate_since_;
};

}  // namespace ringfort::actors
