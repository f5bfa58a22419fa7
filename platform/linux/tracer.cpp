#include "ringfort/platform/tracer.hpp"

#include "ringfort/platform/linux/unix_message.hpp"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>
#include <optional>
#include <system_error>

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

namespace ringfort::platform {
namespace {

constexpr std::size_t kPage = 4096;
constexpr int kOpenat2 = 437;  // Linux 5.6

/// One stopped call, and the memory of the process that made it.
class Caller {
 public:
  explicit Caller(const seccomp_notif& call) : call_(call) {}

  std::uint64_t argument(std::size_t index) const { return call_.data.args[index]; }

  /// The text at `address`; empty when it can't be read or is over PATH_MAX.
  std::optional<std::string> text(std::uint64_t address) const {
    std::string text;
    while (text.size() < PATH_MAX) {
      char piece[kPage];
      const std::size_t size = kPage - address % kPage;  // never across into another page
      const auto got = read(address, piece, size);
      if (got == 0) return std::nullopt;
      const auto* end = static_cast<const char*>(std::memchr(piece, 0, got));
      text.append(piece, end != nullptr ? static_cast<std::size_t>(end - piece) : got);
      if (end != nullptr) return text;
      address += got;
    }
    return std::nullopt;
  }

  std::size_t read(std::uint64_t address, void* into, std::size_t size) const {
    const iovec local{into, size};
    const iovec remote{reinterpret_cast<void*>(address), size};
    const auto got = ::process_vm_readv(static_cast<pid_t>(call_.pid), &local, 1, &remote, 1, 0);
    return got > 0 ? static_cast<std::size_t>(got) : 0;
  }

  /// `path` made absolute by the directory that the call names. Empty when that is not known.
  std::optional<std::string> absolute(int dir_fd, const std::string& path) const {
    if (path.starts_with('/')) return path;
    const auto link = "/proc/" + std::to_string(call_.pid) +
                      (dir_fd == AT_FDCWD ? std::string("/cwd") : "/fd/" + std::to_string(dir_fd));
    char directory[PATH_MAX];
    const auto size = ::readlink(link.c_str(), directory, sizeof directory);
    if (size <= 0 || directory[0] != '/') return std::nullopt;
    const std::string base(directory, static_cast<std::size_t>(size));
    if (path.empty()) return base;
    return (base == "/" ? "" : base) + "/" + path;
  }

