// A program's terminal, shown in the caller's own.
#pragma once

#include "ringfort/cli/tty/pty.hpp"
#include "ringfort/cli/tty/raw_mode.hpp"

#include <memory>
#include <optional>
#include <string>
#include <thread>

namespace ringfort::cli {

/// Error InvalidSpec with the remedy when stdin is no terminal.
Status check_terminal();

/// TERM of the caller, which a program in a terminal needs; empty = it has none.
std::string terminal_type();

/// From start to the destructor a thread of its own copies stdin to the program's terminal and what
/// the program writes there to stdout. Signals must be blocked before (block_signals).
class TerminalSession {
 public:
  /// With `passes_input` every key is the program's and the caller's terminal is raw; without, keys
  /// stay the caller's and the program sees none.
  static Result<std::unique_ptr<TerminalSession>> open(bool passes_input);
  TerminalSession(const TerminalSession&) = delete;
  TerminalSession& operator=(const TerminalSession&) = delete;
  ~TerminalSession() { finish(); }

  /// The program's stdin, stdout and stderr; stays open until the end.
  int program_fd() const { return pty_.slave.get(); }

  void start();
  /// The caller's terminal has another size (on WINCH). Thread-safe.
  void resize();
  /// When the program has ended: shows what it wrote last (for a second at most, for others may go
  /// on writing), gives the caller's terminal back.
  void finish();

 private:
  TerminalSession(Pty pty, platform::Fd end, bool passes_input);
  void copy();
  bool read_keys(bool has_hung_up);
  bool show_output();
  void show_rest();

  Pty pty_;
  platform::Fd end_;  ///< eventfd: the program has ended
  bool passes_input_;
  std::string keys_;  ///< not taken by the program's terminal yet
  std::optional<RawMode> raw_;
  std::thread thread_;
};

}  // namespace ringfort::cli
