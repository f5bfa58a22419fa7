#include "world.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <stdexcept>
#include <thread>

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace ringfort::chaos {
namespace {

namespace fs = std::filesystem;

std::string text_of(const fs::path& path) {
  std::ifstream file(path);
  // read() and not iterators: these throw when the process ends between open(2) and read(2).
  std::string text(65536, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(file.gcount()));
  return text;
}

std::string text_of(int fd) {
  std::string text;
  char buffer[65536];
  ::lseek(fd, 0, SEEK_SET);
  for (ssize_t count; (count = ::read(fd, buffer, sizeof buffer)) > 0;)
    text.append(buffer, static_cast<std::size_t>(count));
  ::close(fd);
  return text;
}

/// proc(5): the name is in parentheses and may hold any byte.
bool read_process(const fs::path& path, Process& process) {
  const std::string digits = path.filename();
  const auto* end = digits.data() + digits.size();
  if (std::from_chars(digits.data(), end, process.pid).ptr != end) return false;
  const auto stat = text_of(path / "stat");
  const auto open = stat.find('('), close = stat.rfind(')');
  if (open == stat.npos || close == stat.npos) return false;
  process.name = stat.substr(open + 1, close - open - 1);
  return std::sscanf(stat.c_str() + close + 1, " %c %d", &process.state, &process.parent) == 2;
}

std::vector<std::string> argv_of(pid_t pid) {
  const auto text = text_of("/proc/" + std::to_string(pid) + "/cmdline");
  std::vector<std::string> argv;
  for (std::size_t at = 0; at < text.size();) {
    const auto end = std::min(text.find('\0', at), text.size());
    argv.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return argv;
}

void add_names(std::vector<std::string>& left, const fs::path& path, std::string_view word) {
  std::error_code absent;
  for (const auto& entry : fs::directory_iterator(path, absent)) {
    const auto name = entry.path().filename().string();
    if (name != "owners" && name.find(word) != name.npos) left.push_back(entry.path().string());
  }
}

void add_lines(std::vector<std::string>& left, const char* path, const std::string& word) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);)
    if (line.find(word) != line.npos) left.push_back(line);
}

}  // namespace

std::string beside(const std::string& name) {
  // Once, at the beginning: in another mount namespace the kernel may name it differently.
  static const auto directory = fs::read_symlink("/proc/self/exe").parent_path();
  return (directory / name).string();
}

World::World() {
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  directory_ = "/tmp/ringfort-chaos-XXXXXX";
  if (::mkdtemp(directory_.data()) == nullptr) throw std::runtime_error("no directory in /tmp");
  is_mounted_ =
      ::geteuid() == 0 && ::mount("chaos", directory_.c_str(), "tmpfs", 0, "size=24m") == 0;
  ::chmod(directory_.c_str(), 0755);
  fs::create_directory(directory_ + "/image");
  fs::copy_file(beside("talker"), directory_ + "/image/talker");
  if (const auto added = ringfort({"image", "add", "talker", directory_ + "/image"});
      added.code != 0)
    throw std::runtime_error("ringfort image add: " + added.err);
}

