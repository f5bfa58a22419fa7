#include "ringfort/platform/shim/child.hpp"

#include "ringfort/platform/shim/network.hpp"
#include "ringfort/platform/shim/sys.hpp"
#include "ringfort/platform/shim/trace.hpp"

#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>

namespace ringfort::shim {
namespace {

/// struct landlock_ruleset_attr of the newest ABI we speak; Debian 12's header knows ABI 3 only.
struct RulesetAttr {
  std::uint64_t handled_access_fs;
  std::uint64_t handled_access_net;
  std::uint64_t scoped;
};
constexpr int kRulePathBeneath = 1;
constexpr int kRuleNetPort = 2;
/// EXECUTE, WRITE_FILE, READ_FILE, TRUNCATE, IOCTL_DEV.
constexpr std::uint64_t kFileRights = 0x7 | 1U << 14 | 1U << 15;
struct __attribute__((packed)) PathBeneathAttr {
  std::uint64_t allowed_access;
  std::int32_t parent_fd;
};
struct NetPortAttr {
  std::uint64_t allowed_access;
  std::uint64_t port;
};

/// What the kernel of this ABI takes as the attribute's size: unknown trailing bytes are E2BIG.
std::size_t attribute_size(std::uint32_t abi) {
  if (abi < 4) return 8;
  return abi < 6 ? 16 : 24;
}

long fail_at(Launch& what, wire::Step step, long error, std::uint32_t detail = 0) {
  what.step = step;
  what.error = static_cast<int>(-error);
  what.detail = detail;
  return error;
}

long reset_signals(Launch& what) {
  // The zygote was started with every disposition at its default and the helper never changes one;
  // only the mask is its own.
  sigset_t none;
  ::sigemptyset(&none);
  const long result = sys(SYS_rt_sigprocmask, SIG_SETMASK, &none, nullptr, 8);
  return result < 0 ? fail_at(what, wire::Step::Session, result) : 0;
}

long arrange_descriptors(Launch& what) {
  const int wanted[3] = {what.stdin_fd, what.stdout_fd, what.stderr_fd};
  for (int target = 0; target < 3; ++target) {
    const long result = sys(SYS_dup3, wanted[target], target, 0);
    if (result < 0)
      return fail_at(what, wire::Step::Stdio, result, static_cast<std::uint32_t>(target));
  }
  // Later steps open descriptors of their own, all close-on-exec; what was inherited is marked so
  // too.
  const long result = sys(SYS_close_range, 3U, ~0U, 4U /* CLOSE_RANGE_CLOEXEC */);
  return result < 0 ? fail_at(what, wire::Step::Stdio, result) : 0;
}

long set_limits(const Plan& plan, Launch& what) {
  const auto& header = plan.header();
  const auto* limits = plan.items<wire::ResourceLimit>(header.limits);
  for (std::uint32_t i = 0; i < header.limits.count; ++i) {
    rlimit current{};
    ::getrlimit(static_cast<__rlimit_resource>(limits[i].resource), &current);
    rlimit wanted{limits[i].soft, limits[i].hard};
    // Raising a hard limit needs CAP_SYS_RESOURCE: the lower of the two holds.
    if (wanted.rlim_max > current.rlim_max) wanted.rlim_max = current.rlim_max;
    if (wanted.rlim_cur > wanted.rlim_max) wanted.rlim_cur = wanted.rlim_max;
    const long result = sys(SYS_prlimit64, 0, limits[i].resource, &wanted, nullptr);
    if (result < 0) return fail_at(what, wire::Step::Limits, result, i);
  }
  return 0;
}

/// Builds the ruleset while paths can still be opened with the runtime's own rights.
long make_ruleset(const Plan& plan, Launch& what) {
  const auto& header = plan.header();
  const RulesetAttr attr{header.handled_fs, header.handled_net, header.child_scopes};
  const long ruleset = landlock_create_ruleset(&attr, attribute_size(header.landlock_abi), 0);
  if (ruleset < 0) return fail_at(what, wire::Step::LandlockRuleset, ruleset);
  const auto* rules = plan.items<wire::FileRule>(header.file_rules);
  for (std::uint32_t i = 0; i < header.file_rules.count; ++i) {
    const long fd = sys(SYS_openat, AT_FDCWD, plan.text(rules[i].path), O_PATH | O_CLOEXEC);
    if (fd == -ENOENT && (rules[i].flags & wire::kOptional) != 0) continue;
    if (fd < 0) return fail_at(what, wire::Step::LandlockRule, fd, i);
    PathBeneathAttr rule{rules[i].access, static_cast<std::int32_t>(fd)};
    long added = landlock_add_rule(static_cast<int>(ruleset), kRulePathBeneath, &rule);
    if (added == -EINVAL) {  // not a directory: only the rights that a file can have
      rule.allowed_access &= kFileRights;
      added = landlock_add_rule(static_cast<int>(ruleset), kRulePathBeneath, &rule);
    }
    sys(SYS_close, fd);
    if (added < 0) return fail_at(what, wire::Step::LandlockRule, added, i);
  }
  const auto* ports = plan.items<wire::PortRule>(header.port_rules);
  for (std::uint32_t i = 0; i < header.port_rules.count; ++i) {
    const NetPortAttr rule{ports[i].access, ports[i].port};
    const long added = landlock_add_rule(static_cast<int>(ruleset), kRuleNetPort, &rule);
    if (added < 0)
      return fail_at(what, wire::Step::LandlockRule, added, header.file_rules.count + i);
  }
  return ruleset;
}

/// The session is new and leads nothing yet, so the terminal of descriptor 0 can become its own.
/// ioctl_tty(2).
long take_terminal(const Plan& plan, Launch& what) {
  if (!plan.has(wire::kTerminal)) return 0;
  // As login programs do, so that the program may open its terminal again by name. Where that is
  // refused (a terminal that is not the runtime's) the descriptors still work.
  if (plan.has(wire::kChangeIds))
    sys(SYS_fchown, STDIN_FILENO, plan.header().uid, static_cast<gid_t>(-1));
  const long result = sys(SYS_ioctl, STDIN_FILENO, TIOCSCTTY, 0);
  return result < 0 ? fail_at(what, wire::Step::Session, result) : 0;
}

bool wants_ruleset(const wire::PlanHeader& header) {
  return header.landlock_abi > 0 &&
         (header.handled_fs | header.handled_net | header.child_scopes) != 0;
}

long change_ids(const Plan& plan, Launch& what) {
  const auto& header = plan.header();
  // The bounding set first: afterwards nothing could take capabilities out of it.
  if (!what.bounded) (void)empty_bounding_set();
  if (plan.has(wire::kChangeIds)) {
    long result = sys(SYS_setgroups, 0, nullptr);
    if (result == 0) result = sys(SYS_setresgid, header.gid, header.gid, header.gid);
    if (result == 0) result = sys(SYS_setresuid, header.uid, header.uid, header.uid);
    if (result < 0) return fail_at(what, wire::Step::Ids, result);
  }
  return 0;
}

long drop_capabilities(Launch& what) {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct none[2] = {};
  long result = sys(SYS_capset, &header, none);
  if (result < 0) return fail_at(what, wire::Step::Capabilities, result);
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
    return fail_at(what, wire::Step::NoNewPrivs, -errno);
  return 0;
}

long enforce(const Plan& plan, Launch& what, long ruleset) {
  const auto& header = plan.header();
  if (ruleset >= 0) {
    const long result = landlock_restrict_self(static_cast<int>(ruleset));
    if (result < 0) return fail_at(what, wire::Step::LandlockEnforce, result);
    sys(SYS_close, ruleset);
  }
  if (what.trace_fd >= 0) {
    const long traced = hand_out_trace(what.trace_fd);
    if (traced < 0) return fail_at(what, wire::Step::Seccomp, traced);
  }
  if (header.seccomp.count > 0) {
    const sock_fprog program{static_cast<unsigned short>(header.seccomp.count),
                             const_cast<sock_filter*>(plan.items<sock_filter>(header.seccomp))};
    const long result = sys(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program);
    if (result < 0) return fail_at(what, wire::Step::Seccomp, result);
  }
  return 0;
}

constexpr int kFirstPassedFd = 3;  // SD_LISTEN_FDS_START, sd_listen_fds(3)
constexpr int kBacklog = 4096;     // the kernel cuts it to net.core.somaxconn

/// Last of all: descriptor 3 may have been any other until now.
long pass_listener(const Plan& plan, Launch& what) {
  if (!plan.has(wire::kListen)) return 0;
  long result = sys(SYS_listen, what.listen_fd, kBacklog);
  if (result == 0)
    result = what.listen_fd == kFirstPassedFd ? sys(SYS_fcntl, kFirstPassedFd, F_SETFD, 0)
                                              : sys(SYS_dup3, what.listen_fd, kFirstPassedFd, 0);
  if (result < 0) return fail_at(what, wire::Step::Listen, result);
  // The pid that the program itself will see: in a PID namespace only the child knows it.
  const long pid = sys(SYS_getpid);
  plan.listen_pid()[put_decimal(plan.listen_pid(), static_cast<std::uint64_t>(pid))] = '\0';
  return 0;
}

/// Like execvp over ready-made paths: a later candidate is tried while the program is not there;
/// a permission error is remembered, as shells do.
long run_program(const Plan& plan, Launch& what) {
  const auto& header = plan.header();
  const auto* candidates = plan.items<wire::Text>(header.candidates);
  long error = -ENOENT;
  for (std::uint32_t i = 0; i < header.candidates.count; ++i) {
    const long result = sys(SYS_execve, plan.text(candidates[i]), plan.argv(), plan.env());
    if (result == -EACCES) error = result;
    if (result != -ENOENT && result != -ENOTDIR && result != -EACCES) {
      error = result;
      break;
    }
  }
  return fail_at(what, wire::Step::Exec, error);
}

/// Before the host's /proc goes out of view, which holds the switches of the namespace.
long enter_network(const Plan& plan, Launch& what) {
  if (!plan.has(wire::kOwnNetwork)) return 0;
  const long entered =
      what.network_fd >= 0 ? sys(SYS_setns, what.network_fd, CLONE_NEWNET) : make_network();
  return entered < 0 ? fail_at(what, wire::Step::Network, entered) : 0;
}

long to_root(const Plan& plan, Launch& what) {
  const auto& header = plan.header();
  if (plan.has(wire::kJoin) && plan.has(wire::kNamespaces)) {
    const long pidfd = sys(SYS_pidfd_open, what.join_pid, 0);
    if (pidfd < 0) return fail_at(what, wire::Step::Join, pidfd);
    const int network = plan.has(wire::kOwnNetwork) ? CLONE_NEWNET : 0;
    const long joined = sys(SYS_setns, pidfd, CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS | network);
    sys(SYS_close, pidfd);
    return joined < 0 ? fail_at(what, wire::Step::Join, joined) : 0;
  }
  if (!plan.has(wire::kNamespaces)) return 0;
  const long connected = enter_network(plan, what);
  if (connected < 0) return connected;
  const long built = build_root(plan, what);
  if (built < 0) return built;
  if (const char* name = plan.text(header.hostname)) {
    std::size_t size = 0;
    while (name[size] != '\0') ++size;
    const long named = sys(SYS_sethostname, name, size);
    if (named < 0) return fail_at(what, wire::Step::Hostname, named);
  }
  return 0;
}

/// Every step from clone to exec, in the order in which the kernel allows them.
int child_main(void* argument) {
  auto& what = *static_cast<Launch*>(argument);
  const Plan& plan = *what.plan;
  const auto& header = plan.header();
  what.host_pid = host_pid();
  sys(SYS_setsid);  // a fresh child is never a group leader: this can't fail
  long result = reset_signals(what);
  if (result == 0 && what.cgroup_procs_fd >= 0) {
    result = write_all(what.cgroup_procs_fd, "0", 1);
    if (result < 0) fail_at(what, wire::Step::Cgroup, result);
  }
  if (result == 0) result = arrange_descriptors(what);
  if (result == 0) result = take_terminal(plan, what);
  if (result == 0) result = to_root(plan, what);
  if (result == 0) result = set_limits(plan, what);
  long ruleset = -1;
  if (result == 0 && wants_ruleset(header)) {
    ruleset = make_ruleset(plan, what);
    if (ruleset < 0) result = ruleset;
  }
  if (result == 0) result = change_ids(plan, what);
  if (result == 0) result = drop_capabilities(what);
  // Credential changes clear it, so it comes after them. prctl(2).
  if (result == 0) ::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  if (result == 0) {
    result = sys(SYS_chdir, plan.text(header.cwd));
    if (result < 0) fail_at(what, wire::Step::Workdir, result);
  }
  if (result == 0) result = enforce(plan, what, ruleset);
  if (result == 0 && plan.has(wire::kProbe)) sys(SYS_exit_group, 0);
  if (result == 0) result = pass_listener(plan, what);
  if (result == 0) run_program(plan, what);
  sys(SYS_exit_group, 255);
  return 255;
}

}  // namespace

bool empty_bounding_set() {
  bool empty = true;
  for (int capability = 0; capability <= 63; ++capability) {
    if (::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) == 0) continue;
    if (errno == EINVAL) break;  // beyond the last one that this kernel knows
    empty = false;
  }
  return empty;
}

