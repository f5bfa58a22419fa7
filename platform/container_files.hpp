// The files of one runtime and of its containers: made, opened for a start, thrown away, recycled.
// Everything here may block: call it from a worker, never from an event-based actor, but for
// is_overtaken. Thread-safe.
#pragma once

#include "ringfort/platform/fd.hpp"
#include "ringfort/platform/image_store.hpp"
#include "ringfort/platform/mount_points.hpp"
#include "ringfort/platform/port_table.hpp"
#include "ringfort/specs/names.hpp"
#include "ringfort/specs/run_options.hpp"
#include "ringfort/specs/status.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

namespace ringfort::platform {

/// Descriptors a shim needs for one run, all close-on-exec. Invalid where Durability::None has
/// none.
struct RunFiles {
  Fd stdout_log;     ///< containers/<id>/stdout.log, O_APPEND
  Fd stderr_log;     ///< containers/<id>/stderr.log, O_APPEND
  Fd log_index;      ///< state/<id>/log.idx, O_APPEND
  Fd log_dir;        ///< containers/<id>
  Fd log_index_dir;  ///< state/<id>
  /// state/<id>/exit and state/<id>/shim with what the last run left in them: until the next shim
  /// has overwritten its own, the container is what it was. Which run each is of its cookie tells.
  Fd exit_record;
  Fd shim_record;  ///< locked (flock), and by this descriptor as long as the shim lives
  Fd pid_file;     ///< containers/<id>/pid, truncated
  /// state/<id>/sock: a listening, non-blocking SOCK_SEQPACKET unix socket, mode 0600. This process
  /// may keep a second descriptor of it for the next container, so a connection to a dead shim can
  /// wait without an answer: look at the lock on state/<id>/shim first.
  Fd listener;
};

struct NewContainer {
  ContainerId id;
  std::optional<Image> image;  ///< empty = the host's directories: rootfs/ stays empty
  bool overlay = false;        ///< the image is not cloned: it will lie under an overlay
  MountPointUse mount_points;
  std::string config_json;  ///< content of config.json
  std::string seatbelt;     ///< content of sandbox.sb
  std::string record;       ///< content of state/<id>/record
  Durability durability = Durability::Process;
  bool replace = true;  ///< a dead owner's container of that name may be thrown away...
  std::string origin;   ///< ...if its record names this origin
  /// Of rootfs/, tmp/ and anonymous volumes (root runtimes); empty = the caller.
  std::optional<uid_t> owner;
  std::vector<std::string> named_volumes;      ///< below volumes/: made where they are not there
  std::vector<std::string> anonymous_volumes;  ///< names in the container's directory
};

/// `<data_dir>/volumes/<name>`
struct VolumeOnDisk {
  std::string name;
  std::uint64_t bytes = 0;
};

class ContainerFiles {
 public:
  /// Makes data_dir (0711 for root, 0700 otherwise) and containers, images, state, state/owners,
  /// .staging, .trash below it, and takes this runtime's own owner lock `state/owners/<nonce>`.
  /// Errors: Io naming the path and `--data-dir`.
  static Result<std::shared_ptr<ContainerFiles>> open(const std::string& data_dir);
  virtual ~ContainerFiles() = default;

  virtual const std::string& data_dir() const = 0;
  virtual const std::string& owner_nonce() const = 0;

  /// Had a runtime on this directory been killed, when this one was opened?
  virtual bool found_dead_owner() const = 0;
  virtual ImageStore& images() = 0;

  /// `<data_dir>/containers/<id>`
  virtual std::string container_dir(const ContainerId& id) const = 0;

  /// Is `id` held by a live owner (this one or another), or by a shim that outlived its owner?
  /// Reads state/<id>/record's first line ("owner <nonce>"; without state the link
  /// containers/<id>/.owner) and tries that owner's lock, then that of the shim.
  virtual bool held_by_live_owner(const ContainerId& id) const = 0;

  /// The same without the shim: is there a runtime that knows it?
  virtual bool has_live_owner(const ContainerId& id) const = 0;

