#include "ringfort/platform/reachable.hpp"

#include "ringfort/platform/fd.hpp"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <mutex>
#include <set>
#include <system_error>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <sys/fsuid.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace ringfort::platform {
namespace {

struct Question {
  std::string path;
  int flags;
};

bool refused(int error) { return error == EACCES || error == EPERM; }

/// The first path that can't be opened so, with its errno. A socket or a missing driver is no
/// question of rights, and directories are never opened for writing: only refusals count.
Result<std::pair<std::string, int>> first_refusal(const std::vector<Question>& questions,
                                                  std::uint32_t uid, std::uint32_t gid) {
  std::pair<std::string, int> result{{}, 0};
  // The ids belong to one thread and end with it, so nothing has to be put back.
  const auto ask = [&] {
    // The raw call: libc's setgroups would change every thread of the process.
    if (::syscall(SYS_setgroups, 0, nullptr) != 0) return;
    ::setfsgid(gid);
    ::setfsuid(uid);  // from 0 to another user this drops the file capabilities as well
    for (const auto& question : questions) {
      const Fd opened{::open(question.path.c_str(), question.flags | O_NONBLOCK | O_CLOEXEC)};
      if (opened || !refused(errno)) continue;
      result = {question.path, errno};
      return;
    }
  };
  try {
    std::thread(ask).join();
  } catch (const std::system_error& error) {
    return fail(os_error(error.code().value(), "cannot look as the container's user",
                         "raise `ulimit -u` or the pids limit of ringfort's cgroup"));
  }
  return result;
}

/// The way to the containers is the same for all of them: asked once for each directory and group
/// of rights (an id of the block owns nothing, so all of the block get one answer).
bool known_to_be_open(const std::string& directory, bool remember) {
  static std::mutex mutex;
  static std::set<std::string> open;
  const std::lock_guard lock(mutex);
  if (remember) open.insert(directory);
  return open.contains(directory);
}

}  // namespace

Status check_reachable(const Policy& policy, std::uint32_t uid, std::uint32_t gid) {
  const std::string containers = std::filesystem::path(policy.container_dir).parent_path();
  // Ids of a block differ in their low 16 bits only; those of people are asked one by one.
  const std::string key = containers + ":" + std::to_string(uid < 65536 ? uid : uid >> 16 << 16);
  std::vector<Question> questions;
  if (!known_to_be_open(key, false)) questions.push_back({containers + "/.", O_PATH});
  for (const auto& rule : policy.paths) {
    questions.push_back({rule.path, O_RDONLY});
    std::error_code ignored;  // what can't be looked at is answered by the open
    if (rule.access == Access::Write && !std::filesystem::is_directory(rule.path, ignored))
      questions.push_back({rule.path, O_WRONLY});
  }
  for (const auto& volume : policy.volumes)
    if (volume.kind == VolumeKind::Bind) questions.push_back({volume.source, O_RDONLY});
  if (questions.empty()) return {};
  const auto refused = first_refusal(questions, uid, gid);
  if (!refused) return fail(refused.error());
  const auto& [path, error] = *refused;
  if (error != 0)
    return fail(ErrorKind::InvalidSpec,
                path + " can't be reached by the container's user " + std::to_string(uid) + ": " +
                    std::strerror(error),
                "use --isolation namespaces, or name a user who can: --user UID:GID");
  known_to_be_open(key, true);
  return {};
}

Status check_sources(const Policy& policy) {
  for (const auto& volume : policy.volumes) {
    if (volume.kind != VolumeKind::Bind) continue;
    const Fd source{::open(volume.source.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)};
    if (source) continue;
    const int error = errno;
    std::string hint = "name a directory that the user who runs ringfort can reach";
    if (error == ENOENT) hint = "make it first: mkdir -p " + volume.source;
    if (error == ENOTDIR) hint = "name a directory: single files are not bound";
    return fail(ErrorKind::InvalidSpec,
                "storage source " + volume.source + ": " + std::strerror(error), hint);
  }
  return {};
}

}  // namespace ringfort::platform
