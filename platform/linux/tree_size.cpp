#include "ringfort/platform/linux/dir_stack.hpp"
#include "ringfort/platform/rootfs.hpp"

#include <utility>
#include <vector>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

namespace ringfort::platform {
namespace {

constexpr std::uint64_t kBlock = 512;  // unit of st_blocks, whatever the file system's is. stat(2)

std::uint64_t bytes_of(int dir_fd, const std::string& name) {
  struct stat status {};
  if (::fstatat(dir_fd, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) return 0;
  return static_cast<std::uint64_t>(status.st_blocks) * kBlock;
}

/// What can't be looked at is left out: somebody may be at work there.
class Walk {
 public:
  explicit Walk(int parent_fd) : stack_(parent_fd) {}

  std::uint64_t run(const std::string& name) {
    add({name, DT_DIR});
    while (!levels_.empty()) {
      auto& entries = levels_.back();
      if (entries.empty()) {
        levels_.pop_back();
        if (!stack_.leave()) break;
        continue;
      }
      const DirEntry entry = std::move(entries.back());
      entries.pop_back();
      add(entry);
    }
    return bytes_;
  }

 private:
  void add(const DirEntry& entry) {
    bytes_ += bytes_of(stack_.top(), entry.name);
    if (entry.type != DT_DIR && entry.type != DT_UNKNOWN) return;
    auto opened = open_directory_below(stack_.top(), entry.name, O_RDONLY);
    if (!opened) return;
    auto entries = list_directory(opened->get());
    if (!entries || !stack_.enter(std::move(*opened), entry.name)) return;
    levels_.push_back(std::move(*entries));
  }

  DirStack stack_;
  std::vector<std::vector<DirEntry>> levels_;
  std::uint64_t bytes_ = 0;
};

}  // namespace

std::uint64_t tree_bytes(int parent_fd, const std::string& name) {
  return Walk(parent_fd).run(name);
}

}  // namespace ringfort::platform
