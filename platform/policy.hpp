// The policy model: what one container may do, independent of how a kernel is told. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "ringfort/specs/deployment.hpp"
#include "ringfort/specs/run_options.hpp"

namespace ringfort::platform {

enum class GpuAccess { None, MetalCompute, MpsOnly };

/// `Local`: TCP on these ports of the machine only. The lists are sorted and without doubles.
struct NetworkAccess {
  NetMode mode = NetMode::None;
  std::vector<std::uint16_t> bind_ports;
  std::vector<std::uint16_t> connect_ports;
  /// 53, 80 and 443, which the seed grants beside an endpoint. They stand in the Seatbelt text only.
  std::vector<std::uint16_t> seatbelt_connect_ports;
  bool operator==(const NetworkAccess&) const = default;
};

enum class Access { Read, Write };  ///< Read = read and execute; Write = also create, change, remove

struct PathRule {
  std::string path;  ///< absolute host path
  Access access = Access::Read;
  bool operator==(const PathRule&) const = default;
};

/// Where a spec's storage goes. Never a host path that the target names.
struct VolumeRule {
  std::string name;    ///< as in RINGFORT_VOLUME_<NAME>; empty for anonymous ones
  std::string target;  ///< path inside the container
  bool read_only = false;
  bool operator==(const VolumeRule&) const = default;
};

struct Policy {
  std::string container_dir;  ///< absolute; holds rootfs and tmp
  std::string rootfs_dir;     ///< absolute; empty = the host's system directories (image `host`)
  std::string scratch_dir;    ///< absolute; HOME and TMPDIR
  bool native_image = false;  ///< the image has no libraries: the host's are shown read-only
  std::vector<PathRule> paths;
  std::vector<VolumeRule> volumes;
  NetworkAccess network;
  GpuAccess gpu = GpuAccess::None;
  std::optional<Bytes> memory_limit;
  std::uint32_t max_files = 4096;
  bool operator==(const Policy&) const = default;
};

/// What make_policy needs beside the spec.
struct PolicyContext {
  std::string container_dir;
  bool native_image = false;
  bool gpu_access = true;                    ///< the runtime's switch
  std::optional<std::uint16_t> own_port;     ///< the claimed port
  bool host_image = false;                   ///< image name `host`: no rootfs of its own
};

/// The seed's rules (2.7, 2.8) plus the options: endpoints decide the network unless `options.net`
/// does; no endpoints = full; the own port is added to both lists.
/// Errors: InvalidSpec for a path or target that is relative, has `..`, NUL or control bytes.
Result<Policy> make_policy(const specs::Service& service, const RunOptions& options,
                           const PolicyContext& context);

}  // namespace ringfort::platform
