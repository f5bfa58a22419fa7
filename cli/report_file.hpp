// The file behind --report: opened before anything starts, written once.
#pragma once

#include "ringfort/cli/command.hpp"
#include "ringfort/cli/output/report.hpp"
#include "ringfort/platform/fd.hpp"

#include <optional>
#include <string>

namespace ringfort::cli {

/// The last --report among options that may be wrong otherwise.
std::optional<std::string> find_report_flag(const Arguments& options);

class ReportFile {
 public:
  /// Error: Io when it can't be written.
  static Result<ReportFile> open(const std::string& path);
  Status write(const Report& report) const;

 private:
  ReportFile(std::string path, platform::Fd fd) : path_(std::move(path)), fd_(std::move(fd)) {}
  std::string path_;
  platform::Fd fd_;
};

}  // namespace ringfort::cli
