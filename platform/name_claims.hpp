// Who holds a container's name, read off the disk, and taking a name without ever taking it from a
// live container: many runtimes share one data directory and none asks the others.
#pragma once

#include "ringfort/platform/container_halves.hpp"
#include "ringfort/platform/data_directory.hpp"

#include <string>

namespace ringfort::platform {

/// Which containers of dead owners a new one of the same name may replace.
struct Replaceable {
  bool any = true;
  std::string origin;  ///< only those whose record has it
};

class NameClaims {
 public:
  /// Borrowed; both outlive this.
  NameClaims(const DataDirectory& data, const std::string& nonce, HalfPool& pool)
      : data_(data), nonce_(nonce), pool_(pool) {}

  /// By a live owner, or by a shim that outlived its owner (detached runs).
  bool is_held(const std::string& id) const;
  bool has_live_owner(const std::string& id) const;
  /// Is the runtime with this nonce this one, or another that lives?
  bool is_alive(const Result<std::string>& owner) const;

  /// Renames a staged half to its final name. What a dead container left there is thrown away
  /// first; a whole one of a dead owner only if it is `replaceable`. A container with state claims
  /// state/<id> before containers/<id>: whoever sees its directory finds its record. Errors:
  /// Conflict when the name is taken.
  Status claim(const Half& half, const std::string& id, const Replaceable& replaceable);

 private:
  bool is_live_state(int state_fd) const;
  bool state_is_live(const std::string& id) const;
  bool bare_is_live(const std::string& id) const;
  bool may_be_cleared(HalfKind kind, const std::string& id, int dir_fd,
                      const Replaceable& replaceable) const;
  bool is_kept(int state_fd, const std::string& id, const Replaceable& replaceable) const;
  Status clear_leftover(HalfKind kind, int parent_fd, const std::string& id,
                        const Replaceable& replaceable);

  const DataDirectory& data_;
  const std::string& nonce_;
  HalfPool& pool_;
};

}  // namespace ringfort::platform
