// Looks at single paths of this host, for the verdicts. No link is followed at their ends, and
// none at all below a directory in which a guest has written.
#pragma once

#include "ringfort/platform/path_view.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace ringfort::platform {

/// `Unknown` for what may not be looked at.
Node look_at_host(const std::string& path);

/// The same for `rest` below `base`; a link on the way makes it `Unknown`. openat2(2),
/// RESOLVE_NO_SYMLINKS.
Node look_beneath(const std::string& base, const std::string& rest);

/// Supplementary groups of this process.
/// The same in a root that is an overlay of `upper` over `image`: what was deleted is Missing.
Node look_in_overlay(const std::string& upper, const std::string& image, const std::string& rest);

std::vector<std::uint32_t> own_groups();

/// net.ipv4.ip_unprivileged_port_start; 1024 when that can't be read.
std::uint16_t first_free_port();

}  // namespace ringfort::platform
