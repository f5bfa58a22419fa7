#include "ringfort/actors/root_choice.hpp"

#include "ringfort/actors/records.hpp"
#include "ringfort/platform/overlay_files.hpp"

namespace ringfort::actors {

Result<bool> wants_overlay(RootfsMode asked, Level level,
                           const std::optional<platform::Image>& image, const Seams& seams) {
  if (asked == RootfsMode::Visible) return false;
  if (asked == RootfsMode::Auto) {
    if (!image || level == Level::Landlock || !seams.prefers_overlay(*image)) return false;
    return seams.check_overlay(*image).has_value();
  }
  if (!image)
    return fail(ErrorKind::InvalidSpec, "rootfs overlay needs an image to lie over",
                "name a registered image, or leave rootfs out");
  if (level == Level::Landlock)
    return fail(ErrorKind::Unsupported, "rootfs overlay: at level landlock nothing can be mounted",
                "use --isolation namespaces, or --rootfs auto or visible");
  if (Status possible = seams.check_overlay(*image); !possible) return fail(possible.error());
  return true;
}

Status check_no_overlay(std::string_view image, platform::ContainerFiles& files) {
  return each_record(files, [&](const ContainerId& id, const auto& record) -> Status {
    // Of one that can't be read nobody knows what is under its root.
    const bool may_be =
        record ? record->overlay && record->service.image.name == image : files.has_overlay(id);
    if (may_be) return fail(platform::is_under("container " + id.str()));
    return {};
  });
}

}  // namespace ringfort::actors
