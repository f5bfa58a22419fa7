// Whether a policy lets a program do one thing, by which rule, and what would change that. The same
// plan is asked that a kernel is given. Pure but for `look`.
#pragma once

#include "ringfort/platform/path_view.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ringfort::platform {

enum class Operation { Read, Write, Exec, Connect, Bind };
std::string_view to_string(Operation operation);  ///< read, write, exec, connect, bind
std::optional<Operation> parse_operation(std::string_view text);

enum class TargetKind { Path, Tcp, Udp, UnixPath, UnixAbstract };

struct Question {
  Operation operation = Operation::Read;
  TargetKind kind = TargetKind::Path;
  std::string path;        ///< of Path (a bare name of a program for Exec) and of the unix kinds
  std::string host;        ///< of Tcp and Udp, as written; may be empty
  std::uint16_t port = 0;  ///< of Tcp and Udp; 0 = any free one, for Bind
  bool operator==(const Question&) const = default;
};

/// A path for read, write and exec. For connect and bind: PORT, HOST:PORT, [HOST]:PORT, with
/// `udp:` in front where it is no TCP; /PATH or unix:PATH; @NAME. Relative paths are below
/// `directory`. Errors: InvalidSpec.
Result<Question> parse_question(Operation operation, std::string_view target,
                                const std::string& directory);
/// As parse_question takes it.
std::string target_text(const Question& question);

/// Where a rule comes from.
enum class Origin { Default, Flag, Spec, Image, Level };
std::string_view to_string(Origin origin);  ///< default, flag, spec, image, level

struct RuleName {
  std::string text;  ///< "--read /home/me", "/usr of the host", "network none"
  Origin origin = Origin::Default;
  std::string field;  ///< of the service in the spec: "endpoints[0].port"; else empty
  std::string gives;  ///< "read, exec", "connect" ...; empty where it refuses
};

/// Who would refuse it.
enum class Holder { Nobody, Landlock, Seccomp, Mounts, Mode, Kernel };
std::string_view to_string(Holder holder);  ///< nobody, landlock, seccomp, mounts, mode, kernel

struct Verdict {
  bool allowed = false;
  Question question;
  std::string path;  ///< as the program sees it, links followed; empty for ports
  Holder held_by = Holder::Nobody;
  std::string because;              ///< "no rule covers it"
  std::optional<RuleName> rule;     ///< the one that decides; empty = none covers it
  std::optional<RuleName> nearest;  ///< the one that just misses
  std::vector<std::string> flags;   ///< of `run`, that would allow it: {"--read", "/home/me"}
  std::string remedy;               ///< a sentence where no flag does it, or the spec's way
  std::vector<std::string> notes;
  bool is_absent = false;     ///< of a denied path: the host has nothing there, either
  bool has_no_place = false;  ///< nor a directory for it
};

/// What is asked of beside the question. All references must outlive the calls.
struct VerdictContext {
  const Policy& policy;
  const LaunchPlan& plan;
  const HostFacts& host;
  const specs::Service& service;
  const RunOptions& options;
  bool is_spec = false;  ///< the service stands in a file, not in flags
  /// The caller named the network or the profile; else they are the defaults of `run`.
  bool names_network = false;
  Look look = look_at_nothing;
  std::vector<std::uint32_t> groups = {};  ///< see PathView
  std::uint16_t first_free_port = 1024;    ///< net.ipv4.ip_unprivileged_port_start
};

Verdict judge(const Question& question, const VerdictContext& context);

/// The parts of `judge`, each for the targets it is named after.
Verdict judge_file(const Question& question, const VerdictContext& context);
Verdict judge_network(const Question& question, const VerdictContext& context);

}  // namespace ringfort::platform
