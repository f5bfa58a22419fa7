// What an overlay needs on the disk: directories of its own, and an image that stays.
#pragma once

#include "ringfort/platform/fd.hpp"
#include "ringfort/platform/image_store.hpp"

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include <sys/types.h>

namespace ringfort::platform {

/// While it lives no runtime removes the image. Also of containers without a record.
using HeldImage = std::shared_ptr<const Fd>;

/// One descriptor for each image in use, however many containers lie over it. Thread-safe.
class HeldImages {
 public:
  /// Error: NotFound when the image has been removed.
  Result<HeldImage> hold(const Image& image);

 private:
  std::mutex mutex_;
  std::map<std::string, std::weak_ptr<const Fd>> held_;
};

/// Why an image stays though its removal is forced: it is under the root of `container`.
Error is_under(std::string_view container);

/// Locks `image_fd`, a directory of the store, against those who would lie over it. Error:
/// InvalidSpec when somebody does.
Status lock_out_overlays(int image_fd);

/// rootfs/ (empty, where the root will be mounted) and overlay/{upper/,work/} below `dir_fd`. The
/// upper directory is what the root will look like: of the image's mode, and `owner`'s.
Status make_overlay_directories(int dir_fd, const Image& image, std::optional<uid_t> owner);

}  // namespace ringfort::platform
