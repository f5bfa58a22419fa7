// One process of the host, from posix_spawn to its end.
#pragma once

#include "ringfort/specs/result.hpp"
#include "ringfort/specs/units.hpp"

#include <string>
#include <vector>

namespace ringfort::cli {

struct HostProgram {
  std::vector<std::string> argv;         ///< argv[0] is a path
  std::vector<std::string> environment;  ///< "NAME=value"
  int out_fd = -1;                       ///< borrowed; -1 = the caller's own
  int err_fd = -1;                       ///< likewise
  /// Then it is killed with its process group. 0 = waited for without a bound, in one call.
  Duration patience{};
};

/// Errors: Io, Timeout, and Internal for an end other than code 0.
Status run_host_program(const HostProgram& program);

/// The same, with the last line that it wrote to stderr in the error.
Status try_host_program(HostProgram program);

/// Where execvp(3) would find it in `path` (a PATH); empty = nowhere.
std::string find_program(const std::string& name, const std::string& path);

/// What this process would hand on.
std::vector<std::string> own_environment();

}  // namespace ringfort::cli
