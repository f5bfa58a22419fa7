// What this machine offers, tried piece by piece, for `doctor`. Gathers; judges nothing.
#pragma once

#include "ringfort/platform/spawner.hpp"
#include "ringfort/specs/error.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace ringfort::platform {

/// errno of a trial in a throw-away child or on a throw-away file; 0 = it works.
using Trial = int;
/// No errno: the kernel took the rule, but what it should deny went through.
inline constexpr Trial kNotHeld = 1000;

/// A cgroup hierarchy that is mounted here, and what this process may do in it.
struct CgroupSurvey {
  int version = 2;
  std::string directory;  ///< where a container's cgroup would be made
  Trial make = 0;         ///< a directory in it
  /// Controllers whose files in that new directory could be opened for writing.
  std::vector<std::string> writable;
  std::vector<std::string> offered;  ///< controllers of the hierarchy
};

struct DataDirSurvey {
  std::string path;        ///< as it would be used; empty = nothing names one
  std::string hint;        ///< then: what would
  std::string place;       ///< `path`, or the nearest directory above it that is there
  std::string filesystem;  ///< type, such as ext4
  Trial write = 0;         ///< a file without a name in `place`
  Trial reflink = 0;       ///< FICLONE between two such files. ioctl_ficlone(2)
  std::uint64_t free_bytes = 0;
};

struct OsRelease {
  std::string id;        ///< "debian"
  std::string codename;  ///< "bookworm"
};

struct HostSurvey {
  std::string kernel;   ///< "6.12.9-amd64"
  std::string machine;  ///< "x86_64"
  OsRelease os;
  std::uint32_t uid = 0;
  bool root = false;     ///< with the capabilities that namespaces take
  bool systemd = false;  ///< runs this machine

  std::uint32_t landlock_abi = 0;                ///< as lowered by the test hook
  Trial landlock = 0;                            ///< a domain that really denies something
  std::optional<std::uint32_t> landlock_errata;  ///< bits of the fixes; empty = can't be asked
  std::string lsm;                               ///< "capability,landlock,yama"; empty = not shown

  Trial seccomp = 0;          ///< a filter that really denies something
  bool outer_filter = false;  ///< this process is under a seccomp filter itself
  Trial pidfd = 0;            ///< pidfd_open
  Trial close_range = 0;      ///< close_range
  Trial openat2 = 0;          ///< openat2
  Trial memfd = 0;            ///< a memfd that may be executed (vm.memfd_noexec)

  Trial user_namespace = 0;         ///< the clone alone
  Trial namespace_rights = 0;       ///< its map, and mounts in it
  bool has_user_namespaces = true;  ///< the kernel was built with them
  std::optional<std::int64_t> max_user_namespaces;
  std::optional<std::int64_t> unprivileged_userns_clone;  ///< Debian's switch
  std::optional<std::int64_t> apparmor_restricts_userns;  ///< Ubuntu's switch
  Trial overlay = 0;
  std::optional<Error> overlay_root;  ///< a container's root as one, below the data directory

  /// A container's whole life but the exec, at this level.
  std::optional<Error> landlock_level;
  std::optional<Error> namespaces_level;
  std::optional<Error> network_level;
  std::optional<std::int64_t> max_net_namespaces;  ///< of a user, in this user namespace

  std::vector<CgroupSurvey> cgroups;
  bool memory_cgroup = false;  ///< as a container would get one
  DataDirSurvey data_dir;

  std::int64_t pid_max = 0;
  std::int64_t threads_max = 0;
  std::uint64_t descriptors = 0;           ///< soft RLIMIT_NOFILE
  std::uint64_t most_descriptors = 0;      ///< hard RLIMIT_NOFILE
  std::optional<std::uint64_t> processes;  ///< RLIMIT_NPROC of the user; empty = no limit
  std::int64_t first_ephemeral_port = 0;
  std::int64_t last_ephemeral_port = 0;
};

/// `data_dir` may not exist; nothing is made that stays. `spawner` runs the trials of the levels.
HostSurvey survey_host(const std::string& data_dir, Spawner& spawner);

}  // namespace ringfort::platform
