// What the root of a container is made of.
#pragma once

#include "ringfort/actors/context.hpp"

#include <optional>

namespace ringfort::actors {

/// True = an overlay over `image`. Errors, for who asks for one by name: InvalidSpec without an
/// image, Unsupported where there can be none.
Result<bool> wants_overlay(RootfsMode asked, Level level,
                           const std::optional<platform::Image>& image, const Seams& seams);

/// Ok when no recorded container's root lies over the image. Error: InvalidSpec. Blocks.
Status check_no_overlay(std::string_view image, platform::ContainerFiles& files);

}  // namespace ringfort::actors
