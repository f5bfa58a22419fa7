#include "ringfort/platform/name_claims.hpp"

#include "ringfort/platform/linux/dir_stack.hpp"
#include "ringfort/platform/owner_lock.hpp"
#include "ringfort/platform/record_files.hpp"
#include "ringfort/specs/container_record.hpp"

#include <array>
#include <cerrno>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

namespace ringfort::platform {
namespace {

constexpr int kDirectory = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
constexpr int kPatience = 16;

Status conflict() {
  return fail(ErrorKind::Conflict, "a container of this name exists",
              "remove it first, or choose another name");
}

}  // namespace

bool NameClaims::is_held(const std::string& id) const {
  return state_is_live(id) || bare_is_live(id);
}

bool NameClaims::has_live_owner(const std::string& id) const {
  if (bare_is_live(id)) return true;
  const Fd state{::openat(data_.state.get(), id.c_str(), kDirectory)};
  return state ? is_alive(owner_of_record(state.get())) : !means_absent(errno);
}

/// What cannot be looked at may be alive.
bool NameClaims::is_alive(const Result<std::string>& owner) const {
  return !owner || *owner == nonce_ || is_live_owner(data_.owners.get(), *owner);
}

Status NameClaims::claim(const Half& half, const std::string& id, const Replaceable& replaceable) {
  const int parent_fd = half.kind == HalfKind::State ? data_.state.get() : data_.containers.get();
  if (half.kind == HalfKind::Bare) {
    // It has no state of its own that would replace a dead one's.
    auto cleared = clear_leftover(HalfKind::State, data_.state.get(), id, replaceable);
    if (!cleared) return cleared;
  }
  for (int attempt = 0; attempt < kPatience; ++attempt) {
    if (::renameat2(data_.staging.get(), half.name.c_str(), parent_fd, id.c_str(),
                    RENAME_NOREPLACE) == 0) {
      return {};
    }
    if (errno != EEXIST) return fail(os_error("cannot rename into place"));
    if (auto cleared = clear_leftover(half.kind, parent_fd, id, replaceable); !cleared)
      return cleared;
  }
  return conflict();
}

bool NameClaims::is_live_state(int state_fd) const {
  return is_alive(owner_of_record(state_fd)) || is_locked(state_fd, "shim");
}

bool NameClaims::state_is_live(const std::string& id) const {
  const Fd state{::openat(data_.state.get(), id.c_str(), kDirectory)};
  return state ? is_live_state(state.get()) : !means_absent(errno);
}

/// A container without a state directory carries its owner in a link.
bool NameClaims::bare_is_live(const std::string& id) const {
  std::array<char, 64> text{};
  const auto path = id + "/.owner";
  const auto got = ::readlinkat(data_.containers.get(), path.c_str(), text.data(), text.size());
  if (got < 0 && errno == EINVAL) return false;  // no link, so none of ours
  if (got <= 0) return got < 0 && !means_absent(errno);
  return is_alive(std::string(text.data(), static_cast<std::size_t>(got)));
}

/// `kind` is what is to take the name. With state/<id> claimed, a container's directory can only
/// belong to a live container that has no state.
bool NameClaims::may_be_cleared(HalfKind kind, const std::string& id, int dir_fd,
                                const Replaceable& replaceable) const {
  if (kind == HalfKind::State)
    return dir_fd < 0 || (!is_live_state(dir_fd) && !is_kept(dir_fd, id, replaceable));
  if (bare_is_live(id)) return false;
  return kind == HalfKind::Full || !state_is_live(id);
}

/// A container that could be started, or told how it ended, and is not to be replaced.
bool NameClaims::is_kept(int state_fd, const std::string& id,
                         const Replaceable& replaceable) const {
  const auto text = read_record(state_fd);
  if (!text && text.error().os_errno != ENOENT) return true;  // not to be thrown away in doubt
  const auto record = text ? specs::parse_container_record(*text) : fail(text.error());
  struct stat status {};
  const bool is_whole =
      record && !record->leaving &&
      ::fstatat(data_.containers.get(), id.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0;
  return is_whole && !(replaceable.any && record->options.origin == replaceable.origin);
}

/// Of two that find the same leftover, the second waits for the first and then looks again: it must
/// not throw away what the first has put in its place.
Status NameClaims::clear_leftover(HalfKind kind, int parent_fd, const std::string& id,
                                  const Replaceable& replaceable) {
  const Fd dir{::openat(parent_fd, id.c_str(), kDirectory)};
  if (!dir && errno == ENOENT) return {};
  if (dir && again_after_signal([&] { return ::flock(dir.get(), LOCK_EX); }) != 0)
    return fail(os_error("cannot lock the leftover"));
  struct stat named {};
  const bool is_there =
      dir ? is_still_named(dir.get(), parent_fd, id)
          : ::fstatat(parent_fd, id.c_str(), &named, AT_SYMLINK_NOFOLLOW) == 0;  // no directory
  if (!is_there) return {};
  if (!may_be_cleared(kind, id, dir.get(), replaceable)) return conflict();
  return pool_.throw_away(parent_fd, id);
}

}  // namespace ringfort::platform
