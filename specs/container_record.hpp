// state/<id>/record: what another process needs to take a container over. Pure.
#pragma once

#include "ringfort/specs/names.hpp"
#include "ringfort/specs/restart.hpp"
#include "ringfort/specs/run_options.hpp"
#include "ringfort/specs/service.hpp"
#include "ringfort/specs/status.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ringfort::specs {

/// The first word of a record. Both are of one length, so that the one is written over the other in
/// place, in one step: from then on the container is to be removed, whoever has to do it.
inline constexpr std::string_view kOwnerWord = "owner ";
inline constexpr std::string_view kLeavingWord = "leave ";

struct ContainerRecord {
  std::string owner;     ///< nonce of the runtime whose it is
  bool leaving = false;  ///< its removal has begun
  ContainerId id;
  Service service;
  RunOptions options;  ///< without descriptors and without what only a creation needs
  Level level = Level::Landlock;
  std::string lowered;  ///< as in Created; empty in records before it
  Durability durability = Durability::Process;
  std::vector<std::string> layers;
  std::vector<std::string> missing;
  std::vector<std::string> not_enforced;
  std::optional<std::uint16_t> port;
  std::optional<std::uint32_t> uid;  ///< of the runtime's block
  std::string cgroup;                ///< name of its memory cgroup; empty = none
  bool native_image = false;
  bool own_libraries = false;
  bool overlay = false;  ///< its root is an overlay over the image
  WallTime created_at{};
  std::optional<RestartHistory> restarts;  ///< absent before the first start with a policy
};

/// "owner <nonce>" (or "leave <nonce>"), then version, checksum and length of the JSON behind it.
std::string to_text(const ContainerRecord& record);
/// The same with the service's JSON given, for those who write many records of one service.
std::string to_text(const ContainerRecord& record, std::string_view service_json);

/// Errors: Internal for a torn, damaged or newer record; the text says which.
Result<ContainerRecord> parse_container_record(std::string_view text);

}  // namespace ringfort::specs
