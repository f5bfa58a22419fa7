#include "ringfort/platform/linux/zygote_process.hpp"

#include "ringfort/platform/linux/unix_message.hpp"

#include <cstdlib>
#include <cstring>
#include <mutex>
#include <span>

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/syscall.h>

extern "C" {
extern const char ringfort_shim_image_begin[];
extern const char ringfort_shim_image_end[];
}

namespace ringfort::platform {
namespace {

constexpr int kSocketInZygote = 3;

/// The helper as a sealed memfd, made once: nothing to look up, no version skew.
Result<int> helper_image() {
  static std::mutex mutex;
  static Fd image;  // lives as long as the process: every later zygote runs from it
  const std::lock_guard lock(mutex);
  if (image) return image.get();
  const std::span<const char> bytes{ringfort_shim_image_begin, ringfort_shim_image_end};
  auto made = sealed_memory("ringfort-shim", std::as_bytes(bytes));
  if (!made) return fail(made.error());
  // Out of the way of what the zygote gets under fixed numbers.
  image = Fd{::fcntl(made->get(), F_DUPFD_CLOEXEC, kSocketInZygote + 1)};
  if (!image) return fail(os_error("cannot copy a descriptor"));
  return image.get();
}

Result<std::string> helper_path() {
  if (const char* path = std::getenv("RINGFORT_HELPER")) return std::string(path);
  auto image = helper_image();
  if (!image) return fail(image.error());
  return "/proc/self/fd/" + std::to_string(*image);
}

}  // namespace

Result<ZygoteProcess> start_zygote() {
  auto path = helper_path();
  if (!path) return fail(path.error());
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
    return fail(os_error("cannot make the zygote's socket"));
  ZygoteProcess zygote;
  zygote.socket = Fd{ends[0]};
  zygote.far_end = Fd{ends[1]};

  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_init(&actions);
  posix_spawnattr_init(&attributes);
  posix_spawn_file_actions_adddup2(&actions, zygote.far_end.get(), kSocketInZygote);
  // Not the caller's: whoever reads a pipe of his would wait for the zygote and every shim, too.
  for (int fd = 0; fd < kSocketInZygote; ++fd)
    posix_spawn_file_actions_addopen(&actions, fd, "/dev/null", O_RDWR, 0);
  sigset_t none;
  sigset_t all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  char name[] = "ringfort-zygote";
  char number[] = "3";
  char* arguments[] = {name, number, nullptr};
  char* environment[] = {nullptr};
  const int error =
      ::posix_spawn(&zygote.pid, path->c_str(), &actions, &attributes, arguments, environment);
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  if (error != 0)
    return fail(os_error(error, "cannot start the zygote from " + *path,
                         "/proc must be mounted, and memfd programs allowed (vm.memfd_noexec)"));
  zygote.pidfd = Fd{static_cast<int>(::syscall(SYS_pidfd_open, zygote.pid, 0))};
  if (!zygote.pidfd) return fail(os_error("cannot watch the zygote"));
  return zygote;
}

}  // namespace ringfort::platform
