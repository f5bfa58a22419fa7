#include "ringfort/platform/image_store.hpp"

#include "ringfort/platform/linux/dir_stack.hpp"
#include "ringfort/platform/linux/image_tree.hpp"
#include "ringfort/platform/linux/random_name.hpp"
#include "ringfort/platform/overlay_files.hpp"
#include "ringfort/platform/rootfs.hpp"
#include "ringfort/specs/names.hpp"

#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <sstream>
#include <utility>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>

namespace ringfort::platform {
namespace {

constexpr int kDirectory = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
// The completion marker. The name comes last, so that none can look like the rest of it.
constexpr std::string_view kMarker = "image.json";
constexpr const char* kMarkerForm =
    "{\"bytes\": %llu, \"native\": %5[a-z], \"own_libraries\": %5[a-z], "
    "\"mount_points\": \"%63[a-z0-9 ]";
constexpr std::string_view kFilesKey = "\"files\": ";

std::string quote(std::string_view name) { return "'" + printable(name) + "'"; }

Error not_found(std::string_view name, const std::string& rootfs) {
  return Error{ErrorKind::NotFound,
               "image " + quote(name) + ": rootfs not found: " + rootfs,
               "register one: ringfort image add NAME DIRECTORY",
               {},
               ENOENT};
}

std::string marker_text(const Image& image) {
  std::string escaped;
  for (const char c : image.name) {
    if (c == '"' || c == '\\') escaped += '\\';
    escaped += c;
  }
  std::string mount_points;
  for (const auto& name : image.mount_points) {
    mount_points += (mount_points.empty() ? "" : " ") + name;
  }
  return "{\"bytes\": " + std::to_string(image.bytes) +
         ", \"native\": " + (image.native ? "true" : "false") +
         ", \"own_libraries\": " + (image.own_libraries ? "true" : "false") +
         ", \"mount_points\": \"" + mount_points + "\", " + std::string(kFilesKey) +
         std::to_string(image.files) + ", \"name\": \"" + escaped + "\"}\n";
}

Status write_marker(int dir_fd, const Image& image) {
  const Fd marker{::openat(dir_fd, kMarker.data(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644)};
  const auto text = marker_text(image);
  if (!marker ||
      ::write(marker.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
    return fail(os_error("cannot write image.json"));
  }
  return {};
}

bool read_marker(int dir_fd, Image& image) {
  const Fd marker{::openat(dir_fd, kMarker.data(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC)};
  std::array<char, 256> text{};
  if (!marker || ::read(marker.get(), text.data(), text.size() - 1) <= 0) return false;
  unsigned long long bytes = 0;  // NOLINT(google-runtime-int): what sscanf fills
  std::array<char, 6> native{};
  std::array<char, 6> own{};
  std::array<char, 64> points{};
  // The last one may be empty, and then counts as not read.
  if (std::sscanf(text.data(), kMarkerForm, &bytes, native.data(), own.data(), points.data()) < 3) {
    return false;
  }
  std::istringstream names(points.data());
  for (std::string name; names >> name;) image.mount_points.push_back(name);
  // In a name the quotes would be escaped.
  const std::string_view whole(text.data());
  if (const auto at = whole.find(kFilesKey); at != whole.npos)
    image.files = std::strtoull(text.data() + at + kFilesKey.size(), nullptr, 10);
  image.bytes = bytes;
  image.native = std::string_view(native.data()) == "true";
  image.own_libraries = std::string_view(own.data()) == "true";
  return true;
}

/// Mounts inside the source are not copied; below these names nobody expects them to be.
bool may_be_empty(std::string_view path) {
  return path == "proc" || path == "sys" || path == "dev" || path == "tmp" || path == "run";
}

/// Fills the staged image directory `stage_fd` from `source_fd`; the marker is the last act.
Status build(int stage_fd, int source_fd, Image& image) {
  if (::mkdirat(stage_fd, "rootfs", 0700) != 0) return fail(os_error("cannot make rootfs"));
  auto rootfs = open_directory_below(stage_fd, "rootfs", O_RDONLY);
  if (!rootfs) return fail(rootfs.error());
  CloneOptions options;
  options.refuse_special = true;
  auto cloned = clone_tree(source_fd, rootfs->get(), options);
  if (!cloned) return fail(cloned.error());
  for (const auto& path : cloned->skipped_mounts) {
    if (may_be_empty(path)) continue;
    return fail(ErrorKind::InvalidSpec, path + " is a mount point; its content would be missing",
                "unmount it, or copy the tree first (cp -a)");
  }
  auto libraries = image_libraries(rootfs->get());
  if (!libraries) return fail(libraries.error());
  auto added = add_mount_points(rootfs->get(), libraries->of_host);
  if (!added) return fail(added.error());
  image.mount_points = std::move(*added);
  image.native = libraries->of_host;
  image.own_libraries = libraries->own && !libraries->of_host;
  image.bytes = cloned->bytes;
  image.files = cloned->files;
  return write_marker(stage_fd, image);
}

}  // namespace

Result<ImageStore> ImageStore::open(const std::string& images_dir, const std::string& staging_dir,
                                    std::string_view owner_nonce) {
  ImageStore store;
  store.images_dir_ = images_dir;
  store.owner_nonce_ = owner_nonce;
  store.images_ = Fd{::open(images_dir.c_str(), kDirectory)};
  if (!store.images_) return fail(os_error("cannot open " + images_dir));
  store.staging_ = Fd{::open(staging_dir.c_str(), kDirectory)};
  if (!store.staging_) return fail(os_error("cannot open " + staging_dir));
  return store;
}

Result<Image> ImageStore::add(std::string_view name, const std::string& source) {
  auto present = find(name);
  if (present || present.error().kind != ErrorKind::NotFound) return present;
  const Fd source_fd{::open(source.c_str(), kDirectory)};
  if (!source_fd) {
    return fail(os_error("cannot open the directory " + printable(source, 4096),
                         "name a directory that holds a root file system"));
  }
  const auto stage = staging_name();
  if (::mkdirat(staging_.get(), stage.c_str(), 0700) != 0) {
    return fail(os_error("cannot make a directory in " + images_dir_));
  }
  auto added = stage_and_commit(std::string(name), source_fd.get(), stage);
  if (!added || added->rootfs.empty()) (void)remove_tree(staging_.get(), stage);
  if (!added) {
    added.error().what = "image " + quote(name) + ": " + added.error().what;
    return added;
  }
  return find(name);
}

/// An empty `rootfs` in the answer: another registration of that name was faster.
Result<Image> ImageStore::stage_and_commit(std::string name, int source_fd,
                                           const std::string& stage) {
  auto stage_fd = open_directory_below(staging_.get(), stage, O_RDONLY);
  if (!stage_fd) return fail(stage_fd.error());
  Image image;
  image.name = std::move(name);
  if (auto built = build(stage_fd->get(), source_fd, image); !built) return fail(built.error());
  const auto directory = image_directory_name(image.name);
  if (!directory) return fail(directory.error());
  // An image is used for years and added once: after a power cut it is there and whole, or absent.
  if (::syncfs(staging_.get()) != 0) return fail(os_error("cannot sync"));
  for (int attempt = 0; attempt < 8; ++attempt) {
    if (::renameat2(staging_.get(), stage.c_str(), images_.get(), directory->c_str(),
                    RENAME_NOREPLACE) == 0) {
      if (::fsync(images_.get()) != 0) return fail(os_error("cannot sync " + images_dir_));
      image.rootfs = images_dir_ + "/" + *directory + "/rootfs";
      return image;
    }
    if (errno != EEXIST && errno != ENOTEMPTY) return fail(os_error("cannot rename into place"));
    if (find(image.name)) return image;
    // No marker: nothing that we completed. Such a directory is never shown, so it may go.
    const auto away = staging_name();
    if (::renameat(images_.get(), directory->c_str(), staging_.get(), away.c_str()) == 0) {
      (void)remove_tree(staging_.get(), away);
    }
  }
  return fail(ErrorKind::Conflict, "others keep writing " + images_dir_ + "/" + *directory);
}

Result<Image> ImageStore::find(std::string_view name) const {
  const auto directory = image_directory_name(name);
  if (!directory) return fail(directory.error());
  Image image;
  image.name = std::string(name);
  image.rootfs = images_dir_ + "/" + *directory + "/rootfs";
  const auto dir = open_directory_below(images_.get(), *directory, O_PATH);
  if (!dir || !read_marker(dir->get(), image)) return fail(not_found(name, image.rootfs));
  return image;
}

std::vector<Image> ImageStore::list() const {
  std::vector<Image> images;
  // An own descriptor: the position of a shared one would be shared among threads too.
  const Fd directory{::openat(images_.get(), ".", kDirectory)};
  auto entries = list_directory(directory.get());
  if (!entries) return images;
  for (const auto& entry : *entries) {
    const auto name = image_name_from_directory(entry.name);
    if (!name) continue;
    if (auto image = find(*name)) images.push_back(std::move(*image));
  }
  return images;
}

Status ImageStore::remove(std::string_view name, bool force,
                          const std::function<bool(std::string_view)>& in_use,
                          const std::function<Status(std::string_view)>& check_overlays) {
  const auto image = find(name);
  if (!image) return fail(image.error());
  if (!force && in_use && in_use(name)) {
    return fail(ErrorKind::InvalidSpec, "image " + quote(name) + " is in use by a container",
                "remove the container first, or pass --force");
  }
  const auto directory = image_directory_name(name);
  // Held until its name is gone: no overlay begins after this look.
  const auto held = open_directory_below(images_.get(), *directory, O_RDONLY);
  if (!held) return fail(not_found(name, image->rootfs));
  Status free = lock_out_overlays(held->get());
  if (free && check_overlays) free = check_overlays(name);
  if (!free) {
    free.error().what = "image " + quote(name) + ": " + free.error().what;
    return free;
  }
  const auto away = staging_name();
  if (::renameat(images_.get(), directory->c_str(), staging_.get(), away.c_str()) != 0) {
    if (errno == ENOENT) return fail(not_found(name, image->rootfs));
    return fail(os_error("cannot remove " + images_dir_ + "/" + *directory));
  }
  // Clones hold a shared lock while they read (container_files): each ends with a whole tree.
  const auto path = away + "/rootfs";
  const Fd rootfs{::openat(staging_.get(), path.c_str(), kDirectory | O_NOFOLLOW)};
  if (rootfs) ::flock(rootfs.get(), LOCK_EX);
  return remove_tree(staging_.get(), away);
}

Result<ImageStore::Pruned> ImageStore::prune(
    const std::function<bool(std::string_view)>& in_use,
    const std::function<Status(std::string_view)>& check_overlays) {
  Pruned pruned;
  for (const auto& image : list()) {
    if (in_use && in_use(image.name)) continue;
    auto removed = remove(image.name, false, in_use, check_overlays);
    if (!removed && (removed.error().kind == ErrorKind::NotFound ||
                     removed.error().kind == ErrorKind::InvalidSpec))
      continue;
    if (!removed) return fail(removed.error());
    pruned.names.push_back(image.name);
    pruned.bytes += image.bytes;
  }
  return pruned;
}

Status ImageStore::pull(std::string_view name, PullPolicy policy) const {
  const auto image = find(name);
  if (image && (policy == PullPolicy::IfNotPresent || policy == PullPolicy::Never)) return {};
  if (!image && image.error().kind != ErrorKind::NotFound) return fail(image.error());
  const std::string why = image ? "cannot be pulled anew" : "rootfs not found: " + image_path(name);
  return fail(ErrorKind::PullFailed,
              "image " + quote(name) + " " + why + ", there is no registry yet",
              "register a directory: ringfort image add NAME DIRECTORY");
}

std::string ImageStore::image_path(std::string_view name) const {
  return images_dir_ + "/" + image_directory_name(name).value_or("") + "/rootfs";
}

std::string ImageStore::staging_name() const {
  return owner_nonce_ + "." + random_name() + ".image";
}

}  // namespace ringfort::platform
