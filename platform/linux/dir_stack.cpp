#include "ringfort/platform/linux/dir_stack.hpp"

#include "ringfort/specs/names.hpp"

#include <array>
#include <cstdint>

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>

namespace ringfort::platform {
namespace {

// The kernel's record of getdents64(2); glibc has no name for it.
struct LinuxDirent {
  std::uint64_t inode;
  std::int64_t offset;
  unsigned short length;  // NOLINT(google-runtime-int): the kernel's own type
  unsigned char type;
  char name[1];
};

bool is_dot(const char* name) {
  return name[0] == '.' && (name[1] == 0 || (name[1] == '.' && name[2] == 0));
}

}  // namespace

Result<std::vector<DirEntry>> list_directory(int dir_fd, std::size_t enough) {
  std::vector<DirEntry> entries;
  alignas(LinuxDirent) std::array<char, 16384> buffer;
  if (::lseek(dir_fd, 0, SEEK_SET) < 0) return fail(os_error("cannot rewind a directory"));
  while (entries.size() < enough) {
    const long got = ::syscall(SYS_getdents64, dir_fd, buffer.data(), buffer.size());
    if (got < 0) return fail(os_error("cannot list a directory"));
    if (got == 0) return entries;
    for (long at = 0; at < got;) {
      const auto* entry = reinterpret_cast<const LinuxDirent*>(buffer.data() + at);
      if (!is_dot(entry->name)) entries.push_back({entry->name, entry->type});
      at += entry->length;
    }
  }
  return entries;
}

Result<Fd> open_directory_below(int dir_fd, const std::string& name, int flags) {
  open_how how{};
  how.flags = static_cast<std::uint64_t>(flags | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  how.resolve = RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH;
  Fd fd{static_cast<int>(::syscall(SYS_openat2, dir_fd, name.c_str(), &how, sizeof how))};
  if (!fd) return fail(os_error("cannot open the directory " + printable(name)));
  return fd;
}

bool is_still_named(int fd, int dir_fd, const std::string& name) {
  struct stat held {};
  struct stat named {};
  return ::fstat(fd, &held) == 0 &&
         ::fstatat(dir_fd, name.c_str(), &named, AT_SYMLINK_NOFOLLOW) == 0 &&
         held.st_ino == named.st_ino && held.st_dev == named.st_dev;
}

int DirStack::top() const { return levels_.empty() ? root_fd_ : levels_.back().fd.get(); }

Status DirStack::enter(Fd fd, std::string name) {
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0) return fail(os_error("cannot stat " + path_of(name)));
  levels_.push_back({std::move(fd), std::move(name), status.st_dev, status.st_ino});
  if (levels_.size() - first_open_ > kMaxOpen) levels_[first_open_++].fd.reset();
  return {};
}

Status DirStack::leave() {
  const Fd child = std::move(levels_.back().fd);
  levels_.pop_back();
  if (levels_.empty() || levels_.back().fd) {
    if (first_open_ > levels_.size()) first_open_ = levels_.size();
    return {};
  }
  auto& level = levels_.back();
  Fd parent{::openat(child.get(), "..", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
  struct stat status {};
  if (!parent || ::fstat(parent.get(), &status) != 0) {
    return fail(os_error("cannot go back to " + path_of("")));
  }
  if (status.st_dev != level.device || status.st_ino != level.inode) {
    return fail(ErrorKind::Io, path_of("") + " was moved while it was read");
  }
  level.fd = std::move(parent);
  first_open_ = levels_.size() - 1;
  return {};
}

std::string DirStack::path_of(const std::string& name) const {
  std::string path;
  for (const auto& level : levels_) path += level.name + "/";
  return printable(path + name);
}

}  // namespace ringfort::platform
