// A program that a test runs and listens to.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

namespace ringfort::test {

/// How it ended and what it wrote. `code` is 128+n after a signal.
struct Outcome {
  int code = -1;
  std::string out;
  std::string err;
};

struct ProgramOptions {
  std::map<std::string, std::string> env;  ///< added to PATH; nothing else is inherited
  std::string directory;                   ///< empty = the test's own
  std::string stdin_text;
  bool keeps_stdin_open = false;  ///< after the text, until the end
};

class Program {
 public:
  explicit Program(const std::vector<std::string>& argv, const ProgramOptions& options = {});
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;
  ~Program();  ///< kills what still runs

  pid_t pid() const { return pid_; }
  void signal(int number) const;
  /// Reads until `text` stands in stdout; false when it ended or 20 s passed without that.
  bool has_said(std::string_view text);
  const std::string& said() const { return outcome_.out; }
  /// Waits for its end, at most a minute; then it is killed.
  Outcome finish();

 private:
  bool pump(int patience_ms);

  pid_t pid_ = -1;
  int in_ = -1;
  int out_ = -1;
  int err_ = -1;
  std::string stdin_text_;
  bool keeps_stdin_open_ = false;
  std::size_t fed_ = 0;
  Outcome outcome_;
};

/// From start to end.
Outcome run_program(const std::vector<std::string>& argv, const ProgramOptions& options = {});

}  // namespace ringfort::test
