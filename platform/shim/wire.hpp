// Every byte that crosses between the library, the zygote and the shims: launch plan, requests,
// events, control messages, records. Plain structs, native endian, one machine, one build of the
// helper; the version numbers guard against mixing builds. Included by the static helper, so it
// knows nothing of the rest of ringfort.
#pragma once

#include <cstdint>

namespace ringfort::wire {

inline constexpr std::uint32_t kPlanMagic = 0x72'66'70'31;  // "rfp1"
inline constexpr std::uint32_t kRecordMagic = 0x72'66'72'31;
#ifdef RINGFORT_PROTOCOL_VERSION  // the helper; the library asks platform/protocol.hpp
inline constexpr std::uint8_t kProtocolVersion = RINGFORT_PROTOCOL_VERSION;
#endif

// ---------------------------------------------------------------- launch plan (a sealed memfd)

/// A run of `count` items `offset` bytes from the plan's start.
struct Span {
  std::uint32_t offset;
  std::uint32_t count;
};

/// Digits of the largest pid. proc(5), pid_max.
inline constexpr std::uint32_t kPidDigits = 10;

/// Offset of a NUL-terminated string; 0 = absent.
using Text = std::uint32_t;

enum class MountKind : std::uint32_t {
  Bind = 1,   ///< `source` of the host, with everything mounted below it, at `target`
  Proc,       ///< a fresh procfs of the container's own PID namespace
  Tmpfs,      ///< `data` holds "size=..,mode=.."
  Dir,        ///< mkdir -p of `target`
  File,       ///< a file with content `data`; an empty one is a mount point
  Symlink,    ///< `target` -> text `source`
  Device,     ///< a node as the host's `source`: made where that is allowed, else bound
  Terminals,  ///< a fresh devpts; `data` as of a Tmpfs
  Overlay,    ///< the root itself, the first step: `upper` and `work` in `data` over `source`
};

enum MountFlags : std::uint32_t {
  kReadOnly = 1U << 0,
  kNoExec = 1U << 1,
  kNoDev = 1U << 2,
  kOptional = 1U << 3,     ///< an absent source is skipped
  kWithDevices = 1U << 4,  ///< keep device nodes usable (the binds of /dev)
  kIdmapped = 1U << 5,     ///< the container's ids stand for `idmap_uid` and `idmap_gid` here
  kForAll = 1U << 7,       ///< a Dir that everybody may write into, mode 1777
  kVolume = 1U << 8,       ///< of the spec's storage; the shim does nothing else about it
  kMakePoint = 1U << 6,    ///< make the mount point, a directory or an empty file as the source is
};

struct MountStep {
  MountKind kind;
  std::uint32_t flags;
  Text source;
  Text target;  ///< absolute inside the container
  Text data;
  std::uint32_t idmap_uid;  ///< with kIdmapped: host uid that appears as the container's
  std::uint32_t idmap_gid;
};

struct FileRule {
  std::uint64_t access;  ///< LANDLOCK_ACCESS_FS_*
  Text path;
  std::uint32_t flags;  ///< kOptional
};

struct PortRule {
  std::uint64_t access;  ///< LANDLOCK_ACCESS_NET_*
  std::uint64_t port;
};

/// A port of the host that the relay leads into the container's own network: the first of `inside`
/// that somebody listens on, at 127.0.0.1 or ::1.
struct RelayPort {
  std::uint16_t host;
  std::uint16_t inside[2];  ///< the second may be 0: none
  std::uint16_t flags;      ///< RelayFlags
};
enum RelayFlags : std::uint16_t {
  kHeldPort = 1U << 0,  ///< claimed for this container, by SpawnFd::kPortFd
  kIfFree = 1U << 1,    ///< left out where it can't be had
};
/// Of one container; each is listened on twice, for both families.
inline constexpr std::uint32_t kMaxRelayPorts = 32;

struct ResourceLimit {
  std::uint32_t resource;  ///< RLIMIT_*
  std::uint32_t reserved;
  std::uint64_t soft;
  std::uint64_t hard;
};

enum PlanFlags : std::uint32_t {
  kNamespaces = 1U << 0,     ///< own mount, PID, IPC and UTS namespaces; pivot into `root`
  kUserNamespace = 1U << 1,  ///< identity-mapped user namespace (plain users)
  kProbe = 1U << 2,          ///< do every step but the exec, then exit 0
  kJoin = 1U << 3,           ///< exec: enter the main program's namespaces instead of making them
  kChangeIds = 1U << 4,
  kRootIsTmpfs = 1U << 5,  ///< no image: `root` is a fresh tmpfs
  kRootReadOnly = 1U << 6,
  kSynced = 1U << 7,       ///< the shim's records are on the disk before it tells of them
  kTerminal = 1U << 8,     ///< descriptor 0 becomes the controlling terminal of the child's session
  kListen = 1U << 9,       ///< the port is listened on and handed to the program as descriptor 3
  kLogBlocks = 1U << 10,   ///< what a full disk can't take stays in the pipe; the program waits
  kOwnNetwork = 1U << 11,  ///< with kNamespaces: own network namespace too, with loopback only
  kRelay = 1U << 12,       ///< with kOwnNetwork: a relay process that leads `relay_ports` in
};

struct PlanHeader {
  std::uint32_t magic;
  std::uint32_t version;
  std::uint32_t size;
  std::uint32_t flags;
  std::uint32_t uid;
  std::uint32_t gid;
  Span argv;        ///< u64 slots, zero-terminated: string offsets, made pointers by the shim
  Span env;         ///< as argv
  Span candidates;  ///< u32 Text: paths to try with execve, in order
  Span mounts;      ///< MountStep
  Span file_rules;  ///< FileRule
  Span port_rules;  ///< PortRule
  Span limits;      ///< ResourceLimit
  Span seccomp;     ///< struct sock_filter
  Text cwd;
  Text root;  ///< host path of the container's root, or where a tmpfs root may be mounted
  Text hostname;
  std::uint32_t landlock_abi;  ///< 0 = no Landlock at all
  std::uint64_t handled_fs;
  std::uint64_t handled_net;
  std::uint64_t child_scopes;  ///< LANDLOCK_SCOPE_* of each child's own domain
  std::uint64_t shim_scopes;   ///< of the domain that the shim itself enters first
  std::int64_t deadline_usec;  ///< from exec; 0 = none. For an exec plan: its timeout
  std::int64_t grace_usec;     ///< TERM to KILL after the deadline
  std::int64_t linger_usec;    ///< what the rest of the tree gets when the main program has ended
  std::uint64_t memory_limit;  ///< bytes that the shim itself holds the tree to; 0 = not its task
  std::uint64_t log_max_size;  ///< as kLogMaxSize; 0 = never rotated
  std::uint32_t log_max_files;
  Text listen_pid;   ///< with kListen: room for kPidDigits and their end, in env
  Span relay_ports;  ///< RelayPort; with kRelay
};

// ---------------------------------------------------------------- supervisor -> zygote

/// Which descriptors accompany a spawn request, in this order. A missing one is not sent.
enum SpawnFd : std::uint32_t {
  kPlanFd = 0,
  kStdinFd,
  kStdoutFd,
  kStderrFd,
  kStdoutLogFd,
  kStderrLogFd,
  kLogIndexFd,
  kExitFd,
  kShimFd,
  kPidFd,
  kListenerFd,
  kControlFd,  ///< an already connected control socket (attached runs without a state directory)
  kLeaseFd,
  kPortFd,
  kCgroupProcsFd,
  kCgroupEventsFd,
  kCgroupNotifyFd,
  kCgroupKillFd,   ///< v2 cgroup.kill
  kLogDirFd,       ///< where stdout.log and stderr.log are
  kLogIndexDirFd,  ///< where log.idx is
  kTraceFd,        ///< a socket that gets the listener of the program's trace filter
  kSpawnFdCount,
};

struct SpawnRequest {
  std::uint8_t version;
  std::uint8_t reserved[3];
  std::uint32_t plan_flags;  ///< of PlanHeader: the zygote needs them before the clone
  std::uint64_t cookie;      ///< names this run in every event
  std::uint32_t fd_mask;     ///< bit i = SpawnFd i is there
  std::uint32_t reserved2;
};

// ---------------------------------------------------------------- zygote and shims -> supervisor

enum class EventKind : std::uint32_t {
  Started = 1,  ///< the program has passed exec
  StartFailed,  ///< `step` and `error` say where
  Exited,       ///< main is gone, its tree too, the record written
  ShimDied,     ///< from the zygote: a shim ended without a clean end; wait status in `status`
};

/// Steps between clone and exec, for messages.
enum class Step : std::uint32_t {
  None = 0,
  Clone,
  IdMap,
  Lock,
  Cgroup,
  Stdio,
  Session,
  MountPrivate,
  MountSource,
  MountRoot,
  MountTarget,
  MountProc,
  Mount,
  Pivot,
  Hostname,
  Limits,
  LandlockRuleset,
  LandlockRule,
  LandlockEnforce,
  Ids,
  Capabilities,
  NoNewPrivs,
  Workdir,
  Seccomp,
  Exec,
  Join,
  Plan,
  Listen,
  Network,  ///< the network namespace and its loopback
  Relay,    ///< `detail`: index of the relay port that can't be had, or kMaxRelayPorts
};

enum ExitFlags : std::uint32_t {
  kOom = 1U << 0,
  kTimedOut = 1U << 1,
  kStopped = 1U << 2,
  kStuck = 1U << 3,      ///< something of the tree did not die in bounded time
  kAbandoned = 1U << 4,  ///< with kStopped: nobody asked for it, its runtime or machine went down
};

struct Event {
  EventKind kind;
  std::uint32_t version;
  std::uint64_t cookie;
  std::int32_t shim_pid;  ///< host pid
  std::int32_t main_pid;  ///< host pid
  Step step;
  std::int32_t error;    ///< errno of `step`
  std::uint32_t detail;  ///< index of the mount step or rule that failed
  std::int32_t status;   ///< wait status as waitpid gives it
  std::uint32_t exit_flags;
  std::uint32_t reserved;
  std::int64_t started_usec;   ///< wall clock, of exec
  std::int64_t finished_usec;  ///< wall clock
};

// ---------------------------------------------------------------- control socket of a shim

enum class ControlOp : std::uint8_t {
  Stop = 1,  ///< TERM, CONT, then KILL of the tree after `usec`; a second one may shorten it
  Signal,    ///< `number` to the main program; with kWholeTree to all
  KillTree,  ///< KILL everything; `number` = ExitFlags to record (oom by the watchdog)
  Exec,      ///< with a plan memfd, then stdin, stdout, stderr
  Freeze,    ///< SIGSTOP the tree
  Thaw,      ///< SIGCONT the tree
  Status,
};

inline constexpr std::uint32_t kWholeTree = 1;

struct ControlRequest {
  std::uint8_t version;
  ControlOp op;
  std::uint16_t flags;
  std::int32_t number;
  std::int64_t usec;
};

enum class ReplyKind : std::uint8_t {
  Done = 1,  ///< the request was carried out; `error` != 0: it was not
  ExecStarted,
  ExecFailed,  ///< step and error
  ExecEnded,   ///< wait status; `number` has kTimedOut when its timeout ended it
};

struct ControlReply {
  std::uint8_t version;
  ReplyKind kind;
  std::uint16_t reserved;
  std::int32_t error;
  Step step;
  std::int32_t status;
  std::uint32_t number;
  std::int32_t pid;  ///< host pid of an exec'd program
};

// ---------------------------------------------------------------- files of a state directory

/// state/<id>/shim, written by the shim before its first child.
struct ShimRecord {
  std::uint32_t magic;
  std::uint32_t version;
  std::uint64_t cookie;
  std::int32_t shim_pid;
  std::int32_t main_pid;      ///< 0 until exec
  std::uint64_t start_ticks;  ///< field 22 of /proc/<shim_pid>/stat
  std::uint64_t pidns_inode;  ///< of the PID namespace that the shim was cloned from
  std::int64_t started_usec;  ///< wall clock, of exec; 0 until then
  char boot_id[40];
  std::uint32_t reserved;
  std::uint32_t checksum;  ///< of all bytes before it
};

/// state/<id>/exit; on a disk too full for it at this offset of state/<id>/shim.
inline constexpr long kExitInShimFile = 1024;
struct ExitFile {
  std::uint32_t magic;
  std::uint32_t version;
  std::uint64_t cookie;
  std::int32_t status;
  std::uint32_t exit_flags;
  std::int64_t started_usec;
  std::int64_t finished_usec;
  std::uint32_t start_step;  ///< Step, when the program never started
  std::int32_t start_error;
  std::uint32_t reserved;
  std::uint32_t checksum;
};

/// state/<id>/log.idx: one for each piece the shim read, written after its bytes. Logs are rotated
/// together: `stdout.log.<g>`, `stderr.log.<g>` and `log.idx.<g>` are generation g (from 1), the
/// files without a number are the one after the highest of those.
struct LogIndexEntry {
  std::uint64_t sequence;  ///< of entries, over all generations
  std::uint64_t offset;    ///< in the stream's own file of `generation`
  std::uint64_t other;     ///< the end of the other stream's file at that time
  std::int64_t wall_usec;
  std::uint32_t length;
  std::uint32_t generation;
  std::uint8_t stream;  ///< 0 stdout, 1 stderr
  std::uint8_t flags;   ///< LogFlags
  std::uint16_t reserved;
  std::uint32_t checksum;  ///< of all bytes before it
};
enum LogFlags : std::uint8_t {
  kLogDropped = 1U << 0,  ///< `length` bytes are not in the file: they could not be written
  kLogBegin = 1U << 1,    ///< the first entry of a generation after a rotation; of no bytes
};
/// A longer line is several records; a rotation comes between two records.
inline constexpr std::uint32_t kLogRecord = 16384;
inline constexpr std::uint64_t kLogMaxSize = 10ULL << 20;  ///< both streams of one generation
inline constexpr std::uint32_t kLogMaxFiles = 3;           ///< generations, the current one counted

/// FNV-1a: tells a torn record from a whole one, no more.
inline std::uint32_t checksum(const void* bytes, std::uint32_t size) {
  const auto* cursor = static_cast<const unsigned char*>(bytes);
  std::uint32_t hash = 2166136261U;
  for (std::uint32_t i = 0; i < size; ++i) hash = (hash ^ cursor[i]) * 16777619U;
  return hash;
}

}  // namespace ringfort::wire
