// May a program do this? Answers about a policy, from the plan that a kernel would be given. Needs
// no runtime, and starts nothing but the trials that choose the level.
#pragma once

#include "ringfort/specs/names.hpp"
#include "ringfort/specs/result.hpp"
#include "ringfort/specs/run_options.hpp"
#include "ringfort/specs/service.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ringfort {

/// A rule as people know it.
struct AccessRule {
  std::string text;    ///< "--read /home/me"
  std::string origin;  ///< default, flag, spec, image or level
  std::string field;   ///< of the service, "endpoints[0].port"; empty unless origin is spec
  std::string gives;   ///< "read, exec"; empty where it refuses
};

struct AccessAnswer {
  bool allowed = false;
  std::string operation;  ///< read, write, exec, connect or bind
  std::string target;     ///< as asked; relative paths made absolute
  std::string path;       ///< as the program sees it, links followed; empty for ports
  std::string level;      ///< landlock, namespaces
  std::string held_by;    ///< who refuses: landlock, seccomp, mounts, mode or kernel; else nobody
  std::string because;
  std::optional<AccessRule> rule;     ///< the one that decides; empty = none covers it
  std::optional<AccessRule> nearest;  ///< the one that just misses
  std::vector<std::string> flags;     ///< of `run`, that would allow it
  std::string remedy;                 ///< where no flag does
  std::vector<std::string> notes;
  bool is_absent = false;     ///< of a denied path: the host has nothing there, either
  bool has_no_place = false;  ///< nor a directory for it
};

/// What is known of the asker beside service and options.
struct AccessSetting {
  /// Where images are, a relative path from the working directory; empty = only image `host` can be
  /// asked about.
  std::string data_dir;
  Isolation isolation = Isolation::Auto;
  bool is_spec = false;         ///< the service stands in a file, not in flags
  bool names_network = false;   ///< the network is the caller's choice, not a default
  std::string directory = "/";  ///< relative paths of questions are below it
  /// For one that has been made: its id, level, port and user id. Else they are those of an
  /// example.
  std::optional<ContainerId> container;
  std::optional<Level> level;
  std::optional<std::uint16_t> port;
  std::optional<std::uint32_t> uid;
};

/// Whether links are followed on the host, or only the text of a path counts. A text is enough, and
/// safe, for paths that a guest has named.
enum class Looking { Host, Text };

class AccessJudge {
 public:
  /// For a container that would be made now. Errors: those of its creation.
  static Result<AccessJudge> make(const specs::Service& service, const RunOptions& options,
                                  const AccessSetting& setting);
  /// For one whose record is in `setting.data_dir`, at the level it has. Errors: NotFound, Internal
  /// for a damaged record.
  static Result<AccessJudge> of_container(const ContainerId& id, const AccessSetting& setting);

  AccessJudge(AccessJudge&&) noexcept;
  AccessJudge& operator=(AccessJudge&&) noexcept;
  ~AccessJudge();

  /// `operation` is read, write, exec, connect or bind; targets as in `ringfort why --help`. Error:
  /// InvalidSpec for what is neither.
  Result<AccessAnswer> ask(std::string_view operation, std::string_view target,
                           Looking looking = Looking::Host) const;

  /// What of the failures that the last lines of a program's stderr speak of the policy explains:
  /// probable denials, at most 8, each once. No file is looked at, whatever the lines say.
  std::vector<AccessAnswer> denials_in(const std::vector<std::string>& lines) const;

 private:
  struct Facts;
  explicit AccessJudge(std::unique_ptr<Facts> facts);
  std::unique_ptr<Facts> facts_;
};

}  // namespace ringfort
