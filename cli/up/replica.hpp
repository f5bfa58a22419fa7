// One container of `up`: what it writes, where it stands, how it ended.
#pragma once

#include "ringfort/api/runtime.hpp"
#include "ringfort/cli/last_lines.hpp"
#include "ringfort/cli/up/line_splitter.hpp"
#include "ringfort/cli/up/output.hpp"
#include "ringfort/platform/log_follower.hpp"

#include <array>
#include <optional>

namespace ringfort::cli {

class Replica {
 public:
  explicit Replica(ContainerId id) : id_(std::move(id)) {}

  const ContainerId& id() const { return id_; }

  /// Creates and starts it. What failed leaves no container. What it writes goes to its log and is
  /// read from there, so it never waits for us.
  Result<Created> start(Runtime& runtime, const specs::Service& service, RunOptions options,
                        UpOutput& output);

  /// Readable when read() may have something; -1 = nothing tells, see when_to_look.
  int log_fd() const { return follower_ ? follower_->fd() : -1; }
  /// Until read() is to be called although log_fd() is silent.
  std::optional<Duration> when_to_look() const;
  /// Hands on what has been written since the last time.
  void read(UpOutput& output);

  /// A run of it has ended. `is_expected` = while everything is being stopped, when no end is a
  /// failure. With a restart policy this may be no more than news.
  void on_end(Runtime& runtime, const ExitRecord& exit, bool is_expected, UpOutput& output);
  /// All stops have been answered: who waited for a restart has ended without a word.
  void on_stopped(Runtime& runtime);
  /// Says how it ended, once, when all that it wrote has been shown.
  void announce_end(Runtime& runtime, UpOutput& output);

  bool is_started() const { return is_started_; }
  bool is_running() const { return is_started_ && !exit_; }
  /// Nothing more will come: it ended and was heard out, or never ran.
  bool is_over() const { return is_failed_ || is_announced_; }
  void set_failed(std::string why);
  bool has_failed() const;

  BoardRow row(Runtime& runtime) const;

 private:
  void take(const LogEntry& entry, UpOutput& output);
  bool has_more_to_say() const { return follower_ && follower_->is_open(); }
  void explain(Runtime& runtime, const ExitRecord& exit, UpOutput& output);
  bool settle(Runtime& runtime, bool is_expected);
  void set_end(const ExitRecord& exit, bool is_expected);

  ContainerId id_;
  std::optional<platform::LogFollower> follower_;
  std::array<LineSplitter, 2> lines_;
  LastLines last_lines_;
  std::optional<std::uint16_t> port_;
  std::optional<Bytes> memory_limit_;
  std::optional<ExitRecord> exit_;
  std::string note_;
  std::string gave_up_;  ///< why its restart policy did
  bool has_policy_ = false;
  bool is_started_ = false;
  bool is_failed_ = false;
  bool is_expected_ = false;
  bool is_announced_ = false;
};

}  // namespace ringfort::cli
