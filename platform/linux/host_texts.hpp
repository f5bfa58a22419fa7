// What the kernel's and the system's text files say about this machine. Pure.
#pragma once

#include "ringfort/platform/host_survey.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ringfort::platform {

/// A sysctl's number. Empty when the text holds none.
std::optional<std::int64_t> parse_number(std::string_view text);

/// Two numbers with blanks between, as in net.ipv4.ip_local_port_range.
std::optional<std::pair<std::int64_t, std::int64_t>> parse_range(std::string_view text);

/// The value of a line "Name:\tvalue" of /proc/self/status.
std::optional<std::string> status_value(std::string_view status, std::string_view name);

/// ID and VERSION_CODENAME of os-release(5).
OsRelease parse_os_release(std::string_view text);

/// Type of the file system that holds `path` (absolute, without links), from /proc/self/mountinfo.
std::string filesystem_of(std::string_view mountinfo, std::string_view path);

}  // namespace ringfort::platform
