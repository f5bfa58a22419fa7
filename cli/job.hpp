// The flags of `run` as values, and what they mean: a service without a document, and its options.
#pragma once

#include "ringfort/cli/command.hpp"
#include "ringfort/specs/names.hpp"
#include "ringfort/specs/run_options.hpp"
#include "ringfort/specs/service.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace ringfort::cli {

struct JobFlags {
  std::string image;  ///< empty = the host's system directories
  Isolation isolation = Isolation::Auto;
  bool best_effort = false;
  std::optional<Durability> durability;  ///< empty = none when attached, process when detached
  std::optional<NetMode> net;
  specs::SeccompProfile seccomp = specs::SeccompProfile::Default;
  std::optional<RootfsMode> rootfs;  ///< empty = auto
  std::vector<std::uint16_t> connect;
  std::vector<std::uint16_t> listen;
  std::optional<Bytes> memory;
  specs::RestartPolicy restart;
  std::optional<Duration> timeout;
  Duration grace = std::chrono::seconds{2};
  std::vector<std::pair<std::string, std::string>> env;
  std::vector<std::string> read;   ///< as given
  std::vector<std::string> write;  ///< as given
  std::string user;
  std::string workdir;
  bool port = false;
  std::optional<Bytes> log_size;
  std::optional<std::size_t> log_files;
  std::optional<specs::LogMode> log_mode;
};

/// Declares all of them. `flags` must outlive the parsing.
void declare_job_flags(CLI::App& app, JobFlags& flags);

/// Those of a program whose output goes to a log.
void declare_log_flags(CLI::App& app, JobFlags& flags);

/// What this process was called in.
struct Caller {
  std::string directory;          ///< as getcwd(3) has it
  std::string logical_directory;  ///< as the shell has it, where that is the same place
  bool is_root = false;
  std::string sudo_user;  ///< "uid:gid" of who typed sudo; empty = nobody
};
Caller find_caller();

/// "1000:1000" from SUDO_UID and SUDO_GID; empty when they are absent, strange or root's. Pure.
std::string sudo_user(const char* uid, const char* gid);

struct Job {
  ContainerId id;
  specs::Service service;
  RunOptions options;
};

/// Errors: InvalidSpec for what contradicts itself, NotFound for a path that is not there.
Result<Job> make_job(const JobFlags& flags, const Arguments& command, const Caller& caller);

}  // namespace ringfort::cli
