// Named volumes.
#include "ringfort/api/impl.hpp"

namespace ringfort {

using namespace messages;

namespace {

// To measure a tree takes as long as the disk wants.
constexpr Duration kVolumeLimit = std::chrono::hours(1);

}  // namespace

Result<std::vector<VolumeEntry>> Runtime::list_volumes() {
  return impl_->ask<Result<std::vector<VolumeEntry>>>(ListVolumes{}, kVolumeLimit);
}

Status Runtime::remove_volume(std::string_view name) {
  return impl_->ask<Status>(RemoveVolume{std::string(name)}, kVolumeLimit);
}

}  // namespace ringfort
