#include "ringfort/platform/overlay_files.hpp"

#include "ringfort/platform/policy.hpp"

#include <cerrno>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

namespace ringfort::platform {
namespace {

constexpr int kDirectory = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

bool is_still_there(int fd, const std::string& path) {
  struct stat opened {};
  struct stat named {};
  return ::fstat(fd, &opened) == 0 && ::stat(path.c_str(), &named) == 0 &&
         opened.st_dev == named.st_dev && opened.st_ino == named.st_ino;
}

Status give(int fd, std::optional<uid_t> owner) {
  if (owner && ::fchown(fd, *owner, *owner) != 0) return fail(os_error("cannot give away upper"));
  return {};
}

}  // namespace

Result<HeldImage> HeldImages::hold(const Image& image) {
  const std::lock_guard lock(mutex_);
  auto& known = held_[image.rootfs];
  if (auto held = known.lock()) return held;
  const auto directory = image.rootfs.substr(0, image.rootfs.rfind('/'));
  Fd fd{::open(directory.c_str(), kDirectory)};
  // Who removes it holds the lock alone until the name is gone.
  if (!fd || again_after_signal([&] { return ::flock(fd.get(), LOCK_SH); }) != 0 ||
      !is_still_there(fd.get(), directory)) {
    held_.erase(image.rootfs);
    return fail(os_error(ENOENT, "image '" + image.name + "': rootfs not found: " + image.rootfs,
                         "register it: ringfort image add NAME DIRECTORY"));
  }
  auto held = std::make_shared<const Fd>(std::move(fd));
  known = held;
  return held;
}

Error is_under(std::string_view container) {
  return {ErrorKind::InvalidSpec,
          "the root of " + std::string(container) + " is an overlay over it",
          "remove the container first: --force does not help here",
          {},
          0};
}

Status lock_out_overlays(int image_fd) {
  if (::flock(image_fd, LOCK_EX | LOCK_NB) == 0) return {};
  if (errno != EWOULDBLOCK) return fail(os_error("cannot lock the image"));
  return fail(is_under("a container"));
}

Status make_overlay_directories(int dir_fd, const Image& image, std::optional<uid_t> owner) {
  struct stat root {};
  if (::stat(image.rootfs.c_str(), &root) != 0) return fail(os_error("cannot stat the image"));
  if (::mkdirat(dir_fd, "rootfs", 0700) != 0) return fail(os_error("cannot make rootfs"));
  // Nobody but the runtime passes through this one.
  if (::mkdirat(dir_fd, kOverlayName, 0700) != 0) return fail(os_error("cannot make overlay"));
  const Fd overlay{::openat(dir_fd, kOverlayName, kDirectory)};
  if (!overlay || ::mkdirat(overlay.get(), "work", 0700) != 0 ||
      ::mkdirat(overlay.get(), "upper", 0700) != 0) {
    return fail(os_error("cannot make the directories of an overlay"));
  }
  const Fd upper{::openat(overlay.get(), "upper", kDirectory)};
  if (!upper) return fail(os_error("cannot open upper"));
  if (auto given = give(upper.get(), owner); !given) return given;
  if (::fchmod(upper.get(), root.st_mode & 01777) != 0) return fail(os_error("cannot chmod upper"));
  const timespec times[2] = {{0, UTIME_OMIT}, root.st_mtim};
  if (::futimens(upper.get(), times) != 0) return fail(os_error("cannot set the time of upper"));
  return {};
}

}  // namespace ringfort::platform