 private:
  const seccomp_notif& call_;
};

/// Which arguments of a call name a path, and what is done with it.
struct PathCall {
  int dir_argument = -1;  ///< -1 = the working directory
  std::size_t path_argument = 0;
  Operation operation = Operation::Write;
  bool creates = false;
};

Operation operation_of(std::uint64_t flags) {
  return (flags & O_ACCMODE) != O_RDONLY || (flags & (O_TRUNC | O_CREAT)) != 0 ? Operation::Write
                                                                               : Operation::Read;
}

PathCall opening(int dir_argument, std::size_t path_argument, std::uint64_t flags) {
  return {dir_argument, path_argument, operation_of(flags), (flags & O_CREAT) != 0};
}

/// Empty for a call that is of no interest: O_PATH opens nothing.
std::optional<PathCall> path_call(int number, const Caller& caller) {
  std::uint64_t flags = 0;
  switch (number) {
#ifdef SYS_open
    case SYS_open:
      flags = caller.argument(1);
      return (flags & O_PATH) != 0 ? std::nullopt : std::optional(opening(-1, 0, flags));
    case SYS_creat:
      return PathCall{-1, 0, Operation::Write, true};
    case SYS_unlink:
    case SYS_rmdir:
    case SYS_rename:
    case SYS_truncate:
      return PathCall{-1, 0, Operation::Write, false};
    case SYS_mkdir:
      return PathCall{-1, 0, Operation::Write, true};
    case SYS_link:
    case SYS_symlink:
      return PathCall{-1, 1, Operation::Write, true};
#endif
    case SYS_openat:
      flags = caller.argument(2);
      return (flags & O_PATH) != 0 ? std::nullopt : std::optional(opening(0, 1, flags));
    case kOpenat2:
      if (caller.read(caller.argument(2), &flags, sizeof flags) != sizeof flags)
        return std::nullopt;
      return (flags & O_PATH) != 0 ? std::nullopt : std::optional(opening(0, 1, flags));
    case SYS_execve:
      return PathCall{-1, 0, Operation::Exec, false};
    case SYS_execveat:
      return PathCall{0, 1, Operation::Exec, false};
    case SYS_unlinkat:
    case SYS_renameat2:
      return PathCall{0, 1, Operation::Write, false};
    case SYS_mkdirat:
      return PathCall{0, 1, Operation::Write, true};
    case SYS_linkat:
      return PathCall{2, 3, Operation::Write, true};
    case SYS_symlinkat:
      return PathCall{1, 2, Operation::Write, true};
    default:
      return std::nullopt;
  }
}

std::optional<TracedCall> unix_call(const Caller& caller, const sockaddr_un& address,
                                    std::size_t size) {
  TracedCall call;
  const auto length = size - offsetof(sockaddr_un, sun_path);
  if (length == 0) return std::nullopt;
  if (address.sun_path[0] == '\0') {
    call.question.kind = TargetKind::UnixAbstract;
    call.question.path.assign(address.sun_path + 1, length - 1);
    return call;
  }
  const auto path =
      caller.absolute(AT_FDCWD, {address.sun_path, ::strnlen(address.sun_path, length)});
  if (!path) return std::nullopt;
  call.question.kind = TargetKind::UnixPath;
  call.question.path = *path;
  return call;
}

/// Sockets of other kinds than TCP are made only where no rule holds the network.
std::optional<TracedCall> socket_call(int number, const Caller& caller) {
  alignas(8) char bytes[sizeof(sockaddr_un)] = {};
  const auto wanted = std::min<std::uint64_t>(caller.argument(2), sizeof bytes);
  const auto size = caller.read(caller.argument(1), bytes, wanted);
  if (size < sizeof(sa_family_t)) return std::nullopt;
  sa_family_t family = 0;
  std::memcpy(&family, bytes, sizeof family);
  std::optional<TracedCall> call;
  char host[INET6_ADDRSTRLEN] = {};
  if (family == AF_UNIX && size > offsetof(sockaddr_un, sun_path)) {
    sockaddr_un address{};
    std::memcpy(&address, bytes, size);
    call = unix_call(caller, address, size);
  } else if (family == AF_INET && size >= sizeof(sockaddr_in)) {
    sockaddr_in address{};
    std::memcpy(&address, bytes, sizeof address);
    call.emplace();
    call->question.kind = TargetKind::Tcp;
    call->question.host = ::inet_ntop(AF_INET, &address.sin_addr, host, sizeof host);
    call->question.port = ntohs(address.sin_port);
  } else if (family == AF_INET6 && size >= offsetof(sockaddr_in6, sin6_scope_id)) {
    sockaddr_in6 address{};
    std::memcpy(&address, bytes, std::min(size, sizeof address));
    call.emplace();
    call->question.kind = TargetKind::Tcp;
    call->question.host =
        "[" + std::string(::inet_ntop(AF_INET6, &address.sin6_addr, host, sizeof host)) + "]";
    call->question.port = ntohs(address.sin6_port);
  }
  if (call) {
    call->question.operation = number == SYS_bind ? Operation::Bind : Operation::Connect;
    call->creates = number == SYS_bind;
  }
  return call;
}

enum class Reading { Done, Nothing, Unreadable };

Reading read_call(const seccomp_notif& told, TracedCall& call) {
  const Caller caller{told};
  if (told.data.nr == SYS_connect || told.data.nr == SYS_bind) {
    auto read = socket_call(told.data.nr, caller);
    if (!read) return Reading::Nothing;
    call = *std::move(read);
    return Reading::Done;
  }
  const auto kind = path_call(told.data.nr, caller);
  if (!kind) return Reading::Nothing;
  const auto text = caller.text(caller.argument(kind->path_argument));
  if (!text) return Reading::Unreadable;
  if (text->empty()) return Reading::Nothing;  // an open descriptor, not a path
  const int dir_fd =
      kind->dir_argument < 0
          ? AT_FDCWD
          : static_cast<int>(caller.argument(static_cast<std::size_t>(kind->dir_argument)));
  const auto path = caller.absolute(dir_fd, *text);
  if (!path) return Reading::Unreadable;
  call.question.operation = kind->operation;
  call.question.path = *path;
  call.creates = kind->creates;
  return Reading::Done;
}

}  // namespace

Tracer::Tracer(Heard heard, Fd own_end, Fd program_end, Fd stop)
    : heard_(std::move(heard)),
      own_end_(std::move(own_end)),
      program_end_(std::move(program_end)),
      stop_(std::move(stop)) {}

Result<std::unique_ptr<Tracer>> Tracer::start(Heard heard) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
    return fail(os_error(errno, "cannot make a socket for the trace", "raise `ulimit -n`"));
  Fd own{ends[0]};
  Fd program{ends[1]};
  Fd stop{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  if (!stop) return fail(os_error(errno, "cannot make a trace", "raise `ulimit -n`"));
  std::unique_ptr<Tracer> tracer{
      new Tracer(std::move(heard), std::move(own), std::move(program), std::move(stop))};
  try {
    tracer->thread_ = std::thread([raw = tracer.get()] { raw->run(); });
  } catch (const std::system_error& error) {
    return fail(os_error(error.code().value(), "cannot start the trace", "raise `ulimit -u`"));
  }
  return tracer;
}

Tracer::~Tracer() { finish(); }

void Tracer::finish() {
  if (!thread_.joinable()) return;
  const std::uint64_t one = 1;
  (void)!::write(stop_.get(), &one, sizeof one);  // an eventfd takes it
  thread_.join();
  listener_ = {};
  program_end_ = {};
}

bool Tracer::take_listener() {
  pollfd set[2] = {{own_end_.get(), POLLIN, 0}, {stop_.get(), POLLIN, 0}};
  while (::poll(set, 2, -1) < 0 && errno == EINTR) {
  }
  if ((set[0].revents & POLLIN) == 0) return false;
  char word = 0;
  std::vector<Fd> fds;
  if (receive_message(own_end_.get(), &word, sizeof word, fds) && !fds.empty())
    listener_ = std::move(fds.front());
  return static_cast<bool>(listener_);
}

/// False when nothing is left to hear.
bool Tracer::answer_one() {
  seccomp_notif told{};
  if (::ioctl(listener_.get(), SECCOMP_IOCTL_NOTIF_RECV, &told) != 0)
    return errno == ENOENT || errno == EINTR;  // the caller is dead already
  TracedCall call;
  const auto reading = read_call(told, call);
  // Only while the call still waits is its pid the caller's, and what was read the caller's words.
  const bool is_valid = ::ioctl(listener_.get(), SECCOMP_IOCTL_NOTIF_ID_VALID, &told.id) == 0;
  if (is_valid && reading == Reading::Done) heard_(call);
  if (reading == Reading::Done) has_read_ = true;
  if (is_valid && reading == Reading::Unreadable && has_read_) ++unread_;
  seccomp_notif_resp answer{};
  answer.id = told.id;
  answer.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
  // ENOENT: it was killed meanwhile.
  return ::ioctl(listener_.get(), SECCOMP_IOCTL_NOTIF_SEND, &answer) == 0 || errno == ENOENT;
}

void Tracer::run() {
  if (!take_listener()) return;
  own_end_ = {};
  for (bool is_stopping = false;;) {
    pollfd set[2] = {{listener_.get(), POLLIN, 0}, {stop_.get(), POLLIN, 0}};
    const int ready = ::poll(set, is_stopping ? 1 : 2, is_stopping ? 0 : -1);
    if (ready < 0 && errno == EINTR) continue;
    is_stopping = is_stopping || (set[1].revents & POLLIN) != 0;
    if ((set[0].revents & POLLIN) != 0) {
      if (!answer_one()) return;
    } else if ((set[0].revents & (POLLHUP | POLLERR)) != 0 || is_stopping) {
      return;  // nobody uses the filter any more
    }
  }
}

}  // namespace ringfort::platform
