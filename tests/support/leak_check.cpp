#include "ringfort/support/leak_check.hpp"

#include "ringfort/support/eventually.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace ringfort::test {
namespace {

namespace fs = std::filesystem;

struct Process {
  int pid = 0;
  int parent = 0;
  char state = '?';
  std::string name;
};

/// From /proc/<pid>/stat; the name is in parentheses and may hold any byte. proc(5).
std::optional<Process> process(const fs::path& directory) {
  Process found;
  const std::string digits = directory.filename();
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), found.pid);
  if (error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
  std::ifstream file(directory / "stat");
  // read() and not iterators: these throw when the process ends between open(2) and read(2).
  std::string text(512, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(file.gcount()));
  const auto open = text.find('(');
  const auto close = text.rfind(')');
  if (open == std::string::npos || close == std::string::npos) return std::nullopt;
  found.name = text.substr(open + 1, close - open - 1);
  if (std::sscanf(text.c_str() + close + 1, " %c %d", &found.state, &found.parent) != 2)
    return std::nullopt;
  return found;
}

std::vector<Process> below_us() {
  std::map<int, std::vector<Process>> children;
  std::error_code error;
  for (auto entry = fs::directory_iterator("/proc", error); entry != fs::directory_iterator();
       entry.increment(error)) {
    if (auto one = process(entry->path())) children[one->parent].push_back(*std::move(one));
    if (error) break;
  }
  std::vector<Process> found = children[::getpid()];
  for (std::size_t i = 0; i < found.size(); ++i) {
    const auto more = children[found[i].pid];
    found.insert(found.end(), more.begin(), more.end());
  }
  return found;
}

/// What PID 1 would do: hear of the ends of those whose parents have gone.
void reap_adopted() {
  for (const auto& one : below_us())
    if (one.parent == ::getpid() && one.state == 'Z') ::waitpid(one.pid, nullptr, WNOHANG);
}

void add_descriptors(std::set<std::string>& owned) {
  for (const auto& entry : fs::directory_iterator("/proc/self/fd")) {
    std::error_code closed;  // the iterator's own descriptor
    const auto target = fs::read_symlink(entry.path(), closed);
    const auto name = entry.path().filename().string();
    // The helper's image is made once a process and stays.
    if (target.string().starts_with("/memfd:ringfort-shim")) continue;
    if (!closed && target != "/proc/" + std::to_string(::getpid()) + "/fd")
      owned.insert("descriptor " + name + " " + target.string());
  }
}

void add_lines(std::set<std::string>& owned, const char* path, const std::string& kind,
               std::string_view word) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);)
    if (line.find(word) != std::string::npos) owned.insert(kind + line);
}

void add_files(std::set<std::string>& owned, const fs::path& data_dir) {
  std::error_code error;
  auto entry = fs::recursive_directory_iterator(
      data_dir, fs::directory_options::skip_permission_denied, error);
  for (; !error && entry != fs::recursive_directory_iterator(); entry.increment(error)) {
    if (entry->path() == data_dir / "images") entry.disable_recursion_pending();
    // The layout itself may come and stay.
    const bool is_layout = entry.depth() == 0 || entry->path() == data_dir / "state/owners";
    if (!is_layout) owned.insert("file " + entry->path().string());
  }
}

}  // namespace

std::vector<int> descendants() {
  reap_adopted();
  std::vector<int> pids;
  for (const auto& one : below_us()) pids.push_back(one.pid);
  return pids;
}

std::string name_of(int pid) {
  const auto found = process("/proc/" + std::to_string(pid));
  return found && found->state != 'Z' ? found->name : std::string{};
}

LeakCheck::LeakCheck(std::string data_dir, std::chrono::milliseconds patience)
    : data_dir_(std::move(data_dir)), patience_(patience) {
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  before_ = owned();
}

std::set<std::string> LeakCheck::owned() const {
  std::set<std::string> owned;
  for (const auto& one : below_us())
    owned.insert("process " + std::to_string(one.pid) + " " + one.name + " " + one.state);
  add_descriptors(owned);
  add_lines(owned, "/proc/self/mountinfo", "mount ", "");
  if (data_dir_.empty()) return owned;
  add_lines(owned, "/proc/net/unix", "socket ", data_dir_);
  add_files(owned, data_dir_);
  return owned;
}

std::vector<std::string> LeakCheck::left() const {
  reap_adopted();
  const auto now = owned();
  std::vector<std::string> left;
  std::ranges::set_difference(now, before_, std::back_inserter(left));
  return left;
}

LeakCheck::~LeakCheck() {
  std::vector<std::string> rest;
  const bool clean = eventually(
      patience_,
      [&] {
        rest = left();
        return rest.empty();
      },
      std::chrono::milliseconds(10));
  if (clean) return;
  std::string text;
  for (const auto& one : rest) text += "\n  " + one;
  ADD_FAILURE() << "left behind:" << text;
}

}  // namespace ringfort::test
