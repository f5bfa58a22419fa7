// Names of containers and images, and the file names made of them.
#pragma once

#include "ringfort/specs/result.hpp"

#include <compare>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace ringfort {

/// One replica of one service. Its directory is `<data_dir>/containers/<service>-<replica>`.
struct ContainerId {
  std::string service;
  std::uint32_t replica = 1;

  /// `<service>-<replica>`: directory name and the name people see.
  std::string str() const;
  auto operator<=>(const ContainerId&) const = default;
};

/// Checks the grammar that keeps an id inside its directory: service of 1..200 bytes, first byte
/// ASCII alphanumeric, then alphanumeric, `-`, `_` or `.`. Error: InvalidSpec naming the byte.
Status check(const ContainerId& id);

/// `<service>-<replica>` back to its parts, split at the last hyphen. Error: InvalidSpec.
Result<ContainerId> parse_container_id(std::string_view text);

/// Injective encoding of an image name into one directory name: `[A-Za-z0-9.-]` stay (but for a
/// first `.`), every other byte becomes `_XX` (two hex digits). Error: InvalidSpec for an empty
/// name, NUL, control bytes, or an encoding over 240 bytes.
Result<std::string> image_directory_name(std::string_view image);

/// The inverse. Error: InvalidSpec when `directory` is not an encoding of anything.
Result<std::string> image_name_from_directory(std::string_view directory);

/// Printable form of untrusted text: control bytes and invalid UTF-8 as \xNN, cut after `limit`.
std::string printable(std::string_view text, std::size_t limit = 120);

}  // namespace ringfort

template <>
struct std::hash<ringfort::ContainerId> {
  std::size_t operator()(const ringfort::ContainerId& id) const noexcept {
    return std::hash<std::string>{}(id.service) * 31 + id.replica;
  }
};
