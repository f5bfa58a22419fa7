// One verb of the command: declares its options, then acts. What it fails with is printed for it.
#pragma once

#include "ringfort/specs/result.hpp"
#include "ringfort/specs/status.hpp"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace CLI {
class App;
}

namespace ringfort::cli {

using Arguments = std::vector<std::string>;

/// What a verb is called with, beside its own options.
struct Call {
  WallTime started{};    ///< when main began
  std::string data_dir;  ///< --data-dir as given; empty = by environment
  Arguments tail;        ///< CMD and its ARGs, for the verbs that take them
};

/// Exit code of every error of our own, usage included.
inline constexpr int kOwnError = 125;

/// Whether the first plain word ends the options, as the program that `run` starts does.
enum class Tail { None, Program };

class Command {
 public:
  Command() = default;
  Command(const Command&) = delete;
  Command& operator=(const Command&) = delete;
  virtual ~Command() = default;

  virtual void declare(CLI::App& app) = 0;
  virtual Tail tail() const { return Tail::None; }
  /// Sees the options before they are parsed.
  virtual Status open(const Arguments& options) {
    (void)options;
    return {};
  }
  /// The exit code, or what to print before leaving with kOwnError.
  virtual Result<int> run(const Call& call) = 0;
  /// Told of every error of open, of the parser and of run, after open has been called.
  virtual void failed(const Error& error) { (void)error; }
};

struct Verb {
  std::string_view name;
  std::string_view usage;  ///< what stands behind the name
  std::string_view summary;
  std::string_view examples;  ///< a command a line
  std::unique_ptr<Command> (*make)();
};

/// All verbs, in the order of the help.
const std::vector<Verb>& verbs();

}  // namespace ringfort::cli
