// Kills a process at its N-th system call, or makes that call fail.
//
//   injector [--target command|zygote|shim] [--pid PID] [--at N] [--errno NAME] [--mutating]
//            [--linger MS] [--timeout S] [--report FILE] [--list] -- COMMAND ARG...
//
// strace counts calls by thread and follows forks into the guest; this counts all threads of one
// process and lets everything else go at its birth. With --pid the target is there already. --list
// prints each call that counts. The report is one line of JSON. Must run as root: zygote and shim
// are not dumpable. ptrace(2).
#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <elf.h>
#include <fcntl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

enum class Role { Command, Candidate, Zygote, Shim, Foreign };

struct Options {
  Role target = Role::Command;
  pid_t pid = 0;
  long at = 0;  // 0: only count
  int error = 0;
  bool mutating = false;
  long linger_ms = 500;  // how long the target may go on after the command's end
  long timeout_s = 20;
  bool list = false;
  std::string report;
  char** command = nullptr;
};

struct Call {
  long number = 0;
  unsigned long args[6] = {};
};

volatile sig_atomic_t alarmed = 0;

const std::map<std::string, int> kErrors{
    {"ENOSPC", ENOSPC}, {"EIO", EIO}, {"EMFILE", EMFILE}, {"EAGAIN", EAGAIN}, {"EINTR", EINTR}};

/// Calls that change what others can see: files, processes, messages.
const std::set<long> kMutating{SYS_write,
                               SYS_pwrite64,
                               SYS_writev,
                               SYS_rename,
                               SYS_renameat,
                               SYS_renameat2,
                               SYS_mkdir,
                               SYS_mkdirat,
                               SYS_rmdir,
                               SYS_unlink,
                               SYS_unlinkat,
                               SYS_link,
                               SYS_linkat,
                               SYS_symlink,
                               SYS_symlinkat,
                               SYS_fsync,
                               SYS_fdatasync,
                               SYS_sendmsg,
                               SYS_sendto,
                               SYS_clone,
                               SYS_clone3,
                               SYS_vfork,
                               SYS_fork,
                               SYS_kill,
                               SYS_tgkill,
                               SYS_flock,
                               SYS_ftruncate,
                               SYS_truncate,
                               SYS_bind,
                               SYS_listen,
                               SYS_mount,
                               SYS_umount2,
                               SYS_fchown,
                               SYS_fchownat,
                               SYS_chmod,
                               SYS_fchmod,
                               SYS_close,
                               SYS_execve,
                               SYS_exit_group,
                               SYS_fallocate,
                               SYS_pidfd_send_signal,
                               SYS_connect,
                               SYS_accept4,
                               SYS_recvmsg,
                               SYS_wait4,
                               SYS_waitid,
                               SYS_fchmodat,
                               SYS_syncfs,
                               SYS_sendfile,
                               SYS_ioctl,
                               SYS_copy_file_range};

/// Which calls the kernel may refuse so, by the ERRORS of their man pages.
const std::map<int, std::set<long>> kPlausible{
    {ENOSPC,
     {SYS_write, SYS_pwrite64, SYS_writev, SYS_mkdir, SYS_mkdirat, SYS_rename, SYS_renameat,
      SYS_renameat2, SYS_link, SYS_linkat, SYS_symlink, SYS_symlinkat, SYS_fsync, SYS_fdatasync,
      SYS_fallocate, SYS_copy_file_range, SYS_sendfile, SYS_bind}},
    {EIO,
     {SYS_read,      SYS_pread64,    SYS_write,      SYS_pwrite64,        SYS_writev,    SYS_fsync,
      SYS_fdatasync, SYS_getdents64, SYS_rename,     SYS_renameat,        SYS_renameat2, SYS_mkdir,
      SYS_mkdirat,   SYS_rmdir,      SYS_unlink,     SYS_unlinkat,        SYS_ftruncate, SYS_link,
      SYS_linkat,    SYS_readlink,   SYS_readlinkat, SYS_copy_file_range, SYS_sendfile}},
    {EMFILE,
     {SYS_open, SYS_openat, SYS_openat2, SYS_socket, SYS_socketpair, SYS_pipe2, SYS_dup,
      SYS_epoll_create1, SYS_eventfd2, SYS_memfd_create, SYS_accept4, SYS_timerfd_create,
      SYS_pidfd_open, SYS_landlock_create_ruleset, SYS_inotify_init1}},
    {EAGAIN, {SYS_clone, SYS_clone3, SYS_fork, SYS_vfork, SYS_sendmsg, SYS_connect, SYS_flock}},
    {EINTR,
     {SYS_read, SYS_write, SYS_open, SYS_openat, SYS_wait4, SYS_waitid, SYS_poll, SYS_ppoll,
      SYS_epoll_wait, SYS_flock, SYS_connect, SYS_accept4, SYS_sendmsg, SYS_recvmsg, SYS_fsync,
      SYS_ftruncate, SYS_nanosleep, SYS_clock_nanosleep}}};

