#include "ringfort/platform/host_look.hpp"

#include "ringfort/platform/fd.hpp"
#include "ringfort/platform/linux/host_texts.hpp"

#include <cerrno>
#include <climits>
#include <fstream>
#include <sstream>

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

namespace ringfort::platform {
namespace {

NodeKind kind_of(mode_t mode) {
  if (S_ISREG(mode)) return NodeKind::File;
  if (S_ISDIR(mode)) return NodeKind::Directory;
  if (S_ISLNK(mode)) return NodeKind::Link;
  if (S_ISSOCK(mode)) return NodeKind::Socket;
  if (S_ISCHR(mode) || S_ISBLK(mode)) return NodeKind::Device;
  return NodeKind::File;  // a FIFO is read and written as one
}

Node node_of(const Fd& fd) {
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0) return {};
  Node node;
  node.kind = kind_of(status.st_mode);
  node.owner = Node::Owner{status.st_mode & 07777U, status.st_uid, status.st_gid};
  if (node.kind != NodeKind::Link) return node;
  char text[PATH_MAX];
  const auto size = ::readlinkat(fd.get(), "", text, sizeof text);  // of the descriptor itself
  if (size <= 0) return {};
  node.link.assign(text, static_cast<std::size_t>(size));
  return node;
}

/// An opaque directory: it was made anew where the image's had been deleted.
bool hides_image(const std::string& directory) {
  const Fd fd{::open(directory.c_str(), O_PATH | O_NOFOLLOW | O_DIRECTORY | O_CLOEXEC)};
  const auto name = "/proc/self/fd/" + std::to_string(fd.get());
  char mark[2];
  return ::getxattr(name.c_str(), "trusted.overlay.opaque", mark, sizeof mark) == 1 ||
         ::getxattr(name.c_str(), "user.overlay.opaque", mark, sizeof mark) == 1;
}

Node not_opened(int error) {
  Node node;
  if (error == ENOENT || error == ENOTDIR) node.kind = NodeKind::Missing;
  return node;
}

}  // namespace

Node look_at_host(const std::string& path) {
  const Fd fd{::open(path.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC)};
  return fd ? node_of(fd) : not_opened(errno);
}

Node look_beneath(const std::string& base, const std::string& rest) {
  const Fd top{::open(base.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)};
  if (!top) return not_opened(errno);
  const auto begin = rest.find_first_not_of('/');
  if (begin == std::string::npos) return node_of(top);
  open_how how{};
  how.flags = O_PATH | O_NOFOLLOW | O_CLOEXEC;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  const Fd fd{
      static_cast<int>(::syscall(SYS_openat2, top.get(), rest.c_str() + begin, &how, sizeof how))};
  return fd ? node_of(fd) : not_opened(errno);
}

Node look_in_overlay(const std::string& upper, const std::string& image, const std::string& rest) {
  for (std::size_t end = rest.find_first_not_of('/'); end != std::string::npos;) {
    end = rest.find('/', end);
    auto node = look_beneath(upper, rest.substr(0, end));
    // No container can make a device: this is a whiteout.
    if (node.kind == NodeKind::Device) return not_opened(ENOENT);
    if (node.kind == NodeKind::Missing) return look_beneath(image, rest);
    if (node.kind != NodeKind::Directory) return end == std::string::npos ? node : Node{};
    if (end == std::string::npos || hides_image(upper + rest.substr(0, end)))
      return end == std::string::npos ? node : look_beneath(upper, rest);
    end = rest.find_first_not_of('/', end);
  }
  return look_beneath(upper, rest);
}

std::vector<std::uint32_t> own_groups() {
  const int count = ::getgroups(0, nullptr);
  if (count <= 0) return {};
  std::vector<gid_t> groups(static_cast<std::size_t>(count));
  const int got = ::getgroups(count, groups.data());
  if (got < 0) return {};
  return {groups.begin(), groups.begin() + got};
}

std::uint16_t first_free_port() {
  std::ifstream file("/proc/sys/net/ipv4/ip_unprivileged_port_start");
  std::stringstream text;
  text << file.rdbuf();
  const auto number = parse_number(text.str());
  return number && *number >= 0 && *number <= 65535 ? static_cast<std::uint16_t>(*number) : 1024;
}

}  // namespace ringfort::platform
