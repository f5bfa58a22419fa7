#include "ringfort/platform/kept_answer.hpp"

#include "ringfort/platform/boot_time.hpp"
#include "ringfort/platform/fd.hpp"
#include "ringfort/platform/linux/host_texts.hpp"
#include "ringfort/platform/protocol.hpp"

#include <array>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string_view>

#include <fcntl.h>
#include <sys/stat.h>

namespace ringfort::platform {
namespace {

/// What says that a namespace can't be made although the kernel knows it.
constexpr const char* kSwitches[] = {"/proc/sys/user/max_user_namespaces",
                                     "/proc/sys/user/max_pid_namespaces",
                                     "/proc/sys/user/max_mnt_namespaces",
                                     "/proc/sys/user/max_net_namespaces",
                                     "/proc/sys/kernel/unprivileged_userns_clone",
                                     "/proc/sys/kernel/apparmor_restrict_unprivileged_userns",
                                     "/proc/self/attr/current"};
/// Of /proc/self/status: what this process may do.
constexpr std::string_view kRights[] = {"Uid",        "Gid",     "CapEff",
                                        "NoNewPrivs", "Seccomp", "Seccomp_filters"};

void add_first_line(std::ostream& to, const char* path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  to << line << '\n';
}

void add_rights(std::ostream& to) {
  std::ostringstream status;
  status << std::ifstream("/proc/self/status").rdbuf();
  for (const auto name : kRights) to << status_value(status.str(), name).value_or("") << '\n';
}

/// Whom, and until when, an answer concerns.
std::string scope() {
  std::ostringstream text;
  text << boot_time().boot_id << ' ' << unsigned{helper_protocol()};
  for (const char* space : {"user", "mnt", "pid", "net"}) {
    struct stat status {};
    const auto path = std::string("/proc/self/ns/") + space;
    text << ' ' << (::stat(path.c_str(), &status) == 0 ? status.st_ino : 0);
  }
  text << '\n';
  if (const char* helper = std::getenv("RINGFORT_HELPER")) text << helper << '\n';
  add_rights(text);
  for (const char* path : kSwitches) add_first_line(text, path);
  return text.str();
}

}  // namespace

bool KeptAnswer::is_yes() const {
  const Fd file{::open(path_.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)};
  struct stat status {};
  if (!file || ::fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode) ||
      status.st_uid != ::geteuid() || (status.st_mode & (S_IWGRP | S_IWOTH)) != 0)
    return false;
  std::array<char, 4096> text;
  const auto got = again_after_signal([&] { return ::read(file.get(), text.data(), text.size()); });
  return got > 0 && std::string_view(text.data(), static_cast<std::size_t>(got)) == scope();
}

void KeptAnswer::keep_yes() const {
  forget();
  const Fd file{::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600)};
  const auto text = scope();
  // A torn one is none.
  if (file) (void)::write(file.get(), text.data(), text.size());
}

void KeptAnswer::forget() const { ::unlink(path_.c_str()); }

}  // namespace ringfort::platform
