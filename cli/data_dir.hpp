// Where this command keeps images and containers.
#pragma once

#include "ringfort/specs/result.hpp"

#include <string>

namespace ringfort::cli {

/// The environment as far as it decides; empty = not set.
struct DataDirHints {
  std::string given;     ///< --data-dir
  std::string variable;  ///< RINGFORT_DATA_DIR
  std::string xdg_data_home;
  std::string home;
  bool is_root = false;
};

/// Pure. Error: NotFound with the remedy when nothing names a place.
Result<std::string> choose_data_dir(const DataDirHints& hints);

/// For this process.
Result<std::string> find_data_dir(const std::string& given);

}  // namespace ringfort::cli
