#include "ringfort/platform/start_failure.hpp"

#include "ringfort/specs/names.hpp"

#include <cerrno>
#include <cstring>

namespace ringfort::platform {
namespace {

std::string program(const LaunchPlan& plan) {
  return plan.argv.empty() ? std::string{} : printable(plan.argv[0]);
}

Error exec_failure(int number, const LaunchPlan& plan) {
  Error error;
  error.kind = ErrorKind::StartFailed;
  error.os_errno = number;
  switch (number) {
    case ENOENT:
      error.what = program(plan) + ": not found in the container";
      error.hint =
          plan.level == Level::Landlock
              ? "check the path, or that its interpreter and libraries are in view (--read DIR)"
              : "check the path, or make it visible: --read DIR";
      break;
    case EACCES:
      error.what = program(plan) + ": permission denied";
      error.hint = "make it executable (chmod +x), or make it visible: --read DIR";
      break;
    case ENOEXEC:
      error.what = program(plan) + ": not a program this kernel can execute";
      error.hint = "start a script with a line such as #!/bin/sh";
      break;
    case E2BIG:
      error.what = program(plan) + ": arguments and environment are too long together";
      error.hint = "write them to a file or to stdin instead";
      break;
    default:
      error.what = program(plan) + ": " + std::strerror(number);
  }
  return error;
}

/// What the step was about, when the plan can tell.
std::string subject(wire::Step step, std::uint32_t detail, const LaunchPlan& plan) {
  const bool of_mount =
      step == wire::Step::MountSource || step == wire::Step::Mount || step == wire::Step::MountProc;
  if (of_mount && detail < plan.mounts.size()) {
    const auto& mount = plan.mounts[detail];
    return " " + (step == wire::Step::MountSource ? mount.source : mount.target);
  }
  if (step == wire::Step::LandlockRule && detail < plan.file_rules.size())
    return " " + plan.file_rules[detail].path;
  if (step == wire::Step::Relay && detail < plan.relay_ports.size())
    return " of port " + std::to_string(plan.relay_ports[detail].host);
  if (step == wire::Step::Workdir) return " " + plan.cwd;
  if (step == wire::Step::MountRoot) return " " + plan.root;
  return {};
}

bool has_flag(std::uint32_t detail, const LaunchPlan& plan, std::uint32_t flag) {
  return detail < plan.mounts.size() && (plan.mounts[detail].flags & flag) != 0;
}

/// A volume's target is in a tree that the image, or the program before, has made.
const char* why_no_mount(int number) {
  switch (number) {
    case ELOOP:
      return "a symbolic link lies there or on the way: choose a target without one";
    case ENOTDIR:
    case EINVAL:  // of move_mount(2): a directory onto something else
      return "something that is no directory lies there or on the way: choose another target";
    case EROFS:
      return "there is no such directory in what is read-only around it: make it there, or choose "
             "another target";
    default:
      return "choose a target of its own such as /data";
  }
}

/// A feature is switched off, or a filter around us refuses it.
bool is_refused_by_machine(wire::Step step, int number) {
  if (step == wire::Step::Network && number == ENOSPC) return true;  // max_net_namespaces
  if (number != ENOSYS && number != EPERM && number != EOPNOTSUPP) return false;
  switch (step) {
    case wire::Step::Clone:
    case wire::Step::MountPrivate:
    case wire::Step::MountRoot:
    case wire::Step::MountProc:
    case wire::Step::Pivot:
    case wire::Step::LandlockRuleset:
    case wire::Step::LandlockEnforce:
    case wire::Step::NoNewPrivs:
    case wire::Step::Seccomp:
    case wire::Step::Network:
    case wire::Step::Relay:
      return true;
    default:
      return false;
  }
}

}  // namespace

const char* name_of(wire::Step step) {
  switch (step) {
    case wire::Step::None:
      return "none";
    case wire::Step::Clone:
      return "clone";
    case wire::Step::IdMap:
      return "user namespace map";
    case wire::Step::Lock:
      return "shim lock";
    case wire::Step::Cgroup:
      return "cgroup";
    case wire::Step::Stdio:
      return "standard streams";
    case wire::Step::Session:
      return "session";
    case wire::Step::MountPrivate:
      return "private mounts";
    case wire::Step::MountSource:
      return "mount source";
    case wire::Step::MountRoot:
      return "root mount";
    case wire::Step::MountTarget:
      return "mount target";
    case wire::Step::MountProc:
      return "proc mount";
    case wire::Step::Mount:
      return "mount";
    case wire::Step::Pivot:
      return "pivot_root";
    case wire::Step::Hostname:
      return "hostname";
    case wire::Step::Limits:
      return "resource limits";
    case wire::Step::LandlockRuleset:
      return "landlock ruleset";
    case wire::Step::LandlockRule:
      return "landlock rule";
    case wire::Step::LandlockEnforce:
      return "landlock";
    case wire::Step::Ids:
      return "user and group";
    case wire::Step::Capabilities:
      return "capabilities";
    case wire::Step::NoNewPrivs:
      return "no new privileges";
    case wire::Step::Workdir:
      return "working directory";
    case wire::Step::Seccomp:
      return "seccomp";
    case wire::Step::Exec:
      return "exec";
    case wire::Step::Join:
      return "join";
    case wire::Step::Plan:
      return "launch plan";
    case wire::Step::Listen:
      return "listen on the port";
    case wire::Step::Network:
      return "network namespace";
    case wire::Step::Relay:
      return "relay";
  }
  return "unknown step";
}

Error start_failure(wire::Step step, int number, std::uint32_t detail, const LaunchPlan& plan,
                    const std::string& container) {
  Error error;
  if (step == wire::Step::Exec) {
    error = exec_failure(number, plan);
  } else {
    error.kind = ErrorKind::StartFailed;
    error.os_errno = number;
    error.what = std::string("cannot start: ") + name_of(step) + subject(step, detail, plan) +
                 ": " + std::strerror(number);
    if (step == wire::Step::Clone && number == EAGAIN)
      error.hint = "the machine or the user is out of processes: raise pids_max or ulimit -u";
    if (is_refused_by_machine(step, number))
      error.hint = "see what this machine offers: ringfort doctor";
    if (step == wire::Step::Listen && number == EADDRINUSE)
      error.hint = "another program listens there: create the container again for another port";
    if (step == wire::Step::Relay && number == EADDRINUSE)
      error.hint = "another program of this machine listens there: stop it, or list another port";
    if (step == wire::Step::Relay && number == EACCES)
      error.hint = "ports below 1024 are root's on this machine: list a higher one";
    if (step == wire::Step::Workdir || step == wire::Step::MountSource ||
        step == wire::Step::LandlockRule)
      error.hint = "check that the path is there and that this user can reach it";
    if (step == wire::Step::MountSource && number != ENOENT && number != EACCES &&
        has_flag(detail, plan, wire::kIdmapped))
      error.hint =
          "its file system can't be shown as the container's user's (no idmapped mounts): put it "
          "onto ext4, xfs, btrfs or the like, or run ringfort as a plain user";
    if (step == wire::Step::Mount && has_flag(detail, plan, wire::kVolume))
      error.hint = why_no_mount(number);
  }
  error.container = container;
  return error;
}

ExitRecord start_failure_record(wire::Step step, int number) {
  ExitRecord record;
  record.reason = EndReason::StartFailed;
  record.code = 125;
  if (step == wire::Step::Exec) record.code = number == ENOENT ? 127 : 126;
  return record;
}

}  // namespace ringfort::platform
