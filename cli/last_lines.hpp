// The last lines that a program wrote to stderr, and what the policy explains of them.
#pragma once

#include "ringfort/api/access.hpp"
#include "ringfort/specs/status.hpp"

#include <deque>
#include <string>
#include <vector>

namespace ringfort::cli {

/// Keeps a bounded number of them, each cut.
class LastLines {
 public:
  void add(const LogEntry& entry);
  std::vector<std::string> take();

 private:
  std::deque<std::string> lines_;
  bool goes_on_ = false;
};

/// Whether an end is one that a denial may explain: unhappy, and not of ringfort's making.
bool is_to_explain(const ExitRecord& exit);

/// The probable denials of a container that has ended so; empty when nothing is explained, or when
/// its record can't be read: this is advice, and never an error.
std::vector<AccessAnswer> probable_denials(const std::string& data_dir, const ContainerId& id,
                                           const std::vector<std::string>& lines);

}  // namespace ringfort::cli
