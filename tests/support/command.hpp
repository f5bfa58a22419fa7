// The built `ringfort` as a person runs it: with a home and a data directory of its own, as this
// user or as a plain one.
#pragma once

#include "ringfort/support/leak_check.hpp"
#include "ringfort/support/program.hpp"
#include "ringfort/support/temp_dir.hpp"

#include <optional>
#include <string>
#include <vector>

#include <unistd.h>

namespace ringfort::test {

/// Who types. `Plain` is uid 4242 without groups, and needs root.
enum class User { Own, Plain };

inline constexpr ::uid_t kPlainUid = 4242;

class Command {
 public:
  explicit Command(User user = User::Own);

  /// argv of `ringfort WORDS`, run as the user.
  std::vector<std::string> argv(const std::vector<std::string>& words) const;
  ProgramOptions options(std::string stdin_text = {}) const;
  Outcome run(const std::vector<std::string>& words, const std::string& stdin_text = {}) const;

  /// From now on the build whose helper speaks a raised version of the protocol is run.
  void upgrade();

  /// A directory that belongs to the user and is everybody's to enter; programs start there.
  const std::string& home() const { return home_; }
  std::string data_dir() const { return home_ + "/data"; }
  /// Makes a file of the user's below home.
  void write(const std::string& name, std::string_view text) const;

  /// What runs have left below the data directory; empty after a while if all is well.
  std::vector<std::string> leftovers() const;
  /// Whether containers of this level work here for this user; else what ringfort says.
  std::optional<std::string> refusal(const std::string& level) const;

 private:
  LeakCheck leaks_;  ///< what the command starts and leaves becomes this process's child
  User user_;
  TempDir dir_;
  std::string home_;
  std::string program_;
};

}  // namespace ringfort::test
