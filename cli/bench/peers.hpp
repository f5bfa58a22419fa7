// Other ways to start a program apart from the rest, and how each is told to do as nearly the same
// as ringfort does. Pure; bench/contest.hpp finds and runs them.
#pragma once

#include "ringfort/cli/output/json.hpp"
#include "ringfort/specs/run_options.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace ringfort::cli {

using Words = std::vector<std::string>;

/// What a command line is made of.
struct PeerSetting {
  std::string program;    ///< the peer's path
  std::string directory;  ///< root/ holds the payloads, bundle-<payload>/ an OCI bundle for each
  Level level = Level::Namespaces;
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
};

struct Peer {
  std::string_view name;     ///< as in --peers
  std::string_view program;  ///< as on PATH
  /// argv of one life of `payload`, a file of root/; `id` is its own among those that live.
  Words (*life)(const PeerSetting& setting, const std::string& payload, const std::string& id);
  /// argv of what must be done once before and after; null = nothing.
  std::vector<Words> (*prepare)(const PeerSetting& setting) = nullptr;
  std::vector<Words> (*clean_up)(const PeerSetting& setting) = nullptr;
};

const std::vector<Peer>& peers();
const Peer* find_peer(std::string_view name);

/// config.json of an OCI bundle with the same namespaces, the same mounts and no capability.
Json oci_config(const PeerSetting& setting, const std::string& payload);

/// As one would type it.
std::string shell_line(const Words& argv);

}  // namespace ringfort::cli
