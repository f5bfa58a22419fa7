// What the actors and the Runtime answer. Plain values; no CAF here.
#pragma once

#include "ringfort/specs/names.hpp"
#include "ringfort/specs/run_options.hpp"
#include "ringfort/specs/status.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace ringfort {

/// What create found out.
struct Created {
  Level level = Level::Landlock;
  std::vector<std::string> layers;   ///< what the level consists of
  std::vector<std::string> missing;  ///< what it does not hold on this machine, one sentence each
  std::vector<std::string> not_enforced;  ///< spec fields in use that are not enforced
  std::optional<std::uint16_t> port;
  std::optional<std::uint32_t> uid;  ///< of the runtime's block, at root; a named user comes first
  std::string lowered;   ///< at best effort: how the level is less than what was asked for
  bool overlay = false;  ///< its root is an overlay over the image, and not a copy
};

/// What start found out.
struct Started {
  std::int32_t pid = 0;                ///< host pid of the main program
  WallTime at{};                       ///< of its exec
  std::chrono::microseconds took{};    ///< from the call to the exec
  std::chrono::microseconds queued{};  ///< of that, until it was its turn to start
};

struct ExecOptions {
  std::vector<std::pair<std::string, std::string>> env;
  std::string workdir;
  std::optional<Duration> timeout;
  std::string stdin_text;
  /// Borrowed descriptors for the command, to be kept open until the answer; all three or none.
  /// With them the result holds no output and nothing is cut.
  int stdin_fd = -1;
  int stdout_fd = -1;
  int stderr_fd = -1;
  /// stdin_fd is a terminal that nobody controls yet (a fresh pty): it becomes the command's own.
  bool terminal = false;
  /// Borrowed. When it can be read, the command is killed and the answer is code 137.
  int cancel_fd = -1;
};

struct ImageEntry {
  std::string name;
  bool native = false;
  std::uint64_t bytes = 0;
};

struct VolumeEntry {
  std::string name;
  std::uint64_t bytes = 0;           ///< on the disk
  std::vector<std::string> used_by;  ///< recorded containers that name it
};

/// Of a container whose create or start has not had its turn yet.
struct QueuePlace {
  Duration waited{};
  std::size_t before = 0;  ///< creates or starts that go first, as things stand

  bool operator==(const QueuePlace&) const = default;
};

struct ContainerEntry {
  ContainerId id;
  std::string image;
  ContainerState state;
  Level level = Level::Landlock;
  std::string lowered;   ///< as in Created
  bool overlay = false;  ///< as in Created
  std::optional<std::uint16_t> port;
  std::optional<std::int32_t> pid;  ///< host pid of the main program while it lives
  std::vector<std::string> command;
  std::vector<std::string> layers;
  std::vector<std::string> missing;
  std::vector<std::string> not_enforced;  ///< as in Created
  bool damaged = false;                ///< its record can't be read; the state's reason tells why
  bool is_others = false;              ///< another runtime, which lives, looks after it
  std::uint32_t restarts = 0;          ///< by its policy, since the last start by hand
  std::optional<WallTime> next_start;  ///< in Backoff
  std::optional<QueuePlace> queued;    ///< in Creating or Starting
};

}  // namespace ringfort
