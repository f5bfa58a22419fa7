#include "ringfort/platform/linux/host_trials.hpp"

#include "ringfort/platform/fd.hpp"
#include "ringfort/platform/linux/host_texts.hpp"
#include "ringfort/platform/linux/random_name.hpp"

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <filesystem>

#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/fs.h>
#include <linux/openat2.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace ringfort::platform {
namespace {

/// Runs `body` in a child and answers with what it returned. The child of a process with threads
/// may only make system calls, so a body allocates nothing.
Trial in_child(Trial (*body)()) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return errno;
  const Fd reader{ends[0]};
  Fd writer{ends[1]};
  const pid_t child = ::fork();
  if (child < 0) return errno;
  if (child == 0) {
    const Trial answer = body();
    const auto written = ::write(writer.get(), &answer, sizeof answer);
    ::_exit(written == sizeof answer ? 0 : 1);
  }
  writer.reset();
  Trial answer = 0;
  const auto got = again_after_signal([&] { return ::read(reader.get(), &answer, sizeof answer); });
  again_after_signal([&] { return ::waitpid(child, nullptr, 0); });
  // A filter around us may kill where another one answers with an errno.
  return got == sizeof answer ? answer : EPERM;
}

Trial result_of(long returned) { return returned < 0 ? errno : 0; }

Trial landlock_body() {
  struct {
    std::uint64_t handled_fs = 1U << 2;  // LANDLOCK_ACCESS_FS_READ_FILE
  } attributes;
  const long ruleset = ::syscall(SYS_landlock_create_ruleset, &attributes, sizeof attributes, 0);
  if (ruleset < 0) return errno;
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return errno;
  if (::syscall(SYS_landlock_restrict_self, ruleset, 0) != 0) return errno;
  return ::open("/proc/self/status", O_RDONLY) >= 0 || errno != EACCES ? kNotHeld : 0;
}

Trial seccomp_body() {
  // getppid never fails otherwise.
  sock_filter instructions[] = {
      {BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(seccomp_data, nr)},
      {BPF_JMP | BPF_JEQ | BPF_K, 0, 1, SYS_getppid},
      {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ERRNO | E2BIG},
      {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW},
  };
  const sock_fprog program{std::size(instructions), instructions};
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return errno;
  if (::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) != 0) return errno;
  return ::syscall(SYS_getppid) == -1 && errno == E2BIG ? 0 : kNotHeld;
}

Trial write_file(const char* path, const char* text, std::size_t size) {
  const int fd = ::open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return errno;
  const auto written = ::write(fd, text, size);
  const int error = errno;
  ::close(fd);
  return written == static_cast<ssize_t>(size) ? 0 : error;
}

/// "UID UID 1": one id that stands for our own. user_namespaces(7). Returns the length.
std::size_t one_id_map(char* text, std::uint32_t inside, std::uint32_t outside) {
  std::size_t size = 0;
  const auto put = [&](std::uint32_t value) {
    char digits[10];
    std::size_t count = 0;
    do digits[count++] = static_cast<char>('0' + value % 10);
    while ((value /= 10) != 0);
    while (count > 0) text[size++] = digits[--count];
    text[size++] = ' ';
  };
  put(inside);
  put(outside);
  text[size++] = '1';
  return size;
}

/// Into a user and a mount namespace, mapped, with mounts that nobody else sees.
Trial enter_namespaces() {
  const auto uid = ::geteuid();
  const auto gid = ::getegid();
  if (::unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) return errno;
  char map[32];
  if (const Trial mapped = write_file("/proc/self/uid_map", map, one_id_map(map, uid, uid)))
    return mapped;
  if (const Trial denied = write_file("/proc/self/setgroups", "deny", 4)) return denied;
  if (const Trial mapped = write_file("/proc/self/gid_map", map, one_id_map(map, gid, gid)))
    return mapped;
  return result_of(::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr));
}

Trial user_namespace_body() { return result_of(::unshare(CLONE_NEWUSER)); }

Trial namespace_rights_body() {
  if (const Trial entered = enter_namespaces()) return entered;
  return result_of(::mount("none", "/tmp", "tmpfs", 0, nullptr));
}

Trial overlay_here() {
  if (::mount("none", "/tmp", "tmpfs", 0, nullptr) != 0) return errno;
  for (const char* directory : {"/tmp/lower", "/tmp/upper", "/tmp/work", "/tmp/merged"})
    if (::mkdir(directory, 0700) != 0) return errno;
  return result_of(::mount("overlay", "/tmp/merged", "overlay", 0,
                           "lowerdir=/tmp/lower,upperdir=/tmp/upper,workdir=/tmp/work"));
}

