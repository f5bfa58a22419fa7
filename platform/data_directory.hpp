// The directories of one data directory, by descriptor, and the clean-up of what dead runtimes
// left.
#pragma once

#include "ringfort/platform/fd.hpp"

#include <set>
#include <string>
#include <system_error>
#include <vector>

#include <sys/types.h>

namespace ringfort::platform {

/// Absolute, by text alone: without ".", ".." and a final slash. `error` is set when there is no
/// working directory.
std::string absolute_path(const std::string& path, std::error_code& error);

/// What was found when a runtime was opened.
struct Leftovers {
  std::vector<std::string> in_trash;  ///< names there, ours now
  bool any_owner_died = false;        ///< without its farewell
};

struct DataDirectory {
  std::string path;  ///< absolute
  Fd root;
  Fd containers;
  Fd images;
  Fd state;
  Fd owners;
  Fd staging;
  Fd trash;
  mode_t container_mode = 0700;  ///< 0711 for root: each container has a uid of its own

  /// Makes what is missing. Errors: Io naming the path and `--data-dir`.
  static Result<DataDirectory> open(const std::string& path);

  /// Moves what dead owners left in .staging and .trash, and their containers without records, to
  /// names of `nonce` in .trash. Of two runtimes that clean at once, each
  /// thing is taken by one.
  Leftovers take_over_leftovers(const std::string& nonce) const;

 private:
  void take_over_bare_containers(const std::set<std::string>& dead, const std::string& nonce,
                                 std::vector<std::string>& taken) const;
};

}  // namespace ringfort::platform
