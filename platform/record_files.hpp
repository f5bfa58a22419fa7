// Records of containers on disk: found, read, taken over.
#pragma once

#include "ringfort/specs/names.hpp"
#include "ringfort/specs/status.hpp"

#include <string>
#include <vector>

namespace ringfort::platform {

/// Names below `state` that are containers' and have a record. What else lies there is passed over.
Result<std::vector<ContainerId>> recorded_containers(int state_fd);

/// At most 4 MiB. Errors: NotFound; Io.
Result<std::string> read_container_record(int state_fd, const ContainerId& id);

struct RecordPlace {
  int state_fd;
  int owners_fd;
};

/// The same in an open state directory; the previous one (`record.1`) if there is one and the
/// record is damaged.
Result<std::string> read_record(int dir_fd);

/// Writes `text` as the record of `id` (temporary file and rename), if its owner is dead or us.
/// With `synced` it is on the disk when this returns, and the one before is kept as `record.1`.
/// Errors: NotFound, Conflict, Io.
Status take_over_record(const RecordPlace& place, const ContainerId& id, const std::string& nonce,
                        const std::string& text, bool synced);

/// The same for a record that is ours already. Error: Conflict when it is somebody else's or is to
/// be removed.
Status rewrite_record(const RecordPlace& place, const ContainerId& id, const std::string& nonce,
                      const std::string& text, bool synced);

/// Is `text` the record of a container that was created at another time than `created_at`? One
/// that is damaged tells nothing: false.
bool is_of_another(const std::string& text, WallTime created_at);

/// Says in the record of `id` that its removal has begun; written through to the disk if `synced`.
/// Absent, or another container's of that name = done. Error: Io.
Status mark_leaving(int state_fd, const ContainerId& id, WallTime created_at, bool synced);

/// Is the record of `id`, which was made by `nonce`, gone, or another owner's, or to be removed?
/// One that can't be looked at, or is damaged, is not.
bool is_overtaken(int state_fd, const ContainerId& id, const std::string& nonce);

}  // namespace ringfort::platform
