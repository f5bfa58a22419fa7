#include "ringfort/platform/record_files.hpp"

#include "ringfort/platform/fd.hpp"
#include "ringfort/platform/linux/dir_stack.hpp"
#include "ringfort/platform/owner_lock.hpp"
#include "ringfort/specs/container_record.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <string_view>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace ringfort::platform {
namespace {

constexpr int kDirectory = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
constexpr int kReadable = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
constexpr std::size_t kMostBytes = 4U << 20;
constexpr const char* kRecord = "record";
constexpr const char* kNext = ".record";
constexpr const char* kPrevious = "record.1";

tl::unexpected<Error> unknown(const ContainerId& id) {
  return fail(Error{ErrorKind::NotFound, "no such container", "create it first", id.str(), 0});
}

Result<Fd> open_state(int state_fd, const ContainerId& id) {
  const auto name = id.str();
  Fd dir{again_after_signal([&] { return ::openat(state_fd, name.c_str(), kDirectory); })};
  if (!dir && means_absent(errno)) return unknown(id);
  if (!dir) return fail(os_error("cannot open its state"));
  return dir;
}

/// Whoever takes over or clears away a dead owner's directory holds this lock.
Result<Fd> lock_state(int state_fd, const ContainerId& id) {
  auto dir = open_state(state_fd, id);
  if (dir && again_after_signal([&] { return ::flock(dir->get(), LOCK_EX); }) != 0)
    return fail(os_error("cannot lock its state"));
  return dir;
}

/// The old record stays as `record.1` when it is to outlive a power cut: a disk may lose more than
/// it should.
Status replace_record(int dir_fd, const std::string& text, bool synced) {
  const Fd file{
      ::openat(dir_fd, kNext, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600)};
  if (!file) return fail(os_error("cannot write its record"));
  Status written = write_all(file.get(), text, "cannot write its record");
  if (written && synced) {
    const bool kept = (::unlinkat(dir_fd, kPrevious, 0) == 0 || errno == ENOENT) &&
                      ::linkat(dir_fd, kRecord, dir_fd, kPrevious, 0) == 0;
    if (!kept || ::fsync(file.get()) != 0) written = fail(os_error("cannot sync its record"));
  }
  if (written && ::renameat(dir_fd, kNext, dir_fd, kRecord) != 0)
    written = fail(os_error("cannot replace its record"));
  if (written && synced && ::fsync(dir_fd) != 0)
    written = fail(os_error("cannot sync its directory"));
  if (!written) ::unlinkat(dir_fd, kNext, 0);  // absent after the rename
  return written;
}

Result<std::string> read_text(int dir_fd, const char* name) {
  const Fd file{again_after_signal([&] { return ::openat(dir_fd, name, kReadable); })};
  if (!file) return fail(os_error("cannot open its record"));
  return read_all(file.get(), kMostBytes, "cannot read its record");
}

}  // namespace

Result<std::vector<ContainerId>> recorded_containers(int state_fd) {
  auto entries = list_directory(state_fd);
  if (!entries) return fail(entries.error());
  std::vector<ContainerId> found;
  for (const auto& entry : *entries) {
    auto id = parse_container_id(entry.name);
    // The spelling must be the one that we would write: "web-01" is nobody's.
    if (!id || id->str() != entry.name) continue;
    struct stat status {};
    const auto record = entry.name + "/record";
    // One that cannot be looked at is named all the same: who reads it hears why.
    if (::fstatat(state_fd, record.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0 &&
        means_absent(errno))
      continue;
    found.push_back(*std::move(id));
  }
  std::ranges::sort(found);
  return found;
}

Result<std::string> read_container_record(int state_fd, const ContainerId& id) {
  const auto dir = open_state(state_fd, id);
  if (!dir) return fail(dir.error());
  auto text = read_record(dir->get());
  if (!text && text.error().os_errno == ENOENT) return unknown(id);
  return text;
}

Result<std::string> read_record(int dir_fd) {
  auto text = read_text(dir_fd, kRecord);
  if (!text && !means_absent(text.error().os_errno)) return text;
  // At durability full there may be one before it.
  auto previous = read_text(dir_fd, kPrevious);
  if (!previous || (text && specs::parse_container_record(*text))) return text;
  return specs::parse_container_record(*previous) ? previous : text;
}

Status take_over_record(const RecordPlace& place, const ContainerId& id, const std::string& nonce,
                        const std::string& text, bool synced) {
  const auto dir = lock_state(place.state_fd, id);
  if (!dir) return fail(dir.error());
  const auto owner = owner_of_record(dir->get());
  if (!owner) return fail(owner.error());
  if (*owner == nonce) return {};
  if (is_live_owner(place.owners_fd, *owner))
    return fail(Error{ErrorKind::Conflict, "belongs to another runtime that is alive",
                      "start it there", id.str(), 0});
  return replace_record(dir->get(), text, synced);
}

Status rewrite_record(const RecordPlace& place, const ContainerId& id, const std::string& nonce,
                      const std::string& text, bool synced) {
  const auto dir = lock_state(place.state_fd, id);
  if (!dir) return fail(dir.error());
  const auto owner = owner_of_record(dir->get());
  if (!owner) return fail(owner.error());
  if (*owner != nonce)
    return fail(Error{ErrorKind::Conflict, "belongs to another runtime by now",
                      "look: ringfort ps -a", id.str(), 0});
  return replace_record(dir->get(), text, synced);
}

bool is_of_another(const std::string& text, WallTime created_at) {
  const auto record = specs::parse_container_record(text);
  return record && record->created_at != created_at;
}

Status mark_leaving(int state_fd, const ContainerId& id, WallTime created_at, bool synced) {
  const auto name = id.str() + "/record";
  const Fd file{::openat(state_fd, name.c_str(), O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)};
  if (!file && errno == ENOENT) return {};
  char word[specs::kOwnerWord.size()];
  if (!file || ::pread(file.get(), word, sizeof word, 0) != sizeof word)
    return fail(os_error("cannot read its record"));
  if (std::string_view(word, sizeof word) != specs::kOwnerWord) return {};  // said, or not ours
  const auto text = read_all(file.get(), kMostBytes, "cannot read its record");
  if (!text) return fail(text.error());
  if (is_of_another(*text, created_at)) return {};
  if (::pwrite(file.get(), specs::kLeavingWord.data(), sizeof word, 0) != sizeof word ||
      (synced && ::fdatasync(file.get()) != 0))
    return fail(os_error("cannot mark its record as leaving", "free some space, then try again"));
  return {};
}

bool is_overtaken(int state_fd, const ContainerId& id, const std::string& nonce) {
  const auto name = id.str() + "/record";
  const Fd file{again_after_signal([&] { return ::openat(state_fd, name.c_str(), kReadable); })};
  if (!file) return means_absent(errno);
  std::array<char, 64> text{};
  const auto got = again_after_signal([&] { return ::read(file.get(), text.data(), text.size()); });
  if (got <= 0) return false;
  const std::string_view head(text.data(), static_cast<std::size_t>(got));
  if (head.starts_with(specs::kLeavingWord)) return true;
  return head.starts_with(specs::kOwnerWord) && head.find('\n') != head.npos &&
         !head.substr(specs::kOwnerWord.size()).starts_with(nonce + "\n");
}

}  // namespace ringfort::platform
