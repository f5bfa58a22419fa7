// Host paths as people give them.
#pragma once

#include "ringfort/specs/result.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace ringfort::cli {

/// `path` below `directory` unless absolute; without "//", "." and "..". Pure: follows no link.
std::string absolute_path(std::string_view path, std::string_view directory);

/// The paths under which `given` is to be seen: as given and resolved, once if they are the same.
/// Relative to `logical_directory`. Error: NotFound, or Io when it can't be reached.
Result<std::vector<std::string>> visible_paths(const std::string& given,
                                               const std::string& logical_directory);

/// Is `path` `directory` or below it?
bool is_below(std::string_view path, std::string_view directory);

}  // namespace ringfort::cli
