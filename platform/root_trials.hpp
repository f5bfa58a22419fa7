// What the root of an image's container may be made of on this disk, and what is cheaper.
#pragma once

#include "ringfort/platform/image_store.hpp"
#include "ringfort/platform/spawner.hpp"

#include <mutex>
#include <optional>
#include <string>

namespace ringfort::platform {

/// Whether a clone of `image` takes longer than an overlay over it. Pure.
bool copy_is_dearer(const Image& image, bool has_reflink);

/// Mounts an overlay below `directory` once as a container's root would be, and writes into it, in
/// a child that is thrown away with all it has made. Error: Unsupported.
Status try_overlay_root(const std::string& directory, const std::string& name, Spawner& spawner);

/// Each thing is tried when it is first asked for. That there can be overlays is kept in
/// `<data_dir>/.overlay`. Thread-safe.
class RootTrials {
 public:
  /// What is made for a moment is in .staging and has a name that begins with `nonce`.
  RootTrials(std::string data_dir, std::string nonce)
      : data_dir_(std::move(data_dir)), nonce_(std::move(nonce)) {}

  /// Error: Unsupported, with the reason.
  Status overlay_over(const Image& image, Spawner& spawner);
  bool has_reflink();

 private:
  Status try_overlay(Spawner& spawner) const;

  std::string data_dir_;
  std::string nonce_;
  std::mutex mutex_;
  std::optional<Status> overlay_;
  std::optional<bool> reflink_;
};

}  // namespace ringfort::platform
