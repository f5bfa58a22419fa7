#include "ringfort/platform/record_files.hpp"

#include "ringfort/platform/fd.hpp"
#include "ringfort/platform/linux/dir_stack.hpp"
#include "ringfort/platform/owner_lock.hpp"

#include <algorithm>
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
constexpr const char* kNext = ".record";

tl::unexpected<Error> unknown(const ContainerId& id) {
  return fail(Error{ErrorKind::NotFound, "no such container", "create it first", id.str(), 0});
}

Result<std::string> read_all(int fd) {
  std::string text;
  char buffer[16384];
  for (;;) {
    const auto size = ::read(fd, buffer, sizeof buffer);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return fail(os_error("cannot read its record"));
    if (size == 0) return text;
    text.append(buffer, static_cast<std::size_t>(size));
    if (text.size() > kMostBytes) return fail(os_error(EFBIG, "cannot read its record"));
  }
}

Status write_next(int dir_fd, std::string_view text) {
  const Fd file{
      ::openat(dir_fd, kNext, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600)};
  if (!file) return fail(os_error("cannot write its record"));
  while (!text.empty()) {
    const auto put = ::write(file.get(), text.data(), text.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) {
      const int error = errno;
      ::unlinkat(dir_fd, kNext, 0);
      return fail(os_error(error, "cannot write its record"));
    }
    text.remove_prefix(static_cast<std::size_t>(put));
  }
  return {};
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
    if (::fstatat(state_fd, record.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) continue;
    found.push_back(*std::move(id));
  }
  std::ranges::sort(found);
  return found;
}

Result<std::string> read_container_record(int state_fd, const ContainerId& id) {
  const auto name = id.str();
  const Fd dir{::openat(state_fd, name.c_str(), kDirectory)};
  if (!dir) return unknown(id);
  const Fd file{::openat(dir.get(), "record", kReadable)};
  if (!file && errno == ENOENT) return unknown(id);
  if (!file) return fail(os_error("cannot open its record"));
  return read_all(file.get());
}

Status take_over_record(const RecordPlace& place, const ContainerId& id, const std::string& nonce,
                        const std::string& text) {
  const auto name = id.str();
  const Fd dir{::openat(place.state_fd, name.c_str(), kDirectory)};
  // Whoever takes over or clears away a dead owner's directory holds this lock.
  if (!dir || ::flock(dir.get(), LOCK_EX) != 0) return unknown(id);
  const auto owner = owner_of_record(dir.get());
  if (owner == nonce) return {};
  if (is_live_owner(place.owners_fd, owner))
    return fail(Error{ErrorKind::Conflict, "belongs to another runtime that is alive",
                      "start it there", name, 0});
  if (auto written = write_next(dir.get(), text); !written) return written;
  if (::renameat(dir.get(), kNext, dir.get(), "record") != 0)
    return fail(os_error("cannot replace its record"));
  return {};
}

}  // namespace ringfort::platform
