// What a service mounts. Five kinds; `type` names them in YAML.
#pragma once

#include "ringfort/specs/units.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace ringfort::specs {

enum class StorageTier { Local, Cached, Network };

/// A directory of the host.
struct BindStorage {
  std::string source;
  std::string target;
  bool readonly = false;
  bool operator==(const BindStorage&) const = default;
};

/// A volume that outlives the container and is found again by its name.
struct NamedStorage {
  std::string name;
  std::string target;
  bool readonly = false;
  StorageTier tier = StorageTier::Local;
  std::optional<Bytes> size;
  bool operator==(const NamedStorage&) const = default;
};

/// A volume that goes with the container.
struct AnonymousStorage {
  std::string target;
  StorageTier tier = StorageTier::Local;
  bool operator==(const AnonymousStorage&) const = default;
};

struct TmpfsStorage {
  std::string target;
  std::optional<Bytes> size;
  std::optional<std::uint32_t> mode;  ///< written in decimal: 493 is rwxr-xr-x
  bool operator==(const TmpfsStorage&) const = default;
};

struct S3Storage {
  std::string bucket;
  std::optional<std::string> prefix;
  std::string target;
  bool readonly = false;
  std::optional<std::string> endpoint;
  std::optional<std::string> credentials;
  bool operator==(const S3Storage&) const = default;
};

using Storage = std::variant<BindStorage, NamedStorage, AnonymousStorage, TmpfsStorage, S3Storage>;

/// The path inside the container: the one thing all kinds have.
inline const std::string& target_of(const Storage& storage) {
  return std::visit([](const auto& kind) -> const std::string& { return kind.target; }, storage);
}

}  // namespace ringfort::specs
