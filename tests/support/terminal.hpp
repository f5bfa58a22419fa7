// A terminal with a person at it, for programs that look at theirs.
#pragma once

#include "ringfort/support/program.hpp"

#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>
#include <termios.h>

namespace ringfort::test {

/// Runs a program as the leader of a session on a pty of the test's own.
class Terminal {
 public:
  struct Size {
    unsigned short rows = 24;
    unsigned short columns = 80;
  };
  Terminal(const std::vector<std::string>& argv, const ProgramOptions& options, Size size);
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;
  ~Terminal();  ///< kills what still runs

  pid_t pid() const { return pid_; }
  void signal(int number) const;
  void type(std::string_view keys) const;
  void resize(Size size) const;  ///< the program gets WINCH
  /// Reads until `text` is on the screen; false after 20 s, or at the program's end without it.
  bool has_shown(std::string_view text);
  const std::string& shown() const { return shown_; }
  /// The modes that the next program would find.
  termios modes() const;
  /// Waits for its end, at most 20 s; then it is killed. 128+n after a signal.
  int finish();

 private:
  bool pump();

  pid_t pid_ = -1;
  int master_ = -1;
  int slave_ = -1;  ///< kept: what was written last can be read after the end
  std::string shown_;
};

/// The modes that raw_mode changes are as before.
bool same_modes(const termios& one, const termios& other);

}  // namespace ringfort::test
