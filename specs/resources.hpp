// What a service may use: image, command, limits, GPU, devices.
#pragma once

#include "ringfort/specs/units.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace ringfort::specs {

enum class PullPolicy { Always, Newer, IfNotPresent, Never };
enum class SourcePolicy { LocalFirst, S3First, RemoteOnly, LocalOnly };

struct Image {
  std::string name;  ///< as written; `host` means the host's own system directories
  PullPolicy pull_policy = PullPolicy::IfNotPresent;
  SourcePolicy source_policy = SourcePolicy::LocalFirst;
  bool operator==(const Image&) const = default;
};

/// Program and arguments: `entrypoint` followed by `args`. Empty = the image's own.
struct Command {
  std::vector<std::string> entrypoint;
  std::vector<std::string> args;
  std::optional<std::string> workdir;
  bool operator==(const Command&) const = default;
};

enum class GpuVendor { Nvidia, Amd, Intel, Apple, Other };
/// `Mps` is Apple's Metal Performance Shaders only; not to be mixed up with GpuSharing::Mps.
enum class GpuMode { Native, Vm, Mps };
enum class GpuScheduling { BestEffort, Gang, Spread };
/// `Mps` is NVIDIA's Multi-Process Service.
enum class GpuSharing { Exclusive, Mps, TimeSlice };

struct GpuDistributed {
  std::string backend = "nccl";
  std::uint16_t master_port = 29500;
  bool operator==(const GpuDistributed&) const = default;
};

struct Gpu {
  std::uint32_t count = 1;
  GpuVendor vendor = GpuVendor::Nvidia;
  std::optional<GpuMode> mode;
  std::optional<std::string> model;  ///< part of the model's name
  std::optional<GpuScheduling> scheduling;
  std::optional<GpuDistributed> distributed;
  std::optional<GpuSharing> sharing;
  std::optional<std::string> mps_pipe_dir;
  std::optional<std::string> mps_log_dir;
  std::optional<std::uint32_t> time_slice_index;
  std::optional<std::string> time_slicing_config_path;
  bool operator==(const Gpu&) const = default;
};

/// Absent = no limit of ours.
struct Resources {
  std::optional<double> cpu;  ///< in processors
  std::optional<Bytes> memory;
  std::optional<Gpu> gpu;
  std::optional<std::uint64_t> pids_limit;
  std::optional<std::string> cpuset;  ///< "0-3,6"
  std::optional<std::uint64_t> cpu_shares;
  std::optional<Bytes> memory_swap;
  std::optional<Bytes> memory_reservation;
  std::optional<std::uint32_t> memory_swappiness;  ///< 0..100
  std::optional<std::int32_t> oom_score_adj;       ///< -1000..1000
  std::optional<bool> oom_kill_disable;
  std::optional<std::uint32_t> blkio_weight;  ///< 10..1000
  bool operator==(const Resources&) const = default;
};

struct Device {
  std::string path;
  bool read = true;
  bool write = true;
  bool mknod = false;
  bool operator==(const Device&) const = default;
};

/// A missing one takes the other's value when read.
struct Ulimit {
  std::int64_t soft = 0;  ///< -1 = unlimited
  std::int64_t hard = 0;
  bool operator==(const Ulimit&) const = default;
};

}  // namespace ringfort::specs
