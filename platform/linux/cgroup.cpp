#include "ringfort/platform/cgroup.hpp"

#include "ringfort/platform/linux/cgroup_place.hpp"
#include "ringfort/platform/linux/random_name.hpp"

#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdlib>
#include <string_view>
#include <thread>
#include <utility>

#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/stat.h>

namespace ringfort::platform {
namespace {

constexpr int kDirectory = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

std::string read_text(int dir_fd, const char* name) {
  const Fd file{::openat(dir_fd, name, O_RDONLY | O_CLOEXEC)};
  std::string text;
  std::array<char, 4096> piece;
  for (;;) {
    const auto got = file ? ::read(file.get(), piece.data(), piece.size()) : -1;
    if (got <= 0) return text;
    text.append(piece.data(), static_cast<std::size_t>(got));
  }
}

bool has_file(int dir_fd, const char* name) { return ::faccessat(dir_fd, name, F_OK, 0) == 0; }

Status write_text(int dir_fd, const char* name, const std::string& text) {
  const Fd file{::openat(dir_fd, name, O_WRONLY | O_CLOEXEC)};
  if (!file || ::write(file.get(), text.data(), text.size()) < 0) {
    return fail(os_error("cannot write " + text + " to " + name));
  }
  return {};
}

std::uint64_t number_of(std::string_view text) {
  std::uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

/// The figure of a line "<name> <number>"; 0 when absent.
std::uint64_t figure(std::string_view text, const std::string& name) {
  const auto line = "\n" + name + " ";
  const auto at = text.find(line);
  return at == text.npos ? 0 : number_of(text.substr(at + line.size()));
}

class Cgroup final : public MemoryCgroup {
 public:
  Cgroup(CgroupPlace place, Fd parent, std::string name, Fd directory)
      : version_(place.version),
        parent_path_(std::move(place.directory)),
        parent_(std::move(parent)),
        name_(std::move(name)),
        directory_(std::move(directory)) {}

  std::string path() const override { return parent_path_ + "/" + name_; }
  void keep() override { kept_ = true; }

  ~Cgroup() override {
    if (kept_) return;
    directory_.reset();
    // The last process may be on its way out still: wait a little, then a little longer.
    auto pause = std::chrono::microseconds(50);
    while (::unlinkat(parent_.get(), name_.c_str(), AT_REMOVEDIR) != 0 && errno == EBUSY &&
           pause < std::chrono::milliseconds(500)) {
      std::this_thread::sleep_for(pause);
      pause *= 2;
    }
  }

  Status set_limit(Bytes limit) {
    const auto text = std::to_string(limit.count);
    if (version_ == CgroupVersion::V2) {
      auto set = write_text(fd(), "memory.max", text);
      if (set && has_file(fd(), "memory.swap.max")) set = write_text(fd(), "memory.swap.max", "0");
      // The kernel then kills the whole tree at once, not the process that happened to ask.
      if (set) set = write_text(fd(), "memory.oom.group", "1");
      return set;
    }
    auto set = write_text(fd(), "memory.limit_in_bytes", text);
    if (set && has_file(fd(), "memory.memsw.limit_in_bytes")) {
      return write_text(fd(), "memory.memsw.limit_in_bytes", text);
    }
    return set ? write_text(fd(), "memory.swappiness", "0") : set;
  }

  Result<CgroupFds> open_for_run() override {
    CgroupFds fds;
    const bool v2 = version_ == CgroupVersion::V2;
    const char* events = v2 ? "memory.events" : "memory.oom_control";
    fds.procs = Fd{::openat(fd(), "cgroup.procs", O_WRONLY | O_CLOEXEC)};
    fds.events = Fd{::openat(fd(), events, O_RDONLY | O_CLOEXEC)};
    fds.notify = v2 ? Fd{::openat(fd(), events, O_RDONLY | O_CLOEXEC)}
                    : Fd{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
    if (!fds.procs || !fds.events || !fds.notify) {
      return fail(os_error("cannot open the memory cgroup " + name_));
    }
    // Older kernels have no such file: the walk over the tree does without.
    if (v2) fds.kill = Fd{::openat(fd(), "cgroup.kill", O_WRONLY | O_CLOEXEC)};
    if (!v2) {
      const auto line = std::to_string(fds.notify.get()) + " " + std::to_string(fds.events.get());
      if (auto set = write_text(fd(), "cgroup.event_control", line); !set) {
        return fail(set.error());
      }
    }
    return fds;
  }

  /// As top and docker count it: without file pages that the kernel would drop first.
  Result<std::uint64_t> memory_bytes() const override {
    const bool v2 = version_ == CgroupVersion::V2;
    const auto used = read_text(fd(), v2 ? "memory.current" : "memory.usage_in_bytes");
    if (used.empty()) return fail(os_error("cannot read the memory of the cgroup " + name_));
    const auto idle =
        figure("\n" + read_text(fd(), "memory.stat"), v2 ? "inactive_file" : "total_inactive_file");
    const auto all = number_of(used);
    return all > idle ? all - idle : 0;
  }

 private:
  int fd() const { return directory_.get(); }

  CgroupVersion version_;
  std::string parent_path_;
  Fd parent_;
  std::string name_;
  Fd directory_;
  bool kept_ = false;
};

Result<std::unique_ptr<MemoryCgroup>> create_at(const CgroupPlace& place, const std::string& name,
                                                Bytes limit) {
  Fd parent{::open(place.directory.c_str(), kDirectory)};
  if (!parent) return fail(os_error("cannot open " + place.directory));
  if (::mkdirat(parent.get(), name.c_str(), 0755) != 0) {
    return fail(os_error("cannot make the cgroup " + place.directory + "/" + name));
  }
  Fd directory{::openat(parent.get(), name.c_str(), kDirectory)};
  const bool opened = static_cast<bool>(directory);
  auto group = std::make_unique<Cgroup>(place, std::move(parent), name, std::move(directory));
  if (!opened) return fail(os_error("cannot open the cgroup " + name));
  if (auto set = group->set_limit(limit); !set) return fail(set.error());
  return group;
}

/// The first candidate in which a cgroup with a limit can really be made.
std::optional<CgroupPlace> find_place() {
  const auto places = cgroup_candidates(read_text(AT_FDCWD, "/proc/self/mountinfo"),
                                        read_text(AT_FDCWD, "/proc/self/cgroup"));
  for (const auto& place : places) {
    const auto name = "ringfort-probe-" + random_name();
    const auto made = create_at(place, name, Bytes{64 << 20});
    if (made && (*made)->open_for_run()) return place;
  }
  return {};
}

/// Where this process sits does not change while it has children to place.
const std::optional<CgroupPlace>& our_place() {
  static const std::optional<CgroupPlace> place = find_place();
  return place;
}

bool switched_off() {
  const char* value = std::getenv("RINGFORT_TEST_NO_CGROUP");
  return value != nullptr && std::string_view(value) == "1";
}

}  // namespace

bool MemoryCgroup::available() { return !switched_off() && our_place().has_value(); }

Result<std::unique_ptr<MemoryCgroup>> MemoryCgroup::create(const std::string& name, Bytes limit) {
  if (!available()) {
    return fail(ErrorKind::Unsupported, "no memory cgroup can be made by this process",
                "the watchdog holds the limit instead");
  }
  if (name.empty() || name.front() == '.' || name.find('/') != name.npos) {
    return fail(ErrorKind::InvalidSpec, "'" + name + "' is no name for a cgroup");
  }
  return create_at(*our_place(), "ringfort-" + name, limit);
}

Result<std::unique_ptr<MemoryCgroup>> MemoryCgroup::reopen(const std::string& path) {
  const auto slash = path.rfind('/');
  if (slash == path.npos || slash == 0)
    return fail(os_error(EINVAL, "no path of a cgroup: " + path));
  CgroupPlace place;
  place.directory = path.substr(0, slash);
  const auto name = path.substr(slash + 1);
  Fd parent{::open(place.directory.c_str(), kDirectory)};
  Fd directory{parent ? ::openat(parent.get(), name.c_str(), kDirectory) : -1};
  if (!directory) return fail(os_error("the cgroup is gone: " + path));
  place.version = has_file(directory.get(), "memory.max") ? CgroupVersion::V2 : CgroupVersion::V1;
  return std::make_unique<Cgroup>(std::move(place), std::move(parent), name, std::move(directory));
}

}  // namespace ringfort::platform
