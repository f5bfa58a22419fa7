#include "ringfort/platform/linux/file_copy.hpp"

#include "ringfort/platform/fd.hpp"

#include <algorithm>
#include <cerrno>
#include <vector>

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace ringfort::platform {
namespace {

bool means_unable(int number) {
  return number == EXDEV || number == EOPNOTSUPP || number == ENOSYS || number == EINVAL ||
         number == ENOTTY || number == EPERM;
}

Status copy_through_buffer(int source_fd, int target_fd, off_t from, off_t to) {
  std::vector<char> buffer(static_cast<std::size_t>(std::min<off_t>(to - from, 256L << 10)));
  while (from < to) {
    const auto want = std::min<std::size_t>(buffer.size(), static_cast<std::size_t>(to - from));
    const auto got = ::pread(source_fd, buffer.data(), want, from);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail(os_error("cannot read"));
    if (got == 0) return {};  // The file became shorter meanwhile.
    for (ssize_t done = 0; done < got;) {
      const auto put = ::pwrite(target_fd, buffer.data() + done,
                                static_cast<std::size_t>(got - done), from + done);
      if (put < 0 && errno == EINTR) continue;
      if (put < 0) return fail(os_error("cannot write"));
      done += put;
    }
    from += got;
  }
  return {};
}

Status copy_extent(int source_fd, int target_fd, off_t from, off_t to, CopyAbilities& abilities) {
  off_t target_at = from;
  while (abilities.copy_range && from < to) {
    const auto done = ::copy_file_range(source_fd, &from, target_fd, &target_at,
                                        static_cast<std::size_t>(to - from), 0);
    if (done > 0) continue;
    if (done == 0) return {};
    if (errno == EINTR) continue;
    if (!means_unable(errno)) return fail(os_error("cannot copy"));
    abilities.copy_range = false;
  }
  return from < to ? copy_through_buffer(source_fd, target_fd, from, to) : Status{};
}

Status copy_with_holes(int source_fd, int target_fd, off_t size, CopyAbilities& abilities) {
  for (off_t at = 0; at < size;) {
    const off_t begin = ::lseek(source_fd, at, SEEK_DATA);
    if (begin < 0 && errno == ENXIO) break;  // Nothing but a hole follows.
    if (begin < 0) return copy_extent(source_fd, target_fd, at, size, abilities);
    const off_t hole = ::lseek(source_fd, begin, SEEK_HOLE);
    const off_t end = hole < 0 ? size : std::min(hole, size);
    if (end <= begin) break;
    if (auto copied = copy_extent(source_fd, target_fd, begin, end, abilities); !copied) {
      return copied;
    }
    at = end;
  }
  if (::ftruncate(target_fd, size) != 0) return fail(os_error("cannot set the size"));
  return {};
}

}  // namespace

Status copy_content(int source_fd, int target_fd, const struct stat& source,
                    CopyAbilities& abilities) {
  if (source.st_size == 0) return {};
  if (abilities.reflink) {
    if (::ioctl(target_fd, FICLONE, source_fd) == 0) return {};
    if (!means_unable(errno)) return fail(os_error("cannot clone"));
    abilities.reflink = false;
  }
  // Fewer blocks than bytes: holes, or a compressing file system, where looking does no harm.
  if (static_cast<off_t>(source.st_blocks) * 512 < source.st_size) {
    return copy_with_holes(source_fd, target_fd, source.st_size, abilities);
  }
  return copy_extent(source_fd, target_fd, 0, source.st_size, abilities);
}

}  // namespace ringfort::platform