  /// Builds the container's directories in .staging (recycled ones where there are any), clones the
  /// image, writes the files, renames into place; a dead leftover of that name goes to .trash
  /// first. Whatever fails leaves nothing behind. Errors: Conflict when a live owner holds the id,
  /// CreateFailed (full disk and so on: path and errno text).
  /// Layout: containers/<id>/{config.json,sandbox.sb,pid(absent until start),rootfs/,tmp/,
  /// stdout.log,stderr.log} and state/<id>/{record,shim,exit,log.idx,sock}; with Durability::None
  /// only containers/<id>/{.owner,rootfs/,tmp/} (rootfs only with an image) and no state directory.
  /// Named volumes lie in volumes/<name>, belong to the caller, and stay.
  virtual Status create(const NewContainer& what) = 0;

  /// Every container that has a record, whoever's it is.
  virtual Result<std::vector<ContainerId>> recorded() const = 0;

  /// The text of state/<id>/record. Error: NotFound when there is none.
  virtual Result<std::string> read_record(const ContainerId& id) const = 0;

  /// Does the runtime with this nonce live (here or elsewhere)?
  virtual bool is_alive(const std::string& owner) const = 0;

  /// Makes a dead owner's container ours: `text` (whose owner is this one) becomes its record.
  /// Error: Conflict when its owner lives; of two who try at once one succeeds.
  virtual Status take_over(const ContainerId& id, const std::string& text,
                           Durability durability) = 0;

  /// Has somebody else removed the container of this name that is ours, or said that it is to be
  /// removed, or made another? In doubt not. Three system calls, on a few bytes that this process
  /// has written or read itself: an event-based actor may ask.
  virtual bool is_overtaken(const ContainerId& id) const = 0;

  /// Replaces the record of a container that is ours. Errors: Conflict when it is not; Io.
  virtual Status rewrite(const ContainerId& id, const std::string& text, Durability durability) = 0;

  /// Opens what a shim needs. Logs are appended to, pid is truncated. Errors: Conflict when a shim
  /// lives or somebody else is starting one; NotFound when the container was removed meanwhile.
  virtual Result<RunFiles> open_for_run(const ContainerId& id, Durability durability) = 0;

  /// Removes the container's directories: rename out of sight, then delete what a guest could write
  /// and recycle what only we wrote. Idempotent: absent = ok. Returns when the names are free; the
  /// rest goes on in the background, or on the caller's thread when much is waiting. A create that
  /// finds the disk full waits for it and tries once more. Error: NotFound when somebody else has
  /// removed it and the name is another container's by now, which is left alone.
  virtual Status discard(const ContainerId& id, Durability durability) = 0;

  /// The same for a container that this runtime has only found: others may be at it, too.
  /// `created_at` is what was found in its record; empty for one whose record can't be read.
  /// Errors: Conflict when its shim lives, or is being started; NotFound as above.
  virtual Status discard_found(const ContainerId& id, Durability durability,
                               std::optional<WallTime> created_at) = 0;

  /// From now on the container is to be removed, also if this process dies before it is done. One
  /// of its name that was created at another time is left alone.
  virtual Status mark_leaving(const ContainerId& id, Durability durability,
                              WallTime created_at) = 0;

  /// False for one whose removal was cut short: it has a record and no directory any more.
  virtual bool has_directory(const ContainerId& id) const = 0;

  /// Is its root an overlay over its image?
  virtual bool has_overlay(const ContainerId& id) const = 0;

  /// Ports of containers that have a record, also while nobody holds them.
  virtual PortTable& ports() = 0;

  /// Sorted by name.
  virtual Result<std::vector<VolumeOnDisk>> volumes() = 0;

  /// Moves a named volume out of sight and deletes it in the background, if `is_free` agrees while
  /// nobody makes a container with volumes. Error: NotFound.
  virtual Status remove_volume(const std::string& name, const std::function<Status()>& is_free) = 0;

  /// Waits until nothing is left to delete in the background (used by destructors and leak checks).
  virtual void drain() = 0;
};

}  // namespace ringfort::platform
