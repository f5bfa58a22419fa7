// Copies a program's stdout and stderr into its logs: bytes first, index entry after. Rotates them.
#pragma once

#include "ringfort/platform/shim/wire.hpp"

#include <cstddef>
#include <cstdint>

namespace ringfort::shim {

/// Borrowed descriptors; -1 = there is none.
struct LogFiles {
  int streams[2] = {-1, -1};  ///< stdout.log and stderr.log, O_APPEND
  int index = -1;             ///< log.idx, O_APPEND
  int stream_dir = -1;        ///< without the directories nothing is ever rotated
  int index_dir = -1;
};

struct LogLimits {
  std::uint64_t max_size = wire::kLogMaxSize;
  std::uint32_t max_files = wire::kLogMaxFiles;
  bool blocks = false;  ///< what finds no room waits for it; nothing else goes for its sake
};

class Log {
 public:
  /// A log that holds something already is gone on with, and a rotation that was cut short is
  /// finished.
  void open(const LogFiles& files, LogLimits limits);

  /// Reads what is there from a non-blocking pipe and logs it. False at end of file.
  bool copy(int pipe_fd, int stream);

  /// What was read last has found no room: leave the stream's pipe alone, and retry() after a
  /// while.
  bool is_waiting(int stream) const { return waiting_[stream] > 0; }
  bool is_waiting() const { return is_waiting(0) || is_waiting(1); }
  void retry();

  /// From now on what finds no room is dropped, also with `blocks`: the container ends.
  void stop_waiting();

  /// Says what was dropped and not yet said, if there is room now.
  void finish();

  /// Closes the three files. A shim needs not: it ends.
  void close();

  void append(int stream, const char* bytes, std::uint32_t size);

 private:
  static constexpr std::uint32_t kPiece = 65536;

  void resume();
  bool waits_for_room() const { return limits_.blocks && !has_ended_ && no_room_; }
  void keep(int stream, const char* bytes, std::uint32_t size);
  bool make_room();
  void put(int stream, const char* bytes, std::uint32_t size);
  std::uint32_t write_bytes(int stream, const char* bytes, std::uint32_t size);
  void say_drops(int stream, std::uint64_t at);
  long put_entry(int stream, std::uint64_t offset, std::uint32_t length, std::uint8_t flags);
  std::uint32_t record_end(int stream, const char* bytes, std::uint32_t size,
                           std::uint64_t room) const;
  bool may_rotate() const;
  bool rotate();
  bool begin_generation();
  bool keep_index();
  bool open_streams();
  void learn_generations();
  void remove_generation(std::uint32_t generation);
  bool drop_oldest();

  LogFiles files_;
  LogLimits limits_;
  bool no_room_ = false;    ///< the last write or rotation failed for that
  bool has_ended_ = false;  ///< nothing waits any more
  std::uint32_t waiting_[2] = {0, 0};
  bool streams_missing_ = false;  ///< the last rotation could not make the new ones
  std::uint64_t offset_[2] = {0, 0};
  std::uint64_t index_size_ = 0;
  std::uint64_t line_[2] = {0, 0};     ///< bytes of the unfinished line
  std::uint64_t dropped_[2] = {0, 0};  ///< bytes, not yet said
  bool is_losing_[2] = {false, false};
  std::uint64_t sequence_ = 0;
  std::uint32_t generation_ = 1;  ///< of the files that are written
  std::uint32_t oldest_ = 0;      ///< of the rotated ones; 0 = not looked yet
};

}  // namespace ringfort::shim
