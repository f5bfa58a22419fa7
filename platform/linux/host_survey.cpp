#include "ringfort/platform/host_survey.hpp"

#include "ringfort/platform/cgroup.hpp"
#include "ringfort/platform/host_probe.hpp"
#include "ringfort/platform/linux/cgroup_place.hpp"
#include "ringfort/platform/linux/host_texts.hpp"
#include "ringfort/platform/linux/host_trials.hpp"
#include "ringfort/platform/linux/random_name.hpp"
#include "ringfort/platform/root_trials.hpp"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

namespace ringfort::platform {
namespace {

/// Empty when it is not there or not ours to read.
std::string text_of(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();  // an iterator of the buffer would throw where read(2) fails
  return text.str();
}

std::optional<std::int64_t> sysctl(const std::string& path) {
  return parse_number(text_of("/proc/sys/" + path));
}

/// landlock_create_ruleset(2) with LANDLOCK_CREATE_RULESET_ERRATA, since Linux 6.15.
std::optional<std::uint32_t> landlock_errata() {
  constexpr unsigned kErrata = 2;
  const long errata = ::syscall(SYS_landlock_create_ruleset, nullptr, 0, kErrata);
  if (errata < 0) return {};
  return static_cast<std::uint32_t>(errata);
}

void survey_system(HostSurvey& survey) {
  utsname name{};
  if (::uname(&name) == 0) {
    survey.kernel = name.release;
    survey.machine = name.machine;
  }
  survey.os = parse_os_release(text_of("/etc/os-release"));
  survey.uid = host_facts().uid;
  survey.root = host_facts().root;
  std::error_code error;
  survey.systemd = std::filesystem::is_directory("/run/systemd/system", error);
}

void survey_confinement(HostSurvey& survey) {
  survey.landlock_abi = host_facts().landlock_abi;
  survey.landlock = try_landlock();
  survey.landlock_errata = landlock_errata();
  const auto lsm = text_of("/sys/kernel/security/lsm");
  survey.lsm = lsm.substr(0, lsm.find('\n'));
  survey.seccomp = try_seccomp();
  const auto mode = status_value(text_of("/proc/self/status"), "Seccomp");
  survey.outer_filter = mode && *mode == "2";
  survey.pidfd = try_pidfd();
  survey.close_range = try_close_range();
  survey.openat2 = try_openat2();
  survey.memfd = try_memfd();
}

void survey_namespaces(HostSurvey& survey) {
  survey.user_namespace = try_user_namespace();
  survey.namespace_rights = try_namespace_rights();
  std::error_code error;
  survey.has_user_namespaces = std::filesystem::exists("/proc/self/ns/user", error);
  survey.max_user_namespaces = sysctl("user/max_user_namespaces");
  survey.max_net_namespaces = sysctl("user/max_net_namespaces");
  survey.unprivileged_userns_clone = sysctl("kernel/unprivileged_userns_clone");
  survey.apparmor_restricts_userns = sysctl("kernel/apparmor_restrict_unprivileged_userns");
  survey.overlay = try_overlay(survey.root);
}

std::vector<std::string> words(const std::string& text) {
  std::istringstream stream(text);
  return {std::istream_iterator<std::string>(stream), {}};
}

/// A v2 cgroup with processes in it can pass no controller on, so ours are made beside it where
/// that is allowed: see cgroup_place.hpp.
CgroupSurvey survey_v2(const std::string& own, const std::string& mountinfo,
                       const std::string& cgroup) {
  CgroupSurvey best;
  for (const auto& place : cgroup_candidates(mountinfo, cgroup)) {
    if (place.version != CgroupVersion::V2) continue;
    CgroupSurvey one;
    one.directory = place.directory;
    one.offered = words(text_of(place.directory + "/cgroup.controllers"));
    try_cgroup(one);
    if (best.directory.empty() || (best.make != 0 && one.make == 0) ||
        best.writable.size() < one.writable.size())
      best = std::move(one);
  }
  if (best.directory.empty()) best.directory = own;
  return best;
}

void survey_cgroups(HostSurvey& survey, const std::string& mountinfo) {
  const auto own = text_of("/proc/self/cgroup");
  for (auto& hierarchy : cgroup_hierarchies(mountinfo, own)) {
    if (hierarchy.version == CgroupVersion::V2) {
      survey.cgroups.push_back(survey_v2(hierarchy.directory, mountinfo, own));
      continue;
    }
    CgroupSurvey one;
    one.version = 1;
    one.directory = std::move(hierarchy.directory);
    one.offered = std::move(hierarchy.controllers);
    try_cgroup(one);
    survey.cgroups.push_back(std::move(one));
  }
  survey.memory_cgroup = MemoryCgroup::available();
}

void survey_limits(HostSurvey& survey) {
  survey.pid_max = sysctl("kernel/pid_max").value_or(0);
  survey.threads_max = sysctl("kernel/threads-max").value_or(0);
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    survey.descriptors = limit.rlim_cur;
    survey.most_descriptors = limit.rlim_max;
  }
  if (::getrlimit(RLIMIT_NPROC, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY)
    survey.processes = limit.rlim_cur;
  if (const auto range = parse_range(text_of("/proc/sys/net/ipv4/ip_local_port_range"))) {
    survey.first_ephemeral_port = range->first;
    survey.last_ephemeral_port = range->second;
  }
}

std::optional<Error> refusal(const Status& tried) {
  if (tried) return {};
  return tried.error();
}

}  // namespace

HostSurvey survey_host(const std::string& data_dir, Spawner& spawner) {
  HostSurvey survey;
  const auto mountinfo = text_of("/proc/self/mountinfo");
  survey_system(survey);
  survey_confinement(survey);
  survey_namespaces(survey);
  survey_cgroups(survey, mountinfo);
  survey_limits(survey);
  if (!data_dir.empty()) survey.data_dir = survey_data_dir(data_dir, mountinfo);
  survey.landlock_level = refusal(try_level(Level::Landlock, spawner));
  survey.namespaces_level = refusal(try_level(Level::Namespaces, spawner));
  survey.network_level = refusal(try_level(Level::Network, spawner));
  if (survey.data_dir.write == 0 && !survey.data_dir.place.empty())
    survey.overlay_root = refusal(
        try_overlay_root(survey.data_dir.place, ".ringfort-probe-" + random_name(), spawner));
  return survey;
}

}  // namespace ringfort::platform