World::~World() {
  for (const auto& process : processes()) ::kill(process.pid, SIGKILL);
  for (int i = 0; i < 100 && !processes().empty(); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  if (is_mounted_) ::umount2(directory_.c_str(), MNT_DETACH);
  std::error_code ignored;
  fs::remove_all(directory_, ignored);
}

void World::fill() const {
  const int fd = ::open((directory_ + "/filler").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  static const std::string block(1 << 16, 'x');
  for (std::size_t size = block.size(); size > 0; size /= 16)
    while (::write(fd, block.data(), size) > 0) continue;
  ::close(fd);
}

void World::free() const { ::unlink((directory_ + "/filler").c_str()); }

pid_t World::spawn(const std::vector<std::string>& argv, int out, int err, int keep) {
  auto words = argv;
  std::vector<std::string> variables{"PATH=/usr/bin:/bin", "HOME=" + directory_,
                                     "RINGFORT_DATA_DIR=" + data_dir()};
  std::vector<char*> arguments, environment;
  for (auto& word : words) arguments.push_back(word.data());
  for (auto& variable : variables) environment.push_back(variable.data());
  arguments.push_back(nullptr);
  environment.push_back(nullptr);
  const std::lock_guard lock(mutex_);
  const auto pid = ::vfork();
  if (pid == 0) {
    const int null = ::open("/dev/null", O_RDONLY);
    ::dup2(null, 0);
    ::dup2(out, 1);
    ::dup2(err, 2);
    if (keep >= 0) ::fcntl(keep, F_SETFD, 0);  // vfork: the descriptor table is the child's own
    ::execve(arguments[0], arguments.data(), environment.data());
    ::_exit(126);
  }
  if (pid > 0) own_.insert(pid);
  return pid;
}

bool World::await_end(pid_t pid, std::chrono::milliseconds patience) const {
  const int fd = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
  pollfd ended{fd, POLLIN, 0};
  int ready = 0;
  do ready = ::poll(&ended, 1, static_cast<int>(patience.count()));
  while (ready < 0 && errno == EINTR);
  ::close(fd);
  return ready == 1;
}

int World::reap(pid_t pid) {
  int status = 0;
  ::waitpid(pid, &status, 0);
  const std::lock_guard lock(mutex_);
  own_.erase(pid);
  return status;
}

Outcome World::ringfort(const std::vector<std::string>& words, std::chrono::milliseconds patience,
                        const std::function<void(pid_t)>& begun) {
  std::vector<std::string> argv{beside("ringfort")};
  argv.insert(argv.end(), words.begin(), words.end());
  // No pipes: whoever inherits them does not keep us waiting.
  const int out = ::memfd_create("out", MFD_CLOEXEC), err = ::memfd_create("err", MFD_CLOEXEC);
  const auto pid = spawn(argv, out, err);
  begun(pid);
  const bool in_time = await_end(pid, patience);
  begun(0);
  if (!in_time) ::kill(pid, SIGKILL);
  const int status = reap(pid);
  Outcome outcome;
  outcome.was_killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
  if (in_time) outcome.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  outcome.out = text_of(out);
  outcome.err = text_of(err);
  return outcome;
}

std::vector<Process> World::processes() {
  const std::lock_guard lock(mutex_);
  std::multimap<pid_t, Process> children;
  std::error_code error;
  for (fs::directory_iterator it("/proc", error), end; !error && it != end; it.increment(error))
    if (Process process; read_process(it->path(), process))
      children.emplace(process.parent, std::move(process));
  std::vector<Process> found;
  for (std::vector<pid_t> todo{::getpid()}; !todo.empty();) {
    const auto parent = todo.back();
    todo.pop_back();
    for (auto [it, end] = children.equal_range(parent); it != end; ++it) {
      auto process = it->second;
      if (parent == ::getpid() && process.state == 'Z' && !own_.contains(process.pid)) {
        ::waitpid(process.pid, nullptr, WNOHANG);
        continue;
      }
      todo.push_back(process.pid);
      process.argv = argv_of(process.pid);
      found.push_back(std::move(process));
    }
  }
  return found;
}

std::vector<std::string> World::leftovers() const {
  std::vector<std::string> left;
  for (const char* folder : {"containers", "state", "state/owners", ".staging", ".trash"})
    add_names(left, data_dir() + "/" + folder, "");
  add_lines(left, "/proc/net/unix", directory_ + "/data");
  add_lines(left, "/proc/self/mountinfo", directory_ + "/data");
  return left;
}

std::string token(const std::string& name, int life) {
  return "chaos:" + name + ":" + std::to_string(life);
}

int life_of(const std::string& token, const std::string& name) {
  const auto prefix = "chaos:" + name + ":";
  return token.starts_with(prefix) ? std::atoi(token.c_str() + prefix.size()) : 0;
}

std::vector<Process> mains_of(const std::vector<Process>& all, const std::string& name) {
  std::vector<Process> found;
  for (const auto& process : all)
    if (process.state != 'Z' && process.state != 'X' && process.argv.size() > 1 &&
        process.argv[0] == "/talker" && life_of(process.argv[1], name) != 0)
      found.push_back(process);
  return found;
}

}  // namespace ringfort::chaos
