#include "ringfort/cli/data_dir.hpp"

#include <cstdlib>

#include <unistd.h>

namespace ringfort::cli {
namespace {

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

}  // namespace

Result<std::string> choose_data_dir(const DataDirHints& hints) {
  if (!hints.given.empty()) return hints.given;
  if (!hints.variable.empty()) return hints.variable;
  if (hints.is_root) return "/var/lib/ringfort";
  // A relative XDG_DATA_HOME is to be ignored, says the XDG Base Directory Specification.
  if (hints.xdg_data_home.starts_with('/')) return hints.xdg_data_home + "/ringfort";
  if (hints.home.starts_with('/')) return hints.home + "/.local/share/ringfort";
  return fail(ErrorKind::NotFound, "no directory for ringfort's files: HOME is not set",
              "name one: export RINGFORT_DATA_DIR=/tmp/ringfort-$(id -u), or --data-dir D");
}

Result<std::string> find_data_dir(const std::string& given) {
  return choose_data_dir({given, variable("RINGFORT_DATA_DIR"), variable("XDG_DATA_HOME"),
                          variable("HOME"), ::geteuid() == 0});
}

}  // namespace ringfort::cli
