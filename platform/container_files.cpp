#include "ringfort/platform/container_files.hpp"

#include "ringfort/platform/container_halves.hpp"
#include "ringfort/platform/contested_removal.hpp"
#include "ringfort/platform/data_directory.hpp"
#include "ringfort/platform/linux/dir_stack.hpp"
#include "ringfort/platform/listener.hpp"
#include "ringfort/platform/name_claims.hpp"
#include "ringfort/platform/overlay_files.hpp"
#include "ringfort/platform/owner_lock.hpp"
#include "ringfort/platform/policy.hpp"
#include "ringfort/platform/record_files.hpp"
#include "ringfort/platform/rootfs.hpp"
#include "ringfort/specs/grammar.hpp"

#include <algorithm>
#include <cerrno>
#include <mutex>
#include <unordered_map>
#include <utility>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

namespace ringfort::platform {
namespace {

constexpr int kDirectory = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
// So many listeners stay open here to be used again; those beyond belong to their shims alone, as
// ten thousand containers must fit under one process's limit of descriptors.
constexpr std::size_t kMaxListeners = 512;

/// What is remembered of a container that exists.
struct Existing {
  unsigned uses = 0;  ///< of its container directory
  std::vector<MountPoint> points;
  Fd listener;  ///< invalid without state, or given to the shim for good
  HeldImage image;
};

class Files final : public ContainerFiles {
 public:
  Files(DataDirectory data, OwnerLock owner, ImageStore images)
      : data_(std::move(data)),
        owner_(std::move(owner)),
        images_(std::move(images)),
        pool_(data_.staging.get(), data_.trash.get(), owner_.nonce(), data_.container_mode),
        names_(data_, owner_.nonce(), pool_),
        ports_(data_.root.get()) {
    auto left = data_.take_over_leftovers(owner_.nonce());
    found_dead_owner_ = left.any_owner_died;
    for (auto& name : left.in_trash) pool_.delete_from_trash(std::move(name));
  }

  const std::string& data_dir() const override { return data_.path; }
  const std::string& owner_nonce() const override { return owner_.nonce(); }
  bool found_dead_owner() const override { return found_dead_owner_; }
  ImageStore& images() override { return images_; }
  std::string container_dir(const ContainerId& id) const override {
    return data_.path + "/containers/" + id.str();
  }

  bool held_by_live_owner(const ContainerId& id) const override { return names_.is_held(id.str()); }

