// Images: directories registered once, immutable afterwards. Thread-safe and safe among runtimes.
#pragma once

#include "ringfort/platform/fd.hpp"

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace ringfort::platform {

struct Image {
  std::string name;
  std::string rootfs;   ///< absolute host path, immutable
  bool native = false;  ///< some program's PT_INTERP is absent from the image
  std::uint64_t bytes = 0;
  std::uint64_t files = 0;  ///< what is no directory; 0 = registered before they were counted
  /// Top-level entries that the source did not have: only mounts need them.
  std::vector<std::string> mount_points;
  bool own_libraries = false;  ///< its programs use an interpreter and libraries of the image
};

/// Where the host keeps shared libraries, relative to `/`. Native images have a mount point or link
/// for each that the host has.
inline constexpr std::array<const char*, 4> kHostLibraryDirectories{"usr/lib", "usr/lib64", "lib",
                                                                    "lib64"};

enum class PullPolicy { Always, Newer, IfNotPresent, Never };

/// `<data_dir>/images/<encoded name>/{rootfs/,image.json}`.
class ImageStore {
 public:
  /// Both directories exist, on one file system. Keeps descriptors of them. What is staged carries
  /// `owner_nonce` in its name, so that others can tell when its maker is dead.
  static Result<ImageStore> open(const std::string& images_dir, const std::string& staging_dir,
                                 std::string_view owner_nonce = "none");

  /// Copies `source` into staging, adds the mount points (proc, dev, tmp, and for native images the
  /// host's library directories), renames into place. Idempotent: an image that is there wins.
  /// No link is followed; sockets, FIFOs and devices are refused by name, as are file systems
  /// mounted inside the tree (but for proc, sys, dev, tmp, run, which become empty) and a proc,
  /// dev, tmp or etc that is not a directory: InvalidSpec. NotFound when `source` is absent.
  Result<Image> add(std::string_view name, const std::string& source);

  /// NotFound whose `what` contains `rootfs not found` and the path.
  Result<Image> find(std::string_view name) const;
  std::vector<Image> list() const;

  /// InvalidSpec when `in_use(name)` and not `force`, and always when a container's root is an
  /// overlay over it: one whose creator lives holds a lock, others `check_overlays` knows.
  Status remove(std::string_view name, bool force,
                const std::function<bool(std::string_view)>& in_use,
                const std::function<Status(std::string_view)>& check_overlays = {});

  struct Pruned {
    std::vector<std::string> names;
    std::uint64_t bytes = 0;
  };
  Result<Pruned> prune(const std::function<bool(std::string_view)>& in_use,
                       const std::function<Status(std::string_view)>& check_overlays = {});

  /// Where an image of that name has, or would have, its tree.
  std::string image_path(std::string_view name) const;

  /// What pulling means while there is no registry: present images answer ok (always/newer too say
  /// PullFailed: there is no registry yet), missing ones PullFailed with the line to register one.
  Status pull(std::string_view name, PullPolicy policy) const;

 private:
  Result<Image> stage_and_commit(std::string name, int source_fd, const std::string& stage);
  std::string staging_name() const;

  std::string images_dir_;
  std::string owner_nonce_;
  Fd images_;
  Fd staging_;
};

}  // namespace ringfort::platform