/// Those that act on a descriptor: a disk's errors come from files only, not from an eventfd.
const std::set<long> kOnDescriptor{SYS_read,   SYS_pread64, SYS_write,     SYS_pwrite64,
                                   SYS_writev, SYS_fsync,   SYS_fdatasync, SYS_ftruncate};

/// What a descriptor of a process is; empty when it is none.
std::filesystem::path file_of(pid_t pid, unsigned long fd) {
  std::error_code error;
  const auto number = std::to_string(static_cast<int>(fd));
  return std::filesystem::read_symlink("/proc/" + std::to_string(pid) + "/fd/" + number, error);
}

bool is_file(pid_t pid, unsigned long fd) { return file_of(pid, fd).is_absolute(); }

/// A field such as "Tgid:" of /proc/PID/status; 0 for a process that is gone.
pid_t status_field(pid_t pid, const std::string& field) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/status");
  for (std::string word; file >> word;)
    if (word == field) {
      pid_t value = 0;
      file >> value;
      return value;
    }
  return 0;
}

bool is_helper(pid_t pid) {
  std::error_code error;
  const auto exe = std::filesystem::read_symlink("/proc/" + std::to_string(pid) + "/exe", error);
  return !error && exe.string().rfind("/memfd:", 0) == 0;
}

class Injector {
 public:
  explicit Injector(Options options) : options_(std::move(options)) {}
  int run();

 private:
  bool is_target(pid_t tgid) const {
    return options_.pid != 0 ? tgid == options_.pid
                             : roles_.count(tgid) != 0 && roles_.at(tgid) == options_.target;
  }
  bool seize_all(pid_t pid);
  void start();
  void on_stop(pid_t tid, int status);
  Role classify(pid_t tgid);
  void on_call(pid_t tid, pid_t tgid);
  bool counts(pid_t tgid, const Call& call) const;
  void inject(pid_t tid, pid_t tgid, const Call& call);
  void go_on(pid_t tid, pid_t tgid, int signal);
  void gone(pid_t tid, int status);
  void arm(long milliseconds);
  int report();
  long follow() const {
    return PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
           PTRACE_O_TRACEEXEC;
  }

  Options options_;
  pid_t command_ = 0;
  std::optional<int> code_;
  std::map<pid_t, Role> roles_;    // by process
  std::map<pid_t, pid_t> tids_;    // traced thread -> its process
  std::map<pid_t, Call> failing_;  // at their exit the error is put in
  long count_ = 0;
  bool reached_ = false, timed_out_ = false, target_seen_ = false;
  Call hit_;
};

/// The threads of a process that exists; one that begins meanwhile is traced by its maker.
bool Injector::seize_all(pid_t pid) {
  bool any = false;
  for (const auto& entry :
       std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/task")) {
    const pid_t tid = std::stoi(entry.path().filename());
    // No TRACEFORK: a shim's children are guests.
    if (::ptrace(PTRACE_SEIZE, tid, nullptr, PTRACE_O_TRACESYSGOOD) != 0) continue;
    tids_[tid] = pid;
    ::ptrace(PTRACE_INTERRUPT, tid, nullptr, nullptr);
    any = true;
  }
  target_seen_ = any;
  return any;
}

void Injector::start() {
  int gate[2];
  if (::pipe2(gate, O_CLOEXEC) != 0) std::abort();
  command_ = ::fork();
  if (command_ == 0) {
    char byte = 0;
    if (::read(gate[0], &byte, 1) == 1) ::execvp(options_.command[0], options_.command);
    ::_exit(127);
  }
  if (options_.pid == 0) {
    if (::ptrace(PTRACE_SEIZE, command_, nullptr, follow()) != 0) {
      std::perror("injector: ptrace");
      std::exit(2);
    }
    tids_[command_] = command_;
    // A command counts from its exec on, like a zygote.
    roles_[command_] = Role::Foreign;
  }
  if (::write(gate[1], "x", 1) != 1) std::abort();
  ::close(gate[0]);
  ::close(gate[1]);
}

