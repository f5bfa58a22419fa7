#include "ringfort/platform/contested_removal.hpp"

#include "ringfort/platform/linux/dir_stack.hpp"
#include "ringfort/platform/owner_lock.hpp"
#include "ringfort/platform/record_files.hpp"

#include <cerrno>

#include <fcntl.h>
#include <sys/file.h>

namespace ringfort::platform {
namespace {

constexpr int kDirectory = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

/// One of the two directories, held by a descriptor: a name may come to mean another one.
class Taken {
 public:
  Taken(int parent_fd, std::string name, int staging_fd)
      : parent_fd_(parent_fd),
        name_(std::move(name)),
        staging_fd_(staging_fd),
        dir_{again_after_signal([&] { return ::openat(parent_fd, name_.c_str(), kDirectory); })},
        trouble_(dir_ || means_absent(errno) ? Status{} : fail(os_error("cannot open " + name_))) {}

  /// Why the name could not be looked at.
  const Status& trouble() const { return trouble_; }

  int dir_fd() const { return dir_.get(); }
  const std::string& away() const { return away_; }

  bool is_in_place() const { return is_still_named(dir_.get(), parent_fd_, name_); }

  /// Absent, or another one by now = nothing is taken.
  Status take(std::string away) {
    if (!dir_) return {};
    if (::renameat(parent_fd_, name_.c_str(), staging_fd_, away.c_str()) != 0) {
      if (errno == ENOENT) return {};
      return fail(os_error("cannot move " + name_ + " out of sight"));
    }
    away_ = std::move(away);
    if (!is_still_named(dir_.get(), staging_fd_, away_)) put_back();
    return {};
  }

  void put_back() {
    if (away_.empty()) return;
    // It fails when somebody has taken the name meanwhile: then nobody can ask for this one.
    if (::renameat2(staging_fd_, away_.c_str(), parent_fd_, name_.c_str(), RENAME_NOREPLACE) == 0)
      away_.clear();
  }

 private:
  int parent_fd_;
  std::string name_;
  int staging_fd_;
  Fd dir_;
  Status trouble_;
  std::string away_;
};

Status conflict(const std::string& id) {
  return fail(
      Error{ErrorKind::Conflict, "is being started by another runtime", "stop it first", id, 0});
}

Status anothers(const std::string& id) {
  return fail(Error{ErrorKind::NotFound, "has gone, and its name is another container's by now",
                    "ask again", id, 0});
}

}  // namespace

Status remove_contested(const RemovalPlace& place, HalfPool& pool, const ContainerId& id,
                        std::optional<WallTime> created_at) {
  const auto name = id.str();
  Taken container(place.containers_fd, name, place.staging_fd);
  Taken state(place.state_fd, name, place.staging_fd);
  for (const auto* half : {&container, &state})
    if (!half->trouble()) return half->trouble();
  if (state.dir_fd() >= 0) {
    // Whoever clears a leftover away, or takes it over, holds this lock.
    if (again_after_signal([&] { return ::flock(state.dir_fd(), LOCK_EX); }) != 0)
      return fail(os_error("cannot lock its records"));
    if (!state.is_in_place()) return {};
    if (created_at) {
      const auto record = read_record(state.dir_fd());
      if (!record) return fail(record.error());
      if (is_of_another(*record, *created_at)) return anothers(name);
    }
    if (is_locked(state.dir_fd(), "shim")) return conflict(name);
  } else if (created_at && container.dir_fd() >= 0) {
    // The record goes last: what has the name now is not what had it.
    return anothers(name);
  }
  // The record goes last: without the other directory it says what is to be done.
  Status taken = container.take(pool.new_name());
  if (taken) taken = state.take(pool.new_name());
  // A starter locks first and then looks for the name; here it is the other way round.
  if (taken && !state.away().empty() && is_locked(state.dir_fd(), "shim")) taken = conflict(name);
  if (!taken) {
    state.put_back();
    container.put_back();
  }
  for (const auto* half : {&state, &container})
    if (taken && !half->away().empty()) (void)pool.throw_away(place.staging_fd, half->away());
  return taken;
}

}  // namespace ringfort::platform
