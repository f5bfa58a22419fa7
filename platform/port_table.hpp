// Which ports belong to containers that have a record, also while nobody holds them: one byte for
// each port in <data_dir>/.ports. The kernel keeps two runtimes from one port only as long as one
// of them lives.
#pragma once

#include "ringfort/platform/fd.hpp"

#include <cstdint>
#include <mutex>
#include <set>

namespace ringfort::platform {

/// Thread-safe. Whoever changes a byte holds that port's socket, or the container that has the
/// port, so no two processes change the same one.
class PortTable {
 public:
  /// `root_fd` is borrowed. The file comes with the first port.
  explicit PortTable(int root_fd) : root_fd_(root_fd) {}

  /// False as well when it can't be read: a port given out twice is noticed at the start.
  bool has(std::uint16_t port);
  /// Error: Io.
  Status set(std::uint16_t port, bool taken);
  /// Those that have a byte and are not in `known`: of processes killed between the two.
  std::set<std::uint16_t> strays(const std::set<std::uint16_t>& known);

 private:
  int file(int flags);

  int root_fd_;
  std::mutex mutex_;
  Fd file_;
};

}  // namespace ringfort::platform
