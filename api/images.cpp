// Images.
#include "ringfort/api/impl.hpp"

namespace ringfort {

using namespace messages;

namespace {

// Copying and deleting images takes as long as the disk wants.
constexpr Duration kImageLimit = std::chrono::hours(1);

}  // namespace

Status Runtime::register_local_rootfs(std::string_view image, const std::string& directory) {
  return impl_->ask<Status>(RegisterImage{std::string(image), directory}, kImageLimit);
}

Status Runtime::pull_image(std::string_view image) {
  return impl_->ask<Status>(PullImage{std::string(image), specs::PullPolicy::IfNotPresent},
                            kImageLimit);
}

Result<std::vector<ImageEntry>> Runtime::list_images() {
  return impl_->ask<Result<std::vector<ImageEntry>>>(ListImages{}, kImageLimit);
}

Status Runtime::remove_image(std::string_view image, bool force) {
  return impl_->ask<Status>(RemoveImage{std::string(image), force, {}}, kImageLimit);
}

Result<std::vector<std::string>> Runtime::prune_images() {
  return impl_->ask<Result<std::vector<std::string>>>(PruneImages{}, kImageLimit);
}

}  // namespace ringfort