Trial overlay_as_root_body() {
  if (::unshare(CLONE_NEWNS) != 0) return errno;
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return errno;
  return overlay_here();
}

Trial overlay_as_user_body() {
  if (const Trial entered = enter_namespaces()) return entered;
  return overlay_here();
}

/// A file of one block that has no name; where the file system has none such, one that loses its
/// name at once.
Fd nameless_file(const std::string& directory) {
  Fd file{::open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600)};
  if (!file && (errno == EOPNOTSUPP || errno == EISDIR || errno == ENOENT)) {
    const auto path = directory + "/.ringfort-probe-" + random_name();
    file = Fd{::open(path.c_str(), O_CREAT | O_EXCL | O_RDWR | O_NOFOLLOW | O_CLOEXEC, 0600)};
    if (file) ::unlink(path.c_str());
  }
  return file;
}

Trial try_reflink(const std::string& directory, const Fd& from) {
  std::array<char, 4096> block{};
  if (::pwrite(from.get(), block.data(), block.size(), 0) < 0) return errno;
  const Fd to = nameless_file(directory);
  if (!to) return errno;
  return result_of(::ioctl(to.get(), FICLONE, from.get()));
}

}  // namespace

Trial try_landlock() { return in_child(landlock_body); }
Trial try_seccomp() { return in_child(seccomp_body); }
Trial try_user_namespace() { return in_child(user_namespace_body); }
Trial try_namespace_rights() { return in_child(namespace_rights_body); }

Trial try_overlay(bool root) {
  return in_child(root ? overlay_as_root_body : overlay_as_user_body);
}

Trial try_pidfd() {
  return in_child([] { return result_of(::syscall(SYS_pidfd_open, ::getpid(), 0)); });
}

Trial try_close_range() {
  return in_child([] { return result_of(::syscall(SYS_close_range, 1000U, 1001U, 0U)); });
}

Trial try_openat2() {
  return in_child([] {
    open_how how{};
    how.flags = O_PATH;
    how.resolve = RESOLVE_BENEATH;
    return result_of(::syscall(SYS_openat2, AT_FDCWD, ".", &how, sizeof how));
  });
}

Trial try_memfd() {
  const Fd file{::memfd_create("ringfort-probe", MFD_CLOEXEC | MFD_ALLOW_SEALING)};
  if (!file) return errno;
  // With vm.memfd_noexec = 1 the file is made without its execute bits.
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) return errno;
  return (status.st_mode & S_IXUSR) != 0 ? 0 : EACCES;
}

void try_cgroup(CgroupSurvey& survey) {
  const auto made = survey.directory + "/ringfort-probe-" + random_name();
  survey.make = result_of(::mkdir(made.c_str(), 0755));
  if (survey.make != 0) return;
  constexpr std::pair<const char*, const char*> kFiles[] = {
      {"memory", "memory.max"},
      {"memory", "memory.limit_in_bytes"},
      {"pids", "pids.max"},
      {"cpu", "cpu.max"},
      {"cpu", "cpu.cfs_quota_us"},
      {"io", "io.max"},
      {"blkio", "blkio.throttle.read_bps_device"},
      {"cpuset", "cpuset.cpus"},
      {"freezer", "freezer.state"},
      {"devices", "devices.deny"}};
  for (const auto& [controller, file] : kFiles)
    if (const Fd opened{::open((made + "/" + file).c_str(), O_WRONLY | O_CLOEXEC)})
      survey.writable.emplace_back(controller);
  ::rmdir(made.c_str());  // nobody was in it
}

DataDirSurvey survey_data_dir(const std::string& data_dir, const std::string& mountinfo) {
  namespace fs = std::filesystem;
  DataDirSurvey survey;
  survey.path = data_dir;
  std::error_code error;
  fs::path place = data_dir;
  while (!fs::is_directory(place, error) && place.has_relative_path()) place = place.parent_path();
  survey.place = fs::canonical(place, error).string();
  if (error) survey.place = place.string();
  survey.filesystem = filesystem_of(mountinfo, survey.place);
  struct statvfs room {};
  if (::statvfs(survey.place.c_str(), &room) == 0)
    survey.free_bytes = static_cast<std::uint64_t>(room.f_bavail) * room.f_frsize;
  const Fd file = nameless_file(survey.place);
  if (!file) {
    survey.write = errno;
    survey.reflink = survey.write;
    return survey;
  }
  survey.reflink = try_reflink(survey.place, file);
  return survey;
}

}  // namespace ringfort::platform