Role Injector::classify(pid_t tgid) {
  const pid_t parent = status_field(tgid, "PPid:");
  if (parent == command_) return Role::Candidate;
  if (roles_.count(parent) != 0 && roles_[parent] == Role::Zygote) return Role::Shim;
  return Role::Foreign;
}

bool Injector::counts(pid_t tgid, const Call& call) const {
  if (options_.error != 0) {
    if (kPlausible.at(options_.error).count(call.number) == 0) return false;
    const bool of_disks = options_.error == ENOSPC || options_.error == EIO;
    return !of_disks || kOnDescriptor.count(call.number) == 0 || is_file(tgid, call.args[0]);
  }
  if (!options_.mutating) return true;
  if (call.number == SYS_openat) return (call.args[2] & (O_CREAT | O_TRUNC)) != 0;
  return kMutating.count(call.number) != 0;
}

void Injector::inject(pid_t tid, pid_t tgid, const Call& call) {
  reached_ = true;
  hit_ = call;
  if (options_.error == 0) {
    ::kill(tgid, SIGKILL);
    return;
  }
  user_regs_struct regs{};
  ::ptrace(PTRACE_GETREGS, tid, nullptr, &regs);
  regs.orig_rax = static_cast<unsigned long long>(-1);
  ::ptrace(PTRACE_SETREGS, tid, nullptr, &regs);
  failing_[tid] = call;
}

void Injector::on_call(pid_t tid, pid_t tgid) {
  // The kernel says which stop this is. Counting them in turns is wrong after an exec, a birth and
  // an attach: those begin inside a call.
  __ptrace_syscall_info info{};
  if (::ptrace(PTRACE_GET_SYSCALL_INFO, tid, sizeof info, &info) <= 0) return;
  if (info.op == PTRACE_SYSCALL_INFO_EXIT && failing_.erase(tid) != 0) {
    user_regs_struct regs{};
    ::ptrace(PTRACE_GETREGS, tid, nullptr, &regs);
    regs.rax = static_cast<unsigned long long>(-options_.error);
    ::ptrace(PTRACE_SETREGS, tid, nullptr, &regs);
  }
  if (info.op != PTRACE_SYSCALL_INFO_ENTRY || reached_) return;
  Call call{static_cast<long>(info.entry.nr), {}};
  std::copy(std::begin(info.entry.args), std::end(info.entry.args), std::begin(call.args));
  if (!counts(tgid, call)) return;
  ++count_;
  if (options_.list)
    std::fprintf(stderr, "%ld: syscall %ld(%ld, %ld, %ld) of %d %s\n", count_, call.number,
                 static_cast<long>(call.args[0]), static_cast<long>(call.args[1]),
                 static_cast<long>(call.args[2]), tid, file_of(tgid, call.args[0]).c_str());
  if (count_ == options_.at) inject(tid, tgid, call);
}

void Injector::go_on(pid_t tid, pid_t tgid, int signal) {
  const auto number = reinterpret_cast<void*>(static_cast<long>(signal));
  const bool watched = is_target(tgid) && (!reached_ || failing_.count(tid) != 0);
  ::ptrace(watched ? PTRACE_SYSCALL : PTRACE_CONT, tid, nullptr, number);
}

