#include "ringfort/platform/boot_time.hpp"

#include "ringfort/platform/fd.hpp"

#include <ctime>

#include <fcntl.h>
#include <unistd.h>

namespace ringfort::platform {

std::string boot_id() {
  const Fd file{::open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC)};
  char text[64] = {};
  const auto size = file ? ::read(file.get(), text, sizeof text - 1) : -1;
  return size >= 36 ? std::string(text, 36) : std::string{};
}

specs::BootTime boot_time() {
  static const std::string boot = boot_id();
  timespec now{};
  ::clock_gettime(CLOCK_BOOTTIME, &now);
  return {boot, std::chrono::duration_cast<Duration>(std::chrono::seconds(now.tv_sec) +
                                                     std::chrono::nanoseconds(now.tv_nsec))};
}

}  // namespace ringfort::platform