pid_t launch(Launch& what) {
  // The child shares this memory until exec, so it needs a stack of its own; one launch at a time.
  static char stack[96 * 1024] __attribute__((aligned(16)));
  const Plan& plan = *what.plan;
  int flags = CLONE_VM | CLONE_VFORK | SIGCHLD;
  if (plan.has(wire::kNamespaces) && !plan.has(wire::kJoin))
    flags |= CLONE_NEWIPC | CLONE_NEWUTS;  // the mount namespace comes when its sources are taken
  what.step = wire::Step::None;
  const pid_t pid = ::clone(child_main, stack + sizeof stack, flags, &what);
  if (pid < 0) {
    const long error = -errno;
    fail_at(what, wire::Step::Clone, error);
    return static_cast<pid_t>(error);
  }
  return pid;
}

long enter_scopes(std::uint64_t scopes, wire::Step& step) {
  const RulesetAttr attr{0, 0, scopes};
  step = wire::Step::LandlockRuleset;
  const long ruleset = landlock_create_ruleset(&attr, sizeof attr, 0);
  if (ruleset < 0) return ruleset;
  step = wire::Step::LandlockEnforce;
  long result = ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0
                    ? -errno
                    : landlock_restrict_self(static_cast<int>(ruleset));
  sys(SYS_close, ruleset);
  if (result == 0) step = wire::Step::None;
  return result;
}

}  // namespace ringfort::shim
