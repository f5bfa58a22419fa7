// That a trial went well, kept in a file: a command that starts one container would try it each
// time.
#pragma once

#include <string>

namespace ringfort::platform {

/// Counts for this boot, user and these namespaces, and for as long as capabilities, filters and
/// the kernel's switches stay what they are. Only a yes is kept: who was refused asks again.
class KeptAnswer {
 public:
  /// `path` is a file in a directory of ours.
  explicit KeptAnswer(std::string path) : path_(std::move(path)) {}

  /// A file that is a link, somebody else's, or open to others to write, says nothing.
  bool is_yes() const;
  /// What can't be written is asked for again.
  void keep_yes() const;
  void forget() const;

 private:
  std::string path_;
};

}  // namespace ringfort::platform
