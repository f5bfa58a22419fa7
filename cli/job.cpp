#include "ringfort/cli/job.hpp"

#include "ringfort/cli/options.hpp"
#include "ringfort/cli/paths.hpp"
#include "ringfort/specs/restart.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <random>

#include <sys/stat.h>
#include <unistd.h>

namespace ringfort::cli {
namespace {

tl::unexpected<Error> wrong(std::string what, std::string hint) {
  return fail(ErrorKind::InvalidSpec, std::move(what), std::move(hint));
}

/// Eight letters and digits that nobody else has.
std::string random_word() {
  constexpr std::string_view letters = "abcdefghijklmnopqrstuvwxyz0123456789";
  std::random_device source;
  std::uniform_int_distribution<std::size_t> pick{0, letters.size() - 1};
  std::string word;
  while (word.size() < 8) word += letters[pick(source)];
  return word;
}

Result<NetMode> network(const JobFlags& flags) {
  const bool has_ports = flags.port || !flags.connect.empty() || !flags.listen.empty();
  if (!flags.net) return has_ports ? NetMode::Local : NetMode::None;
  if (*flags.net == NetMode::None && has_ports)
    return wrong("--net none and a port contradict each other",
                 "write --net local, or leave out --port, --connect and --listen");
  return *flags.net;
}

Status check_seccomp(const JobFlags& flags, NetMode net) {
  if (flags.seccomp != specs::SeccompProfile::Strict || net == NetMode::None) return {};
  return wrong("--seccomp strict makes no sockets, but a network is asked for",
               "leave out --seccomp, or --net and the ports");
}

Status add_paths(const std::vector<std::string>& given, const char* flag, const Caller& caller,
                 std::vector<std::string>& target) {
  for (const auto& path : given) {
    auto visible = visible_paths(path, caller.logical_directory);
    if (!visible) {
      Error error = visible.error();
      error.what.insert(0, std::string{flag} + ": ");
      return fail(std::move(error));
    }
    target.insert(target.end(), visible->begin(), visible->end());
  }
  return {};
}

/// With an image it is a path inside; else a host path that must be visible.
Status set_workdir(const JobFlags& flags, const Caller& caller, Job& job) {
  if (flags.workdir.empty()) {
    if (flags.image.empty()) job.options.workdir = caller.directory;
    return {};
  }
  if (!flags.image.empty()) {
    job.service.command.workdir = flags.workdir;
    return {};
  }
  const auto visible = visible_paths(flags.workdir, caller.logical_directory);
  if (!visible) return fail(visible.error());
  const auto covers = [&](const std::string& path) { return is_below(visible->front(), path); };
  if (std::ranges::none_of(job.options.read, covers) &&
      std::ranges::none_of(job.options.write, covers))
    return wrong("--workdir: " + printable(flags.workdir, 200) + " is not visible inside",
                 "add --read " + printable(flags.workdir, 200));
  job.options.workdir = visible->front();
  return {};
}

}  // namespace

void declare_job_flags(CLI::App& app, JobFlags& flags) {
  add_option(app, "--image", "NAME", "a registered image instead of the host's programs",
             into(parse_text, flags.image));
  add_option(app, "--isolation", "LEVEL", "auto (default), landlock, namespaces or network",
             into(parse_isolation_flag, flags.isolation));
  add_flag(app, "--best-effort", "take a lower level, and say so, where that one can't be had",
           flags.best_effort);
  add_option(app, "--durability", "HOW",
             "none (default), process (survives any process; default of -d) or full (a power cut)",
             into(parse_durability_flag, flags.durability));
  add_option(app, "--net", "MODE", "none (default), local or full",
             into(parse_net_flag, flags.net));
  add_option(app, "--seccomp", "PROFILE",
             "system calls: default, build (debuggers, too) or strict (no sockets)",
             into(parse_seccomp_flag, flags.seccomp));
  add_option(app, "--rootfs", "MODE",
             "of an image: visible (a copy), overlay, or auto (default), the cheaper one",
             into(parse_rootfs_flag, flags.rootfs));
  add_option(app, "--connect", "PORT", "may connect to this local port; implies --net local",
             append(parse_port, flags.connect));
  add_option(app, "--listen", "PORT", "may listen on this local port; implies --net local",
             append(parse_port, flags.listen));
  add_flag(app, "--port", "one own port, in PORT; implies --net local", flags.port);
  add_option(app, "--memory", "SIZE", "limit of the whole tree, such as 512Mi",
             into(parse_size_limit, flags.memory));
  add_option(app, "--timeout", "TIME", "TERM after this time, such as 30s; the code is then 124",
             into(parse_time_limit, flags.timeout));
  add_option(app, "--restart", "POLICY", "no; others need a supervisor that lives: see `up`",
             into(specs::parse_restart_policy, flags.restart));
  add_option(app, "--grace", "TIME", "from TERM to KILL after the timeout (default 2s)",
             into(parse_duration, flags.grace));
  add_option(app, "--env", "NAME=VALUE", "a variable; nothing else is handed on",
             append(parse_variable, flags.env));
  add_option(app, "--read", "PATH", "may read and execute what is there",
             append(parse_text, flags.read));
  add_option(app, "--write", "PATH", "may also create, change and remove there",
             append(parse_text, flags.write));
  add_option(app, "--workdir", "DIR", "start there; must be visible inside",
             into(parse_text, flags.workdir));
  add_option(app, "--user", "USER", "name or uid[:gid] to run as, when ringfort runs as root",
             into(parse_text, flags.user));
}

void declare_log_flags(CLI::App& app, JobFlags& flags) {
  add_option(app, "--log-size", "SIZE", "begin a new log file at this size (default 10Mi)",
             into(parse_size_limit, flags.log_size));
  add_option(app, "--log-files", "N", "keep the newest N log files (default 3)",
             into([](std::string_view text) { return parse_count(text, 100); }, flags.log_files));
  add_option(app, "--log-mode", "MODE",
             "on a full disk: drop output (default) or block the program",
             into(parse_log_mode_flag, flags.log_mode));
}

std::string sudo_user(const char* uid, const char* gid) {
  const auto number = [](const char* text) -> std::optional<std::uint32_t> {
    std::uint32_t value = 0;
    if (text == nullptr) return std::nullopt;
    const auto* end = text + std::strlen(text);
    const auto [stop, error] = std::from_chars(text, end, value);
    if (error != std::errc{} || stop != end) return std::nullopt;
    return value;
  };
  const auto user = number(uid);
  const auto group = number(gid);
  if (!user || !group || *user == 0) return {};
  return std::to_string(*user) + ":" + std::to_string(*group);
}

Caller find_caller() {
  Caller caller;
  std::error_code error;
  caller.directory = std::filesystem::current_path(error).string();
  caller.logical_directory = caller.directory;
  const char* shell_says = std::getenv("PWD");
  struct stat here {};
  struct stat there {};
  if (shell_says != nullptr && shell_says[0] == '/' && ::stat(".", &here) == 0 &&
      ::stat(shell_says, &there) == 0 && here.st_ino == there.st_ino && here.st_dev == there.st_dev)
    caller.logical_directory = absolute_path(shell_says, "/");
  caller.is_root = ::geteuid() == 0;
  if (caller.is_root)
    caller.sudo_user = sudo_user(std::getenv("SUDO_UID"), std::getenv("SUDO_GID"));
  return caller;
}

Result<Job> make_job(const JobFlags& flags, const Arguments& command, const Caller& caller) {
  if (command.empty())
    return wrong("the program is missing", "write it behind the options: -- CMD");
  if (flags.restart.kind != specs::RestartKind::No)
    return fail(ErrorKind::Unsupported,
                "a restart policy needs a supervisor that lives, and this command does not stay to "
                "be one",
                "write restart_policy into a spec, then: ringfort up SPEC");
  Job job;
  job.id.service = "run-" + std::to_string(::getpid()) + "-" + random_word();
  job.service.image.name = flags.image.empty() ? "host" : flags.image;
  job.service.command.entrypoint = command;
  job.service.env.insert(flags.env.rbegin(), flags.env.rend());  // the last of one name wins
  job.service.resources.memory = flags.memory;
  if (flags.log_size || flags.log_files || flags.log_mode) {
    auto& logs = job.service.logs.emplace();
    logs.max_size = flags.log_size;
    if (flags.log_files) logs.max_files = static_cast<std::uint32_t>(*flags.log_files);
    logs.mode = flags.log_mode.value_or(specs::LogMode::Drop);
  }

  auto& options = job.options;
  options.isolation = flags.isolation;
  options.best_effort = flags.best_effort;
  const auto net = network(flags);
  if (!net) return fail(net.error());
  if (auto fits = check_seccomp(flags, *net); !fits) return fail(fits.error());
  job.service.seccomp = flags.seccomp;
  job.service.rootfs = flags.rootfs;
  job.options.rootfs = RootfsMode::Auto;
  options.net = *net;
  options.connect = flags.connect;
  options.listen = flags.listen;
  options.own_port = flags.port;
  options.timeout = flags.timeout;
  options.grace = flags.grace;
  options.durability = flags.durability.value_or(Durability::None);
  if (!flags.user.empty()) {
    options.user = flags.user;
  } else if (!caller.sudo_user.empty()) {
    options.user = caller.sudo_user;
  }
  if (auto added = add_paths(flags.read, "--read", caller, options.read); !added)
    return fail(added.error());
  if (auto added = add_paths(flags.write, "--write", caller, options.write); !added)
    return fail(added.error());
  if (auto set = set_workdir(flags, caller, job); !set) return fail(set.error());
  return job;
}

}  // namespace ringfort::cli
