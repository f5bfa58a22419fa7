#include "ringfort/cli/bench/workplace.hpp"

#include "ringfort/platform/fd.hpp"

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <utility>

#include <fcntl.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statfs.h>

// Made by ringfort_embed_program (cmake/layers.cmake).
extern "C" const char ringfort_noop_begin[], ringfort_noop_end[];
extern "C" const char ringfort_stamp_begin[], ringfort_stamp_end[];

namespace ringfort::cli {
namespace {

namespace fs = std::filesystem;
using platform::Fd;
using platform::os_error;

constexpr std::array<std::pair<unsigned long, const char*>, 6> kFileSystems{{
    {EXT4_SUPER_MAGIC, "ext4"},
    {TMPFS_MAGIC, "tmpfs"},
    {BTRFS_SUPER_MAGIC, "btrfs"},
    {XFS_SUPER_MAGIC, "xfs"},
    {OVERLAYFS_SUPER_MAGIC, "overlayfs"},
    {0x2fc12fc1, "zfs"},  // in no header of the kernel's
}};

Status make_directory(const std::string& path) {
  // The umask may close it for containers of root, which have uids of their own.
  if (::mkdir(path.c_str(), 0755) != 0 || ::chmod(path.c_str(), 0755) != 0)
    return fail(os_error("cannot make " + path));
  return {};
}

}  // namespace

std::string_view noop_program() {
  return {ringfort_noop_begin, static_cast<std::size_t>(ringfort_noop_end - ringfort_noop_begin)};
}

std::string_view stamp_program() {
  return {ringfort_stamp_begin,
          static_cast<std::size_t>(ringfort_stamp_end - ringfort_stamp_begin)};
}

Result<Workplace> Workplace::make(const std::string& base) {
  const char* variable = std::getenv("TMPDIR");
  const std::string elsewhere = variable != nullptr && *variable != '\0' ? variable : "/tmp";
  std::error_code error;
  const auto folder = fs::absolute(base.empty() ? elsewhere : base, error);
  if (!base.empty()) fs::create_directories(folder, error);
  auto path = (folder / "ringfort-bench-XXXXXX").string();
  if (::mkdtemp(path.data()) == nullptr)
    return fail(os_error("cannot make a directory in " + folder.string(),
                         "name one that can be written with --data-dir"));
  Workplace place{std::move(path)};
  if (auto filled = place.fill(); !filled) return fail(filled.error());
  return place;
}

Workplace::Workplace(Workplace&& other) noexcept
    : path_(std::exchange(other.path_, {})), is_kept_(other.is_kept_) {}

Workplace::~Workplace() {
  std::error_code ignored;
  if (!path_.empty() && !is_kept_) fs::remove_all(path_, ignored);
}

Status Workplace::fill() const {
  if (::chmod(path_.c_str(), 0755) != 0) return fail(os_error("cannot open up " + path_));
  for (const auto* folder : {"/root", "/root/proc", "/root/dev", "/root/tmp"})
    if (auto made = make_directory(path_ + folder); !made) return made;
  for (const auto& [name, program] :
       {std::pair{"noop", noop_program()}, std::pair{"stamp", stamp_program()}}) {
    if (auto made = make_directory(image(name)); !made) return made;
    for (const auto& folder : {image(name), path_ + "/root"})
      if (auto written = write_text_file(folder + "/" + name, program, 0755); !written)
        return written;
  }
  return {};
}

std::string file_system_of(const std::string& path) {
  struct statfs status {};
  if (::statfs(path.c_str(), &status) != 0) return "unknown";
  const auto type = static_cast<unsigned long>(static_cast<std::uint32_t>(status.f_type));
  for (const auto& [magic, name] : kFileSystems)
    if (magic == type) return name;
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "file system %#lx", type);
  return text.data();
}

Status write_text_file(const std::string& path, std::string_view text, unsigned mode) {
  const Fd file{::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode)};
  if (!file) return fail(os_error("cannot write " + path));
  if (::fchmod(file.get(), mode) != 0) return fail(os_error("cannot write " + path));
  return platform::write_all(file.get(), text, path);
}

}  // namespace ringfort::cli
