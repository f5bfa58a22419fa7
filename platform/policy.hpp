// The policy model: what one container may do, independent of how a kernel is told. Pure.
#pragma once

#include "ringfort/specs/deployment.hpp"
#include "ringfort/specs/run_options.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ringfort::platform {

enum class GpuAccess { None, MetalCompute, MpsOnly };
std::string_view to_string(GpuAccess gpu);  ///< none, metal-compute, mps-only

/// A port of the machine that leads to one inside, where the container's network is its own.
struct PortEntry {
  std::uint16_t host = 0;
  std::uint16_t inside = 0;
  bool required = false;  ///< asked for by number: not to be had is an error
  bool operator==(const PortEntry&) const = default;
};

/// `Local`: TCP on these ports of the machine only. The lists are sorted and without doubles.
struct NetworkAccess {
  NetMode mode = NetMode::None;
  std::vector<std::uint16_t> bind_ports;
  std::vector<std::uint16_t> connect_ports;
  /// 53, 80, 443: what the seed grants beside an endpoint. They stand in the Seatbelt text only.
  std::vector<std::uint16_t> seatbelt_connect_ports;
  /// The caller named the mode: a kernel that can't hold it is an error. Where endpoints alone made
  /// it `Local`, what the kernel can't hold is told as missing.
  bool is_asked_for = false;
  /// For level `network`, beside the own port: endpoints in their order, then `options.listen`.
  std::vector<PortEntry> entries{};
  bool operator==(const NetworkAccess&) const = default;
};

/// Read = read and execute; Write = also create, change, remove.
enum class Access { Read, Write };
std::string_view to_string(Access access);  ///< read, write

/// Device nodes, on Linux.
struct GpuDevices {
  specs::GpuVendor vendor = specs::GpuVendor::Nvidia;
  std::uint32_t count = 1;
  bool operator==(const GpuDevices&) const = default;
};

struct PathRule {
  std::string path;  ///< absolute host path
  Access access = Access::Read;
  bool operator==(const PathRule&) const = default;
};

enum class VolumeKind { Anonymous, Named, Bind, Tmpfs };
std::string_view to_string(VolumeKind kind);  ///< anonymous, named, bind, tmpfs

/// Where a spec's storage goes. Never a host path that the target names.
struct VolumeRule {
  std::string name;    ///< as in RINGFORT_VOLUME_<NAME>; empty for all but named ones
  std::string target;  ///< path inside the container
  bool read_only = false;
  std::string source;  ///< a bind's own host directory; empty = the volume is the runtime's
  VolumeKind kind = VolumeKind::Anonymous;
  /// Where its files lie on the host: a bind's source, `<data_dir>/volumes/<name>`, or below the
  /// container's own directory. Empty for a tmpfs.
  std::string directory{};
  Bytes size{};                ///< of a tmpfs
  std::uint32_t mode = 01777;  ///< of a tmpfs
  bool operator==(const VolumeRule&) const = default;
};

struct Policy {
  std::string container_dir;  ///< absolute; holds rootfs and tmp
  std::string rootfs_dir;     ///< absolute; empty = the host's system directories (image `host`)
  RootfsMode rootfs = RootfsMode::Visible;  ///< as asked for
  std::string image_dir;        ///< the image under an overlay; empty = rootfs_dir is a copy of it
  std::string scratch_dir;      ///< absolute; HOME and TMPDIR
  bool native_image = false;    ///< the image has no libraries: the host's are shown read-only
  bool own_libraries = false;   ///< the image brings its libraries: not to be had at `landlock`
  std::vector<PathRule> paths;  ///< sorted, one a path
  std::vector<VolumeRule> volumes;  ///< sorted by target, so that a parent is mounted first
  NetworkAccess network;
  GpuAccess gpu = GpuAccess::None;        ///< Apple's
  std::optional<GpuDevices> gpu_devices;  ///< another vendor's
  specs::SeccompProfile seccomp = specs::SeccompProfile::Default;
  std::optional<Bytes> memory_limit;
  std::uint32_t max_files = 4096;
  bool operator==(const Policy&) const = default;
};

/// What make_policy needs beside the spec.
struct PolicyContext {
  std::string container_dir;
  bool native_image = false;
  bool gpu_access = true;                 ///< the runtime's switch
  std::optional<std::uint16_t> own_port;  ///< the claimed port
  bool host_image = false;                ///< image name `host`: no rootfs of its own
  bool own_libraries = false;             ///< see Image
  std::string image_dir{};                ///< of the image under an overlay; empty = a copy
};

/// Valid UTF-8 without control characters (C0, DEL, C1).
bool is_plain_text(std::string_view text);

/// `path` without doubled slashes, `.` parts and a final slash. Says nothing about what is there.
/// Errors: InvalidSpec for a path that is relative, too long, or has `..`, control characters or
/// invalid UTF-8. `name` is what the message calls it.
Result<std::string> normal_path(std::string_view path, std::string_view name);

/// The name that an anonymous volume's directory has in that of its container: `number` is the
/// volume's place in Policy::volumes.
std::string anonymous_volume(std::size_t number);
/// Is this such a name?
bool is_anonymous_volume(std::string_view name);

/// Holds `upper` and `work` of a container whose root is an overlay.
inline constexpr const char* kOverlayName = "overlay";
inline std::string overlay_dir(const Policy& policy) {
  return policy.container_dir + "/" + kOverlayName;
}

/// Is `path` the directory `dir` or something below it? Both as normal_path leaves them.
bool is_within(std::string_view path, std::string_view dir);

/// Who decides the network: `options.net`; else the spec's `network_mode: none|host`; else its
/// endpoints (none = full, as the seed has it). At `local` the own port is in both lists, and
/// whatever may be bound may be connected to. A GPU needs the runtime's switch.
/// Errors: InvalidSpec for a path that normal_path refuses, a target that would hide /proc, /dev or
/// /sys, two volumes at one target, port 0, and ports beside `none`.
Result<Policy> make_policy(const specs::Service& service, const RunOptions& options,
                           const PolicyContext& context);

}  // namespace ringfort::platform
