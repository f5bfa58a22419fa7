// What a program seems to have tried, from what it said about its failures. Pure, bounded whatever
// the text; a guess, never a fact.
#pragma once

#include "ringfort/platform/verdict.hpp"

#include <string>
#include <vector>

namespace ringfort::platform {

struct Attempt {
  Operation operation = Operation::Read;
  std::string target;       ///< as parse_question takes it; a path may be relative
  bool is_sure = false;     ///< the words name the operation; else it may as well be a write
  bool is_absence = false;  ///< "no such file", which is what a hidden path looks like
  bool creates = false;     ///< of a write: something new, so the directory is what lacks
  bool operator==(const Attempt&) const = default;
};

/// Of a file, and not of a port.
bool is_path(const Attempt& attempt);

/// Of the last lines of stderr, in their order, each once; at most 16. Longer lines are cut.
std::vector<Attempt> attempts_in(const std::vector<std::string>& lines);

}  // namespace ringfort::platform
