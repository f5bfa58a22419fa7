#include "ringfort/cli/report_file.hpp"

#include "ringfort/cli/output/words.hpp"
#include "ringfort/specs/names.hpp"

#include <fcntl.h>

namespace ringfort::cli {

std::optional<std::string> find_report_flag(const Arguments& options) {
  constexpr std::string_view joined = "--report=";
  std::optional<std::string> path;
  for (std::size_t i = 0; i < options.size() && options[i] != "--"; ++i) {
    if (options[i].starts_with(joined)) path = options[i].substr(joined.size());
    if (options[i] == "--report" && i + 1 < options.size()) path = options[++i];
  }
  return path;
}

Result<ReportFile> ReportFile::open(const std::string& path) {
  platform::Fd fd{::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, 0644)};
  if (!fd)
    return fail(platform::os_error("--report: cannot write " + printable(path, 200),
                                   "name a file in a directory that you may write"));
  return ReportFile{path, std::move(fd)};
}

Status ReportFile::write(const Report& report) const {
  if (write_all(fd_.get(), to_json(report) + "\n")) return {};
  return fail(platform::os_error("--report: cannot write " + printable(path_, 200),
                                 "make room, or name another file"));
}

}  // namespace ringfort::cli
