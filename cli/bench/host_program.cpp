#include "ringfort/cli/bench/host_program.hpp"

#include "ringfort/platform/fd.hpp"
#include "ringfort/specs/names.hpp"

#include <csignal>
#include <sstream>

#include <poll.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace ringfort::cli {
namespace {

using platform::again_after_signal;
using platform::Fd;
using platform::os_error;

class SpawnActions {
 public:
  SpawnActions() { ::posix_spawn_file_actions_init(&actions_); }
  SpawnActions(const SpawnActions&) = delete;
  SpawnActions& operator=(const SpawnActions&) = delete;
  ~SpawnActions() { ::posix_spawn_file_actions_destroy(&actions_); }

  void hand_over(int fd, int as_fd) {
    if (fd >= 0) ::posix_spawn_file_actions_adddup2(&actions_, fd, as_fd);
  }
  const posix_spawn_file_actions_t* get() const { return &actions_; }

 private:
  posix_spawn_file_actions_t actions_{};
};

class SpawnAttributes {
 public:
  /// The command blocks signals for its listener; a program begins without that.
  explicit SpawnAttributes(bool has_own_group) {
    ::posix_spawnattr_init(&attributes_);
    sigset_t none;
    sigemptyset(&none);
    ::posix_spawnattr_setsigmask(&attributes_, &none);
    short flags = POSIX_SPAWN_SETSIGMASK;
    if (has_own_group) flags |= POSIX_SPAWN_SETPGROUP;
    ::posix_spawnattr_setflags(&attributes_, flags);
  }
  SpawnAttributes(const SpawnAttributes&) = delete;
  SpawnAttributes& operator=(const SpawnAttributes&) = delete;
  ~SpawnAttributes() { ::posix_spawnattr_destroy(&attributes_); }
  const posix_spawnattr_t* get() const { return &attributes_; }

 private:
  posix_spawnattr_t attributes_{};
};

std::vector<char*> pointers(const std::vector<std::string>& words) {
  std::vector<char*> all;
  all.reserve(words.size() + 1);
  for (const auto& word : words) all.push_back(const_cast<char*>(word.c_str()));
  all.push_back(nullptr);
  return all;
}

Result<pid_t> spawn(const HostProgram& program) {
  SpawnActions actions;
  actions.hand_over(program.out_fd, STDOUT_FILENO);
  actions.hand_over(program.err_fd, STDERR_FILENO);
  const SpawnAttributes attributes{program.patience > Duration{}};
  const auto argv = pointers(program.argv);
  const auto environment = pointers(program.environment);
  pid_t pid = 0;
  const int error = ::posix_spawn(&pid, argv[0], actions.get(), attributes.get(), argv.data(),
                                  environment.data());
  if (error != 0) return fail(os_error(error, "cannot spawn " + program.argv[0]));
  return pid;
}

/// False when the patience ended first.
bool ends_within(pid_t pid, Duration patience) {
  const Fd handle{static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))};
  if (!handle) return true;  // no descriptors, or an old kernel: waited for without a bound
  pollfd set{handle.get(), POLLIN, 0};
  const auto milliseconds = std::chrono::duration_cast<std::chrono::milliseconds>(patience);
  return again_after_signal(
             [&] { return ::poll(&set, 1, static_cast<int>(milliseconds.count())); }) != 0;
}

std::string end_text(int status) {
  if (WIFSIGNALED(status)) return " was ended by signal " + std::to_string(WTERMSIG(status));
  return " ended with code " + std::to_string(WEXITSTATUS(status));
}

std::string last_line(const std::string& text) {
  std::istringstream lines{text};
  std::string last;
  for (std::string line; std::getline(lines, line);)
    if (line.find_first_not_of(" \t\r") != std::string::npos) last = line;
  return printable(last, 160);
}

}  // namespace

Status run_host_program(const HostProgram& program) {
  const auto pid = spawn(program);
  if (!pid) return fail(pid.error());
  const bool is_late = program.patience > Duration{} && !ends_within(*pid, program.patience);
  if (is_late) ::kill(-*pid, SIGKILL);
  int status = -1;
  if (again_after_signal([&] { return ::waitpid(*pid, &status, 0); }) != *pid)
    return fail(os_error("cannot wait for " + program.argv[0]));
  if (is_late)
    return fail(ErrorKind::Timeout,
                program.argv[0] + " did not end within " + to_string(program.patience), {});
  if (status != 0) return fail(ErrorKind::Internal, program.argv[0] + end_text(status), {});
  return {};
}

Status try_host_program(HostProgram program) {
  const Fd said{::memfd_create("stderr", MFD_CLOEXEC)};
  if (!said) return fail(os_error("cannot make a memfd"));
  program.err_fd = said.get();
  auto ended = run_host_program(program);
  if (ended) return ended;
  ::lseek(said.get(), 0, SEEK_SET);
  const auto text = platform::read_all(said.get(), 1 << 20, "stderr");
  const auto line = text ? last_line(*text) : std::string{};
  if (!line.empty()) ended.error().what += ": " + line;
  return ended;
}

std::string find_program(const std::string& name, const std::string& path) {
  if (name.find('/') != std::string::npos) return ::access(name.c_str(), X_OK) == 0 ? name : "";
  std::istringstream folders{path};
  for (std::string folder; std::getline(folders, folder, ':');) {
    auto candidate = (folder.empty() ? "." : folder) + "/" + name;
    if (::access(candidate.c_str(), X_OK) == 0) return candidate;
  }
  return {};
}

std::vector<std::string> own_environment() {
  std::vector<std::string> all;
  for (char** one = environ; one != nullptr && *one != nullptr; ++one) all.emplace_back(*one);
  return all;
}

}  // namespace ringfort::cli
