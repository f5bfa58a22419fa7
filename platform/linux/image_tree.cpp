#include "ringfort/platform/linux/image_tree.hpp"

#include "ringfort/platform/fd.hpp"
#include "ringfort/platform/image_store.hpp"
#include "ringfort/platform/linux/dir_stack.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstring>
#include <iterator>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <dirent.h>
#include <elf.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>

namespace ringfort::platform {
namespace {

bool read_at(int fd, void* target, std::size_t size, std::uint64_t offset) {
  return ::pread(fd, target, size, static_cast<off_t>(offset)) == static_cast<ssize_t>(size);
}

/// The interpreter that the program headers name; empty for static programs and anything torn.
template <class FileHeader, class ProgramHeader>
std::optional<std::string> interpreter(int fd) {
  FileHeader file{};
  if (!read_at(fd, &file, sizeof file, 0)) return {};
  if (file.e_phentsize != sizeof(ProgramHeader)) return {};
  for (unsigned i = 0; i < file.e_phnum; ++i) {
    ProgramHeader program{};
    if (!read_at(fd, &program, sizeof program, file.e_phoff + i * sizeof program)) return {};
    if (program.p_type != PT_INTERP) continue;
    if (program.p_filesz < 2 || program.p_filesz > PATH_MAX) return {};
    std::string path(program.p_filesz, 0);
    if (!read_at(fd, path.data(), path.size(), program.p_offset)) return {};
    return path.c_str();  // It carries its own NUL.
  }
  return {};
}

std::optional<std::string> interpreter_of(int fd) {
  std::array<unsigned char, EI_NIDENT> ident{};
  if (!read_at(fd, ident.data(), ident.size(), 0)) return {};
  constexpr auto kNativeData = __BYTE_ORDER == __LITTLE_ENDIAN ? ELFDATA2LSB : ELFDATA2MSB;
  if (std::memcmp(ident.data(), ELFMAG, SELFMAG) != 0 || ident[EI_DATA] != kNativeData) return {};
  return ident[EI_CLASS] == ELFCLASS32 ? interpreter<Elf32_Ehdr, Elf32_Phdr>(fd)
                                       : interpreter<Elf64_Ehdr, Elf64_Phdr>(fd);
}

/// `path` resolved as a program inside the tree would see it, links included.
bool exists_inside(int rootfs_fd, const std::string& path) {
  open_how how{};
  how.flags = O_PATH | O_CLOEXEC;
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
  const Fd found{
      static_cast<int>(::syscall(SYS_openat2, rootfs_fd, path.c_str(), &how, sizeof how))};
  return static_cast<bool>(found);
}

/// What one file says about the libraries that its image needs.
void look_at_program(int rootfs_fd, int dir_fd, const std::string& name, ImageLibraries& found) {
  const Fd program{::openat(dir_fd, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)};
  struct stat status {};
  if (!program || ::fstat(program.get(), &status) != 0) return;
  if (!S_ISREG(status.st_mode) || (status.st_mode & 0111) == 0) return;
  const auto path = interpreter_of(program.get());
  if (path) (exists_inside(rootfs_fd, *path) ? found.own : found.of_host) = true;
}

/// Makes `name` a directory; true when it is one now, also through nobody's link.
Result<bool> make_directory(int parent_fd, const std::string& name) {
  if (::mkdirat(parent_fd, name.c_str(), 0755) == 0) return true;
  if (errno != EEXIST) return fail(os_error("cannot make " + name + " in the image"));
  struct stat status {};
  if (::fstatat(parent_fd, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
    return fail(os_error("cannot stat " + name + " in the image"));
  }
  return S_ISDIR(status.st_mode);
}

/// One library directory, `name` below `parent_fd`; `host_path` is its original. What the image
/// already has under that name stays.
Status mirror_host_directory(int parent_fd, const std::string& name, const std::string& host_path) {
  struct stat status {};
  if (::lstat(host_path.c_str(), &status) != 0) return {};
  if (!S_ISLNK(status.st_mode)) {
    auto made = make_directory(parent_fd, name);
    if (!made) return fail(made.error());
    return {};
  }
  std::array<char, PATH_MAX> text{};
  if (::readlink(host_path.c_str(), text.data(), text.size() - 1) < 0) {
    return fail(os_error("cannot read the link " + host_path));
  }
  if (::symlinkat(text.data(), parent_fd, name.c_str()) != 0 && errno != EEXIST) {
    return fail(os_error("cannot make " + name + " in the image"));
  }
  return {};
}

Status mirror_host_libraries(int rootfs_fd) {
  auto usr_made = make_directory(rootfs_fd, "usr");
  if (!usr_made) return fail(usr_made.error());
  auto usr = open_directory_below(rootfs_fd, "usr", O_RDONLY);
  if (!usr) {
    return fail(ErrorKind::InvalidSpec, "usr in the image is not a directory",
                "make it one: the host's /usr/lib is shown below it");
  }
  for (const std::string path : kHostLibraryDirectories) {
    const bool below_usr = path.starts_with("usr/");
    auto mirrored = mirror_host_directory(below_usr ? usr->get() : rootfs_fd,
                                          below_usr ? path.substr(4) : path, "/" + path);
    if (!mirrored) return mirrored;
  }
  return {};
}

/// Sorted.
Result<std::vector<std::string>> top_level_names(int rootfs_fd) {
  auto entries = list_directory(rootfs_fd);
  if (!entries) return fail(entries.error());
  std::vector<std::string> names;
  for (auto& entry : *entries) names.push_back(std::move(entry.name));
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace

Result<ImageLibraries> image_libraries(int rootfs_fd) {
  ImageLibraries found;
  DirStack stack(rootfs_fd);
  std::vector<std::vector<DirEntry>> pending;
  auto entries = list_directory(rootfs_fd);
  if (!entries) return fail(entries.error());
  pending.push_back(std::move(*entries));
  while (!pending.empty()) {
    if (pending.back().empty()) {
      pending.pop_back();
      if (pending.empty()) break;
      if (auto up = stack.leave(); !up) return fail(up.error());
      continue;
    }
    const DirEntry entry = std::move(pending.back().back());
    pending.back().pop_back();
    auto directory = entry.type == DT_DIR || entry.type == DT_UNKNOWN
                         ? open_directory_below(stack.top(), entry.name, O_RDONLY)
                         : Result<Fd>(Fd{});
    if (directory && *directory) {
      auto below = list_directory(directory->get());
      if (!below) return fail(below.error());
      if (auto down = stack.enter(std::move(*directory), entry.name); !down) {
        return fail(down.error());
      }
      pending.push_back(std::move(*below));
    } else if (entry.type != DT_DIR) {
      look_at_program(rootfs_fd, stack.top(), entry.name, found);
      if (found.of_host) break;  // native, whatever else it holds
    }
  }
  return found;
}

Result<std::vector<std::string>> add_mount_points(int rootfs_fd, bool native) {
  const auto before = top_level_names(rootfs_fd);
  if (!before) return fail(before.error());
  for (const std::string name : {"proc", "dev", "tmp", "etc"}) {
    auto is_directory = make_directory(rootfs_fd, name);
    if (!is_directory) return fail(is_directory.error());
    if (!*is_directory) {
      return fail(ErrorKind::InvalidSpec, name + " in the image is not a directory",
                  "make it one: ringfort mounts on it, and a link would lead it elsewhere");
    }
  }
  if (native) {
    if (auto mirrored = mirror_host_libraries(rootfs_fd); !mirrored) return fail(mirrored.error());
  }
  const auto after = top_level_names(rootfs_fd);
  if (!after) return fail(after.error());
  std::vector<std::string> added;
  std::set_difference(after->begin(), after->end(), before->begin(), before->end(),
                      std::back_inserter(added));
  return added;
}

}  // namespace ringfort::platform