  bool has_live_owner(const ContainerId& id) const override {
    return names_.has_live_owner(id.str());
  }
  Status create(const NewContainer& what) override;
  Result<std::vector<ContainerId>> recorded() const override {
    return recorded_containers(data_.state.get());
  }
  Result<std::string> read_record(const ContainerId& id) const override {
    return read_container_record(data_.state.get(), id);
  }
  bool is_alive(const std::string& owner) const override { return names_.is_alive(owner); }
  Status take_over(const ContainerId& id, const std::string& text, Durability durability) override {
    // What is remembered under this name may be of one that others have removed.
    if (is_overtaken(id)) (void)forget(id.str());
    return take_over_record({data_.state.get(), data_.owners.get()}, id, owner_.nonce(), text,
                            durability == Durability::Full);
  }
  bool is_overtaken(const ContainerId& id) const override {
    return platform::is_overtaken(data_.state.get(), id, owner_.nonce());
  }
  Status rewrite(const ContainerId& id, const std::string& text, Durability durability) override {
    return rewrite_record({data_.state.get(), data_.owners.get()}, id, owner_.nonce(), text,
                          durability == Durability::Full);
  }
  Result<RunFiles> open_for_run(const ContainerId& id, Durability durability) override;
  Status discard(const ContainerId& id, Durability durability) override;
  Status discard_found(const ContainerId& id, Durability durability,
                       std::optional<WallTime> created_at) override {
    Status gone = check(id);
    if (gone)
      gone = remove_contested({data_.containers.get(), data_.state.get(), data_.staging.get()},
                              pool_, id, created_at);
    return gone && durability == Durability::Full ? sync_names() : gone;
  }
  Status mark_leaving(const ContainerId& id, Durability durability, WallTime created_at) override {
    return platform::mark_leaving(data_.state.get(), id, created_at,
                                  durability == Durability::Full);
  }
  bool has_directory(const ContainerId& id) const override {
    struct stat status {};
    return ::fstatat(data_.containers.get(), id.str().c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0 ||
           errno != ENOENT;
  }
  bool has_overlay(const ContainerId& id) const override {
    const auto path = id.str() + "/" + kOverlayName;
    return ::faccessat(data_.containers.get(), path.c_str(), F_OK, AT_SYMLINK_NOFOLLOW) == 0;
  }
  PortTable& ports() override { return ports_; }
  Result<std::vector<VolumeOnDisk>> volumes() override;
  Status remove_volume(const std::string& name, const std::function<Status()>& is_free) override;
  void drain() override { pool_.drain(); }

 private:
  struct Staged {
    Half container;
    std::optional<Half> state;
    HeldImage image;  ///< under an overlay
  };

  Result<Staged> stage(const NewContainer& what);
  Status fill(const NewContainer& what, Staged& staged);
  Result<Fd> make_named_volumes(const NewContainer& what) const;
  Status clone_image(const NewContainer& what, int dir_fd, std::vector<MountPoint>& points);
  Status commit(Staged& staged, const std::string& id, const Replaceable& what);
  void give_back(Staged staged);

  Status reserve(const std::string& name, int state_fd, int shim_fd) const;
  Status check_ours(const std::string& name, int state_fd) const;
  Status take_away(int parent_fd, const std::string& id, Half half);
  Status sync_names() const;
  Result<Fd> listener_for(const std::string& id, int state_fd);
  void remember(Staged& staged, const std::string& id);
  Existing forget(const std::string& id);

  DataDirectory data_;
  OwnerLock owner_;
  ImageStore images_;
  HalfPool pool_;
  NameClaims names_;
  PortTable ports_;
  HeldImages held_images_;
  bool found_dead_owner_ = false;
  std::mutex mutex_;
  std::unordered_map<std::string, Existing> existing_;
  std::size_t listeners_ = 0;  ///< of `existing_`, still open here
};

Result<Fd> open_below(int parent_fd, const std::string& name, int flags, mode_t mode = 0) {
  Fd fd{::openat(parent_fd, name.c_str(), flags | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, mode)};
  if (!fd) return fail(os_error("cannot open " + name));
  return fd;
}

Status make_guest_directory(int dir_fd, const std::string& name, std::optional<uid_t> owner) {
  if (::mkdirat(dir_fd, name.c_str(), 0700) != 0) return fail(os_error("cannot make " + name));
  if (owner && ::fchownat(dir_fd, name.c_str(), *owner, *owner, AT_SYMLINK_NOFOLLOW) != 0) {
    return fail(os_error("cannot give away " + name));
  }
  return {};
}

/// Made at the first need: most runtimes have none. Nobody else may pass through it, so that what a
/// program leaves there, a setuid bit say, is out of reach of the machine's other users.
Result<Fd> open_volumes(int root_fd) {
  if (::mkdirat(root_fd, "volumes", 0700) != 0 && errno != EEXIST)
    return fail(os_error("cannot make volumes"));
  auto volumes = open_directory_below(root_fd, "volumes", O_RDONLY);
  struct stat status {};
  const bool is_open = volumes && ::fstat(volumes->get(), &status) == 0 && (status.st_mode & 077);
  if (is_open && ::fchmod(volumes->get(), 0700) != 0)
    return fail(os_error("cannot close volumes to others"));
  return volumes;
}

/// Only when there is something in it: ext4 starts writing out at close(2) what was written after a
/// truncation to nothing, and truncating an empty file counts as one ("auto_da_alloc", ext4(5)).
Status empty_file(int fd) {
  struct stat status {};
  if (::fstat(fd, &status) != 0 || (status.st_size > 0 && ::ftruncate(fd, 0) != 0)) {
    return fail(os_error("cannot truncate a record"));
  }
  return {};
}

Status sync(int fd) {
  if (::fsync(fd) != 0) return fail(os_error("cannot sync"));
  return {};
}

// ------------------------------------------------------------------------------------- create

Status Files::create(const NewContainer& what) {
  if (auto valid = check(what.id); !valid) return valid;
  const auto id = what.id.str();
  auto in_words = [&](Error error) -> Status {
    if (error.os_errno == ENOSPC || error.os_errno == EDQUOT) {
      error.hint = "make room on this disk, or choose another --data-dir";
    }
    if (error.kind != ErrorKind::Conflict) {
      error.kind = ErrorKind::CreateFailed;
      error.what = container_dir(what.id) + ": " + error.what;
    }
    error.container = id;
    return fail(std::move(error));
  };
  if (held_by_live_owner(what.id)) {
    return in_words({ErrorKind::Conflict,
                     "a container of this name exists",
                     "remove it first, or choose another name",
                     {},
                     EEXIST});
  }
  // Locked until the record that names them is there, so that no removal comes between.
  const auto volumes = make_named_volumes(what);
  if (!volumes) return in_words(volumes.error());
  auto staged = stage(what);
  if (!staged && (staged.error().os_errno == ENOSPC || staged.error().os_errno == EDQUOT)) {
    // What was discarded a moment ago may still be on its way out.
    pool_.drain();
    staged = stage(what);
  }
  if (!staged) return in_words(staged.error());
  auto committed = commit(*staged, id, {what.replace, what.origin});
  if (committed && what.durability == Durability::Full) {
    committed = sync_names();
    if (!committed) (void)discard(what.id, what.durability);
  }
  if (!committed) return in_words(committed.error());
  return {};
}

/// The directory around them, locked against removals. At Durability::Full the sync of what is
/// staged takes them along.
Result<Fd> Files::make_named_volumes(const NewContainer& what) const {
  if (what.named_volumes.empty()) return Fd{};
  auto volumes = open_volumes(data_.root.get());
  if (!volumes) return volumes;
  if (again_after_signal([&] { return ::flock(volumes->get(), LOCK_SH); }) != 0)
    return fail(os_error("cannot lock volumes"));
  for (const auto& name : what.named_volumes) {
    if (::mkdirat(volumes->get(), name.c_str(), 0700) != 0 && errno != EEXIST)
      return fail(os_error("cannot make the volume " + name));
    const auto volume = open_directory_below(volumes->get(), name, O_RDONLY);
    if (!volume) return fail(volume.error());
  }
  return volumes;
}

Result<Files::Staged> Files::stage(const NewContainer& what) {
  const bool durable = what.durability != Durability::None;
  auto container = pool_.take(durable ? HalfKind::Full : HalfKind::Bare);
  if (!container) return fail(container.error());
  Staged staged{std::move(*container), {}, {}};
  Status filled = fill(what, staged);
  if (filled && durable) {
    auto state = pool_.take(HalfKind::State);
    if (!state) {
      filled = fail(state.error());
    } else {
      staged.state = std::move(*state);
      auto dir = open_directory_below(data_.staging.get(), staged.state->name, O_RDONLY);
      filled = dir ? overwrite_file(dir->get(), "record", what.record) : fail(dir.error());
    }
  }
  if (filled && what.durability == Durability::Full && ::syncfs(data_.root.get()) != 0) {
    filled = fail(os_error("cannot sync"));
  }
  if (filled) return staged;
  give_back(std::move(staged));
  return fail(filled.error());
}

Status Files::fill(const NewContainer& what, Staged& staged) {
  auto& container = staged.container;
  auto dir = open_directory_below(data_.staging.get(), container.name, O_RDONLY);
  if (!dir) return fail(dir.error());
  if (container.kind == HalfKind::Full) {
    auto written = overwrite_file(dir->get(), "config.json", what.config_json);
    if (written) written = overwrite_file(dir->get(), "sandbox.sb", what.seatbelt);
    if (!written) return written;
  }
  if (auto made = make_guest_directory(dir->get(), "tmp", what.owner); !made) return made;
  for (const auto& volume : what.anonymous_volumes)
    if (auto made = make_guest_directory(dir->get(), volume, what.owner); !made) return made;
  if (what.image && what.overlay) {
    auto held = held_images_.hold(*what.image);
    if (!held) return fail(std::move(held.error()));
    staged.image = std::move(*held);
    return make_overlay_directories(dir->get(), *what.image, what.owner);
  }
  if (what.image) return clone_image(what, dir->get(), container.points);
  if (container.kind == HalfKind::Bare) return {};
  return make_guest_directory(dir->get(), "rootfs", what.owner);
}

Status Files::clone_image(const NewContainer& what, int dir_fd, std::vector<MountPoint>& points) {
  const auto& image = *what.image;
  const Fd source{::open(image.rootfs.c_str(), kDirectory)};
  struct stat opened {};
  struct stat named {};
  // Removal waits for this lock before it deletes; whoever lost that race finds the name gone.
  if (!source || ::flock(source.get(), LOCK_SH) != 0 || ::fstat(source.get(), &opened) != 0 ||
      ::stat(image.rootfs.c_str(), &named) != 0 || opened.st_ino != named.st_ino) {
    return fail(os_error(ENOENT, "image '" + image.name + "': rootfs not found: " + image.rootfs,
                         "register it: ringfort image add NAME DIRECTORY"));
  }
  if (auto made = make_guest_directory(dir_fd, "rootfs", what.owner); !made) return made;
  auto target = open_directory_below(dir_fd, "rootfs", O_RDONLY);
  if (!target) return fail(target.error());
  CloneOptions options;
  options.owner_uid = what.owner;
  options.owner_gid = what.owner;
  options.leave_out = what.mount_points.left_out;
  for (const auto& name : what.mount_points.covered) {
    auto point = pool_.mount_points().put(target->get(), name);
    if (!point) return fail(point.error());
    points.push_back(std::move(*point));
    options.leave_out.push_back(name);
  }
  auto cloned = clone_tree(source.get(), target->get(), options);
  if (!cloned) return fail(cloned.error());
  return {};
}

Status Files::commit(Staged& staged, const std::string& id, const Replaceable& what) {
  Status claimed = staged.state ? names_.claim(*staged.state, id, what) : Status{};
  if (!claimed) {
    give_back(std::move(staged));
    return claimed;
  }
  claimed = names_.claim(staged.container, id, what);
  if (claimed) {
    remember(staged, id);
    return {};
  }
  if (staged.state) {
    (void)take_away(data_.state.get(), id, std::move(*staged.state));
    staged.state.reset();
  }
  give_back(std::move(staged));
  return claimed;
}

void Files::remember(Staged& staged, const std::string& id) {
  const std::lock_guard lock(mutex_);
  auto& existing = existing_[id];
  // It is known already when somebody else has removed the directories behind our back.
  if (existing.listener) --listeners_;
  existing.listener.reset();
  existing.uses = staged.container.uses;
  existing.points = std::move(staged.container.points);
  existing.image = std::move(staged.image);
  if (!staged.state) return;
  existing.listener = std::move(staged.state->listener);
  ++listeners_;
}

Existing Files::forget(const std::string& id) {
  const std::lock_guard lock(mutex_);
  auto found = existing_.extract(id);
  if (!found) return {};
  if (found.mapped().listener) --listeners_;
  return std::move(found.mapped());
}

void Files::give_back(Staged staged) {
  pool_.give_back(std::move(staged.container));
  if (staged.state) pool_.give_back(std::move(*staged.state));
}

// ------------------------------------------------------------------------------------ volumes

Result<std::vector<VolumeOnDisk>> Files::volumes() {
  std::vector<VolumeOnDisk> found;
  const auto directory = open_directory_below(data_.root.get(), "volumes", O_RDONLY);
  if (!directory && directory.error().kind == ErrorKind::NotFound) return found;
  if (!directory) return fail(directory.error());
  auto entries = list_directory(directory->get());
  if (!entries) return fail(entries.error());
  for (auto& entry : *entries)
    if (specs::is_storage_name(entry.name))
      found.push_back({entry.name, tree_bytes(directory->get(), entry.name)});
  std::ranges::sort(found, {}, &VolumeOnDisk::name);
  return found;
}

Status Files::remove_volume(const std::string& name, const std::function<Status()>& is_free) {
  const auto is_absent = [&name] {
    return fail(ErrorKind::NotFound, "there is no volume " + printable(name, 60),
                "see which there are: ringfort volume ls");
  };
  const auto directory = open_directory_below(data_.root.get(), "volumes", O_RDONLY);
  if (!directory && directory.error().kind != ErrorKind::NotFound) return fail(directory.error());
  struct stat status {};
  if (!directory || !specs::is_storage_name(name)) return is_absent();
  if (again_after_signal([&] { return ::flock(directory->get(), LOCK_EX); }) != 0)
    return fail(os_error("cannot lock volumes"));
  if (::fstatat(directory->get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0)
    return means_absent(errno) ? is_absent() : fail(os_error("cannot look at volume " + name));
  if (auto free = is_free(); !free) return free;
  if (auto gone = pool_.throw_away(directory->get(), name); !gone) return gone;
  return sync(directory->get());
}

// ----------------------------------------------------------------------------- run and discard

Result<RunFiles> Files::open_for_run(const ContainerId& id, Durability durability) {
  RunFiles files;
  if (durability == Durability::None) return files;
  const auto name = id.str();
  auto in_words = [&](Error error) {
    error.what = container_dir(id) + ": " + error.what;
    error.container = name;
    return fail(std::move(error));
  };
  auto container = open_directory_below(data_.containers.get(), name, O_RDONLY);
  if (!container) return in_words(container.error());
  auto state = open_directory_below(data_.state.get(), name, O_RDONLY);
  if (!state) return in_words(state.error());

  Status opened;
  auto open_into = [&](Fd& target, int dir_fd, const char* file, int flags) {
    if (!opened) return;
    auto fd = open_below(dir_fd, file, flags | O_CREAT, 0600);
    if (fd) target = std::move(*fd);
    if (!fd) opened = fail(fd.error());
  };
  open_into(files.stdout_log, container->get(), "stdout.log", O_WRONLY | O_APPEND);
  open_into(files.stderr_log, container->get(), "stderr.log", O_WRONLY | O_APPEND);
  open_into(files.log_index, state->get(), "log.idx", O_WRONLY | O_APPEND);
  open_into(files.exit_record, state->get(), "exit", O_WRONLY);
  open_into(files.shim_record, state->get(), "shim", O_RDWR);
  if (opened) opened = reserve(name, state->get(), files.shim_record.get());
  // `pid` exists from the first start on; until then its inode waits under another name.
  if (opened &&
      ::renameat2(container->get(), ".pid", container->get(), "pid", RENAME_NOREPLACE) != 0 &&
      errno != ENOENT && errno != EEXIST) {
    opened = fail(os_error("cannot rename .pid"));
  }
  open_into(files.pid_file, container->get(), "pid", O_WRONLY);
  if (opened) opened = empty_file(files.pid_file.get());
  if (!opened) return in_words(opened.error());
  auto listener = listener_for(name, state->get());
  if (!listener) return in_words(listener.error());
  files.listener = std::move(*listener);
  files.log_dir = std::move(*container);
  files.log_index_dir = std::move(*state);
  return files;
}

/// The lock that the shim will hold is taken here already, on the descriptor that the shim gets: of
/// two who start a container one is refused, and who removes it sees that somebody starts it.
/// Whoever took the directory out of sight before that is noticed afterwards.
Status Files::reserve(const std::string& name, int state_fd, int shim_fd) const {
  if (!take_lock(shim_fd)) {
    if (errno != EWOULDBLOCK) return fail(os_error("cannot lock its shim's record"));
    if (const Status ours = check_ours(name, state_fd); !ours) return ours;
    return fail(ErrorKind::Conflict, "somebody else is starting it, or it runs already",
                "ask for its state");
  }
  return check_ours(name, state_fd);
}

/// A live owner's container may be removed by others, and the name given to a new one.
Status Files::check_ours(const std::string& name, int state_fd) const {
  const auto owner = owner_of_record(state_fd);
  if (!owner) return fail(owner.error());
  if (*owner == owner_.nonce() && is_still_named(state_fd, data_.state.get(), name)) return {};
  return fail(ErrorKind::NotFound, "somebody else has removed it", "create it again");
}

Result<Fd> Files::listener_for(const std::string& id, int state_fd) {
  const std::lock_guard lock(mutex_);
  const auto found = existing_.find(id);
  if (found == existing_.end() || !found->second.listener) return listen_below(state_fd);
  auto& listener = found->second.listener;
  if (listeners_ > kMaxListeners) {
    --listeners_;
    return std::move(listener);
  }
  drop_waiting(listener.get());
  Fd copy{::fcntl(listener.get(), F_DUPFD_CLOEXEC, 3)};
  if (!copy) return fail(os_error("cannot copy a descriptor"));
  return copy;
}

Status Files::discard(const ContainerId& id, Durability durability) {
  const auto name = id.str();
  if (auto valid = check(id); !valid) return valid;
  auto existing = forget(name);
  const bool durable = durability != Durability::None;
  Fd state;  // locked: nobody else removes it from here on
  if (durable) {
    state = Fd{::openat(data_.state.get(), name.c_str(), kDirectory | O_NOFOLLOW)};
    if (state && again_after_signal([&] { return ::flock(state.get(), LOCK_EX); }) != 0)
      return fail(os_error("cannot lock its state"));
    if (!state && !means_absent(errno)) return fail(os_error("cannot open its state"));
    const Status ours = state ? check_ours(name, state.get()) : Status{};
    if (!ours) return ours;
  }
  auto gone = take_away(data_.containers.get(), name,
                        {durable ? HalfKind::Full : HalfKind::Bare,
                         {},
                         existing.uses,
                         {},
                         std::move(existing.points)});
  if (gone && durable) {
    gone = take_away(data_.state.get(), name,
                     {HalfKind::State, {}, 0, std::move(existing.listener), {}});
  }
  // A name that came back after a power cut would be one that was said to be gone.
  if (gone && durability == Durability::Full) gone = sync_names();
  if (!gone) gone.error().container = name;
  return gone;
}

/// What was renamed there, or away from there, is so after a power cut.
Status Files::sync_names() const {
  auto synced = sync(data_.state.get());
  return synced ? sync(data_.containers.get()) : synced;
}

/// Takes a container's directory out of sight and gives it back to the pool. Absent = done.
Status Files::take_away(int parent_fd, const std::string& id, Half half) {
  half.name = pool_.new_name();
  if (::renameat(parent_fd, id.c_str(), data_.staging.get(), half.name.c_str()) != 0) {
    if (errno == ENOENT) return {};
    return fail(os_error("cannot move " + id + " out of sight"));
  }
  pool_.give_back(std::move(half));
  return {};
}

}  // namespace

Result<std::shared_ptr<ContainerFiles>> ContainerFiles::open(const std::string& data_dir) {
  auto data = DataDirectory::open(data_dir);
  if (!data) return fail(data.error());
  auto owner = OwnerLock::take(data->owners.get());
  if (!owner) return fail(owner.error());
  auto images = ImageStore::open(data->path + "/images", data->path + "/.staging", owner->nonce());
  if (!images) return fail(images.error());
  return std::make_shared<Files>(std::move(*data), std::move(*owner), std::move(*images));
}

}  // namespace ringfort::platform
