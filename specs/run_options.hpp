// What a caller asks for beside the spec: the flags of `run`, as values. Plain data.
#pragma once

#include "ringfort/specs/units.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ringfort {

/// Isolation asked for. `Auto` = namespaces where they work, else landlock.
enum class Isolation { Auto, Landlock, Namespaces, Network };

/// The level a container really has: each holds what the one before it does, and more.
enum class Level { Landlock, Namespaces, Network };

enum class NetMode { None, Local, Full };

/// What survives: nothing (attached runs), the death of any process, or power loss.
enum class Durability { None, Process, Full };

/// What a container's root is made of: a copy of the image (a reflink where the file system can),
/// an overlay over it, or whichever of the two is cheaper here.
enum class RootfsMode { Auto, Visible, Overlay };

/// What happens to running containers when their runtime goes away.
enum class OnExit { Kill, Keep };

std::string_view to_string(Isolation isolation);
std::string_view to_string(Level level);
std::string_view to_string(NetMode mode);
std::string_view to_string(Durability durability);
std::string_view to_string(RootfsMode mode);
/// What a container's root turned out to be, in those words.
inline std::string_view rootfs_word(bool overlay) {
  return to_string(overlay ? RootfsMode::Overlay : RootfsMode::Visible);
}
std::optional<Isolation> parse_isolation(std::string_view text);
std::optional<Level> parse_level(std::string_view text);
std::optional<NetMode> parse_net_mode(std::string_view text);

/// Options of one container. The defaults are the library's: what the seed's runtime does.
struct RunOptions {
  std::optional<Isolation> isolation;        ///< empty = the runtime's
  bool best_effort = false;                  ///< rather a lower level, openly, than an error
  std::optional<NetMode> net;                ///< empty = the spec decides (no endpoints = full)
  std::vector<std::uint16_t> connect;        ///< further ports at `local`
  std::vector<std::uint16_t> listen;         ///< further ports at `local`
  std::vector<std::string> read;             ///< absolute host paths: read and execute
  std::vector<std::string> write;            ///< absolute host paths: also create, change, remove
  bool own_port = true;                      ///< claim one port and give it in PORT
  std::optional<Duration> timeout;           ///< from the program's first instruction
  Duration grace = std::chrono::seconds(2);  ///< between TERM and KILL after the timeout
  std::optional<std::string> user;           ///< name or uid[:gid]; root runtimes only
  std::string workdir;                       ///< host path wanted as working directory, if covered
  std::optional<Durability> durability;      ///< empty = the runtime's
  RootfsMode rootfs = RootfsMode::Visible;   ///< where the spec names none
  bool replace = true;  ///< creation may take the name of one that has ended or never ran...
  std::string origin;   ///< ...and has the same origin: who makes it, a file's path say
  std::string caller;   ///< creates and starts of all callers take turns; empty = the service
  /// Borrowed descriptors handed to the program; -1 = /dev/null for stdin, the log for the others.
  /// They must stay open until start has answered.
  int stdin_fd = -1;
  int stdout_fd = -1;
  int stderr_fd = -1;
  /// stdin_fd is a terminal nobody controls yet (a fresh pty): it becomes the program's own. Holds
  /// for the first start only, as the descriptors do.
  bool terminal = false;
  /// Borrowed likewise, for the first start: the program's accesses are told to whoever holds the
  /// other end (platform::Tracer). -1 = they are not.
  int trace_fd = -1;
};

}  // namespace ringfort
