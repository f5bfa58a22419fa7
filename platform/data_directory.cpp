#include "ringfort/platform/data_directory.hpp"

#include "ringfort/platform/linux/dir_stack.hpp"
#include "ringfort/platform/linux/inode_spread.hpp"
#include "ringfort/platform/owner_lock.hpp"
#include "ringfort/specs/names.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <map>
#include <system_error>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

namespace ringfort::platform {
namespace {

constexpr int kDirectory = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
constexpr const char* kHint = "make it writable, or pass --data-dir";

Result<Fd> make_and_open(int parent_fd, const std::string& name, mode_t mode) {
  const bool made = ::mkdirat(parent_fd, name.c_str(), mode) == 0;
  if (!made && errno != EEXIST) return fail(os_error("cannot make the directory " + name));
  Fd fd{::openat(parent_fd, name.c_str(), kDirectory | O_NOFOLLOW)};
  if (!fd) return fail(os_error("cannot open the directory " + name));
  // The umask may have cut what other uids need.
  if (made && ::fchmod(fd.get(), mode) != 0) return fail(os_error("cannot chmod " + name));
  return fd;
}

/// A fresh directory that the caller made for us gets our mode; one with other things in it, or in
/// use already, keeps its own.
void adopt_empty(int root_fd, mode_t mode) {
  struct stat status {};
  const auto entries = list_directory(root_fd, 1);
  if (!entries || !entries->empty() || ::fstat(root_fd, &status) != 0) return;
  if ((status.st_mode & mode) != mode) ::fchmod(root_fd, (status.st_mode & 07777) | mode);
}

Result<Fd> open_root(const std::string& path, mode_t mode) {
  std::error_code ignored;  // The open below has the better word.
  std::filesystem::create_directories(std::filesystem::path(path).parent_path(), ignored);
  if (::mkdir(path.c_str(), mode) != 0 && errno != EEXIST) {
    return fail(os_error("cannot make the data directory " + printable(path, 4096), kHint));
  }
  Fd root{::open(path.c_str(), kDirectory)};
  if (!root)
    return fail(os_error("cannot open the data directory " + printable(path, 4096), kHint));
  adopt_empty(root.get(), mode);
  return root;
}

/// Whom `containers/<id>` belongs to when nothing in `state` says so.
std::string owner_of_bare(int container_fd) {
  std::array<char, 64> text{};
  const auto got = ::readlinkat(container_fd, ".owner", text.data(), text.size());
  return got > 0 ? std::string(text.data(), static_cast<std::size_t>(got)) : std::string{};
}

}  // namespace

std::string absolute_path(const std::string& path, std::error_code& error) {
  auto absolute = std::filesystem::absolute(path, error).lexically_normal().string();
  if (absolute.size() > 1 && absolute.ends_with('/')) absolute.pop_back();
  return absolute;
}

Result<DataDirectory> DataDirectory::open(const std::string& path) {
  DataDirectory data;
  std::error_code error;
  data.path = absolute_path(path, error);
  if (path.empty() || error) {
    return fail(ErrorKind::Io, "'" + printable(path) + "' is no data directory", kHint);
  }
  data.container_mode = ::geteuid() == 0 ? 0711 : 0700;
  auto root = open_root(data.path, data.container_mode);
  if (!root) return fail(root.error());
  data.root = std::move(*root);

  auto make = [&](int parent_fd, const std::string& name, mode_t mode, Fd& target) -> Status {
    auto opened = make_and_open(parent_fd, name, mode);
    if (!opened) return fail(opened.error());
    target = std::move(*opened);
    return {};
  };
  const int root_fd = data.root.get();
  Status made = make(root_fd, "containers", data.container_mode, data.containers);
  if (made) made = make(root_fd, "images", 0700, data.images);
  if (made) made = make(root_fd, "state", 0700, data.state);
  if (made) made = make(data.state.get(), "owners", 0700, data.owners);
  if (made) made = make(root_fd, ".staging", 0700, data.staging);
  if (made) made = make(root_fd, ".trash", 0700, data.trash);
  if (made) {
    spread_subdirectories(data.staging.get());
    return data;
  }
  made.error().kind = ErrorKind::Io;
  made.error().what = "data directory " + printable(data.path, 4096) + ": " + made.error().what;
  made.error().hint = kHint;
  return fail(made.error());
}

Leftovers DataDirectory::take_over_leftovers(const std::string& nonce) const {
  Leftovers found;
  auto& taken = found.in_trash;
  // Thousands of entries are of few owners, and a look at one costs more than all else here.
  std::map<std::string, bool> lives;
  const auto is_alive = [&](const std::string& owner) {
    const auto [known, is_new] = lives.try_emplace(owner, false);
    if (is_new) known->second = is_live_owner(owners.get(), owner);
    return known->second;
  };
  for (const int from_fd : {staging.get(), trash.get()}) {
    const auto entries = list_directory(from_fd);
    if (!entries) continue;
    for (const auto& entry : *entries) {
      const auto owner = entry.name.substr(0, entry.name.find('.'));
      if (owner.size() != nonce.size() || owner == nonce || is_alive(owner)) continue;
      const auto name = nonce + ".left." + std::to_string(taken.size());
      if (::renameat(from_fd, entry.name.c_str(), trash.get(), name.c_str()) == 0) {
        taken.push_back(name);
      }
    }
  }
  const auto entries = list_directory(owners.get());
  if (!entries) return found;
  std::set<std::string> dead;
  for (const auto& entry : *entries) {
    // Who has died since the look above is found by the next one: his are not all taken over.
    if (entry.name != nonce && !is_alive(entry.name)) dead.insert(entry.name);
  }
  if (!dead.empty()) take_over_bare_containers(dead, nonce, taken);
  // Last: a clean-up that is cut short is begun again by the next one.
  for (const auto& name : dead) forget_dead_owner(owners.get(), name);
  found.any_owner_died = !dead.empty();
  return found;
}

/// Containers without records ended with their owner, so nobody will ask for them.
void DataDirectory::take_over_bare_containers(const std::set<std::string>& dead,
                                              const std::string& nonce,
                                              std::vector<std::string>& taken) const {
  const auto entries = list_directory(containers.get());
  if (!entries) return;
  for (const auto& entry : *entries) {
    const Fd dir{::openat(containers.get(), entry.name.c_str(), kDirectory | O_NOFOLLOW)};
    // With the lock nobody else clears the name away and puts another container in its place.
    if (!dir || !dead.contains(owner_of_bare(dir.get())) || ::flock(dir.get(), LOCK_EX) != 0 ||
        !is_still_named(dir.get(), containers.get(), entry.name)) {
      continue;
    }
    const auto name = nonce + ".left." + std::to_string(taken.size());
    if (::renameat(containers.get(), entry.name.c_str(), trash.get(), name.c_str()) == 0) {
      taken.push_back(name);
    }
  }
}

}  // namespace ringfort::platform
