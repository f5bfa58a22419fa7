// Reading a log while it is written. Keeps its place across rotations; one thread at a time.
#pragma once

#include "ringfort/platform/log_reader.hpp"

#include <chrono>
#include <vector>

namespace ringfort::platform {

class LogFollower {
 public:
  /// `query` says with which lines it begins. Errors: Io.
  static Result<LogFollower> open(const std::string& container_dir, const std::string& state_dir,
                                  const LogQuery& query);

  /// What has come since the last call, perhaps nothing. Lines that have no end yet are held back
  /// until they have one, are longer than a record, or the container has ended.
  std::vector<LogEntry> read();

  /// The shim is gone and all that it wrote has been read. False until resume() once it is so.
  bool is_open() const { return !ended_; }

  /// The container was started again: its next life is read, too.
  void resume() { ended_ = false; }

  /// Why something that is there could not be read: what read() gave has a gap then.
  Status trouble() const { return place_.trouble(); }

  /// Returns when there may be something new, at the latest after `patience`.
  void wait(std::chrono::milliseconds patience) const;

  /// For poll(2): readable when there may be something new, until read() is called. -1 where the
  /// user has no inotify(7) instance left: look again every kLookAgain.
  int fd() const { return changes_.get(); }
  static constexpr std::chrono::milliseconds kLookAgain{100};

 private:
  explicit LogFollower(LogPlace place) : place_(std::move(place)) {}

  void read_generation(std::vector<LogEntry>& out);
  bool advance(std::vector<LogEntry>& out);
  bool is_rotated() const;
  void take(const wire::LogIndexEntry& entry, std::vector<LogEntry>& out);
  void take_bytes(int stream, std::uint64_t to, const LogEntry& stamp, std::vector<LogEntry>& out);
  void take_rest(std::vector<LogEntry>& out);
  void take_unfinished(int stream, std::vector<LogEntry>& out);
  void feed(int stream, std::string_view bytes, const LogEntry& stamp, std::vector<LogEntry>& out);
  void say(const char* text, std::vector<LogEntry>& out) const;
  int stream_fd(int stream);

  LogPlace place_;
  Fd changes_;  ///< inotify(7) on the state directory; invalid = look again and again
  Fd index_;
  std::array<Fd, 2> streams_;
  LogPosition at_;
  bool is_number_known_ = false;  ///< an index that is still empty does not tell it
  bool is_rotated_away_ = false;  ///< `at_.generation` was rotated when it was come to
  std::array<bool, 2> was_cut_{};
  std::vector<LogEntry> begin_;
  wire::LogIndexEntry last_{};
  bool ended_ = false;
};

}  // namespace ringfort::platform