void Injector::on_stop(pid_t tid, int status) {
  const int signal = WSTOPSIG(status);
  const int event = status >> 16;
  if (tids_.count(tid) == 0) {
    const pid_t tgid = status_field(tid, "Tgid:");
    tids_[tid] = tgid;
    if (roles_.count(tgid) == 0) roles_[tgid] = classify(tgid);
    const Role role = roles_[tgid];
    const bool wanted = role == Role::Command || (tgid == command_) ||
                        (role == Role::Candidate && options_.target != Role::Command) ||
                        (role == Role::Zygote) ||
                        (role == Role::Shim && options_.target == Role::Shim && !target_seen_);
    if (!wanted && !is_target(tgid)) {
      tids_.erase(tid);
      ::ptrace(PTRACE_DETACH, tid, nullptr, nullptr);
      return;
    }
    // A shim's children are guests: they are not even seen.
    if (role == Role::Shim) {
      target_seen_ = true;
      ::ptrace(PTRACE_SETOPTIONS, tid, nullptr, PTRACE_O_TRACESYSGOOD);
    }
    go_on(tid, tgid, 0);
    return;
  }
  const pid_t tgid = tids_[tid];
  if (signal == (SIGTRAP | 0x80)) {
    on_call(tid, tgid);
    go_on(tid, tgid, 0);
  } else if (event == PTRACE_EVENT_EXEC) {
    if (tgid == command_) {
      roles_[tgid] = Role::Command;
      target_seen_ |= options_.target == Role::Command;
    } else if (roles_[tgid] == Role::Candidate && is_helper(tgid)) {
      roles_[tgid] = Role::Zygote;
      target_seen_ |= options_.target == Role::Zygote;
    } else {
      tids_.erase(tid);
      ::ptrace(PTRACE_DETACH, tid, nullptr, nullptr);
      return;
    }
    go_on(tid, tgid, 0);
  } else if (event == PTRACE_EVENT_STOP && signal != SIGTRAP) {
    ::ptrace(PTRACE_LISTEN, tid, nullptr, nullptr);
  } else {
    go_on(tid, tgid, event != 0 ? 0 : signal);
  }
}

void Injector::arm(long milliseconds) {
  itimerval timer{};
  timer.it_value = {milliseconds / 1000, milliseconds % 1000 * 1000};
  ::setitimer(ITIMER_REAL, &timer, nullptr);
}

void Injector::gone(pid_t tid, int status) {
  tids_.erase(tid);
  failing_.erase(tid);
  if (tid != command_) return;
  code_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  arm(options_.linger_ms > 0 ? options_.linger_ms : 1);
}

int Injector::run() {
  struct sigaction action {};
  action.sa_handler = [](int) { alarmed = 1; };
  ::sigaction(SIGALRM, &action, nullptr);
  arm(options_.timeout_s * 1000);
  if (options_.pid != 0 && !seize_all(options_.pid)) {
    std::perror("injector: ptrace of the target");
    return 2;
  }
  start();
  while (!code_ || !tids_.empty()) {
    int status = 0;
    const pid_t tid = ::waitpid(-1, &status, __WALL);
    if (tid < 0 && errno == ECHILD) break;
    if (tid < 0 && alarmed) {
      if (!code_) timed_out_ = true;
      break;
    }
    if (tid < 0) continue;
    if (WIFSTOPPED(status))
      on_stop(tid, status);
    else
      gone(tid, status);
  }
  if (timed_out_) ::kill(command_, SIGKILL);
  return report();
}

int Injector::report() {
  std::FILE* out = options_.report.empty() ? stderr : std::fopen(options_.report.c_str(), "w");
  if (out == nullptr) return 2;
  std::fprintf(out,
               "{\"reached\":%s,\"seen\":%s,\"count\":%ld,\"syscall\":%ld,\"code\":%d,"
               "\"timed_out\":%s}\n",
               reached_ ? "true" : "false", target_seen_ ? "true" : "false", count_, hit_.number,
               code_.value_or(-1), timed_out_ ? "true" : "false");
  if (out != stderr) std::fclose(out);
  return 0;  // the tracees go on: a tracer's end detaches them
}

Options parse(int argc, char** argv) {
  Options options;
  int index = 1;
  const auto value = [&]() -> std::string { return index + 1 < argc ? argv[++index] : ""; };
  for (; index < argc && std::string(argv[index]) != "--"; ++index) {
    const std::string word = argv[index];
    if (word == "--target") {
      const auto name = value();
      options.target = name == "zygote" ? Role::Zygote
                       : name == "shim" ? Role::Shim
                                        : Role::Command;
    } else if (word == "--pid")
      options.pid = std::stoi(value());
    else if (word == "--at")
      options.at = std::stol(value());
    else if (word == "--errno")
      options.error = kErrors.at(value());
    else if (word == "--list")
      options.list = true;
    else if (word == "--mutating")
      options.mutating = true;
    else if (word == "--linger")
      options.linger_ms = std::stol(value());
    else if (word == "--timeout")
      options.timeout_s = std::stol(value());
    else if (word == "--report")
      options.report = value();
    else
      throw std::invalid_argument("unknown option " + word);
  }
  if (index + 1 >= argc) throw std::invalid_argument("no command after --");
  options.command = argv + index + 1;
  return options;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return Injector(parse(argc, argv)).run();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "injector: %s\n", error.what());
    return 2;
  }
}
