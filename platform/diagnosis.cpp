#include "ringfort/platform/diagnosis.hpp"

#include "ringfort/platform/policy.hpp"
#include "ringfort/platform/remedies.hpp"
#include "ringfort/specs/names.hpp"
#include "ringfort/specs/units.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace ringfort::platform {
namespace {

constexpr std::uint32_t kWantedAbi = 6;
const std::uint64_t kProgramFiles = Policy{}.max_files;
constexpr std::int64_t kFirstPort = 20000;
constexpr std::int64_t kLastPort = 31999;

std::string hex(std::uint32_t number) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  do text.insert(text.begin(), digits[number & 15U]);
  while ((number >>= 4U) != 0);
  return "0x" + text;
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const auto& word : words) text.append(text.empty() ? "" : " ").append(word);
  return text.empty() ? "nothing" : text;
}

/// The worse of two things to lack: what another level makes up for is only a reduction.
Grade lacking(bool made_up_for) { return made_up_for ? Grade::Reduced : Grade::Missing; }

/// To what a person reads.
std::string rounded(std::uint64_t bytes) {
  const unsigned shift = bytes >= std::uint64_t{10} << 30U ? 30 : 20;
  return to_string(Bytes{bytes >> shift << shift});
}

/// Root types the lines as they are; it may have no sudo either.
void drop_sudo(std::string& line) {
  for (std::size_t at = 0; (at = line.find("sudo ", at)) != line.npos;) line.erase(at, 5);
}

Finding user(const HostSurvey& survey) {
  Finding finding{"user", Grade::Good, "uid " + std::to_string(survey.uid), {}, {}};
  if (survey.root) {
    finding.value = "root: an own uid for each container";
  } else if (survey.uid == 0) {
    finding.value = "root without capabilities";
    finding.why = "treated as a plain user: it lacks CAP_SETUID, CAP_SETGID or CAP_SYS_ADMIN";
  }
  return finding;
}

Finding landlock(const HostSurvey& survey) {
  Finding finding{"landlock", Grade::Good, "ABI " + std::to_string(survey.landlock_abi), {}, {}};
  if (survey.landlock_errata)
    finding.value += ", errata fixed " + hex(*survey.landlock_errata);
  else if (survey.landlock_abi > 0)
    finding.value += ", errata not told by this kernel";
  const bool works = survey.landlock == 0 && survey.landlock_abi > 0;
  if (works && survey.landlock_abi >= kWantedAbi) return finding;
  finding.grade = lacking(!survey.namespaces_level);
  if (survey.landlock != 0) {
    finding.value = "none";
    finding.why = "landlock_create_ruleset: " + to_text(survey.landlock);
    finding.why += survey.landlock == EOPNOTSUPP ? " (built in, left out at boot)"
                   : survey.outer_filter         ? " (a seccomp filter is around ringfort)"
                                                 : "";
    finding.remedy = enable_landlock(survey);
  } else {
    finding.why = "level landlock takes ABI 6 (Linux 6.12)";
    finding.remedy = newer_kernel(survey);
  }
  return finding;
}

Finding seccomp(const HostSurvey& survey) {
  Finding finding{"seccomp", Grade::Good, "filters hold", {}, {}};
  if (survey.outer_filter) finding.value += ", one is around ringfort itself";
  if (survey.seccomp == 0) return finding;
  return {"seccomp", Grade::Missing, "no filters",
          "every level takes them: " + to_text(survey.seccomp), allow_call(survey)};
}

Finding calls(const HostSurvey& survey) {
  const std::pair<const char*, Trial> all[] = {{"pidfd_open", survey.pidfd},
                                               {"close_range", survey.close_range},
                                               {"openat2", survey.openat2},
                                               {"memfd_create", survey.memfd}};
  Finding finding{"system calls", Grade::Good, {}, {}, {}};
  for (const auto& [name, failed] : all) {
    finding.value.append(finding.value.empty() ? "" : " ").append(name);
    if (failed == 0) continue;
    finding.value += " (no)";
    finding.grade = Grade::Missing;
    finding.why.append(finding.why.empty() ? "every level takes " : ", ")
        .append(name)
        .append(": ")
        .append(to_text(failed));
  }
  if (finding.grade == Grade::Good) return finding;
  finding.remedy = survey.memfd == EACCES ? "sudo sysctl -w vm.memfd_noexec=0" : allow_call(survey);
  return finding;
}

/// What stands in the way, as far as it can be known from outside.
std::string obstacle(const HostSurvey& survey) {
  if (!survey.has_user_namespaces) return "this kernel was built without them";
  if (survey.max_user_namespaces == 0) return "user.max_user_namespaces is 0";
  if (survey.unprivileged_userns_clone == 0) return "kernel.unprivileged_userns_clone is 0";
  const bool of_apparmor = survey.user_namespace == 0 || survey.user_namespace == EACCES ||
                           survey.user_namespace == EPERM;
  if (survey.apparmor_restricts_userns.value_or(0) != 0 && of_apparmor)
    return "AppArmor: kernel.apparmor_restrict_unprivileged_userns is 1";
  if (survey.outer_filter) return "a seccomp filter around ringfort, as container engines set it";
  if (survey.user_namespace == ENOSPC || survey.user_namespace == EUSERS)
    return "too many are in use, or too deeply nested";
  if (survey.user_namespace == EPERM) return "a chroot, or a policy of this machine";
  return "a policy of this machine";
}

Finding user_namespaces(const HostSurvey& survey) {
  const Trial failed = survey.user_namespace != 0 ? survey.user_namespace : survey.namespace_rights;
  Finding finding{"user namespaces", Grade::Good, "allowed", {}, {}};
  if (failed == 0) return finding;
  finding.value = survey.user_namespace != 0 ? "refused: " : "allowed without rights: ";
  finding.value += to_text(failed);
  if (survey.root) {
    finding.why = "not needed by root; for other users: " + obstacle(survey);
    finding.remedy = allow_user_namespaces(survey);
    return finding;
  }
  finding.grade = lacking(!survey.landlock_level);
  finding.why = obstacle(survey);
  finding.remedy = allow_user_namespaces(survey);
  return finding;
}

std::string versions(const HostSurvey& survey) {
  const auto has = [&](int version) {
    return std::ranges::any_of(survey.cgroups,
                               [&](const auto& one) { return one.version == version; });
  };
  if (has(1) && has(2)) return "v1 and v2";
  return has(1) ? "v1" : has(2) ? "v2" : "none mounted";
}

Finding cgroups(const HostSurvey& survey) {
  std::vector<std::string> writable;
  for (const auto& one : survey.cgroups)
    for (const auto& controller : one.writable)
      if (std::ranges::find(writable, controller) == writable.end()) writable.push_back(controller);
  std::ranges::sort(writable);
  return {"cgroups", Grade::Good, versions(survey) + ", writable: " + joined(writable), {}, {}};
}

Finding memory_limits(const HostSurvey& survey) {
  if (survey.memory_cgroup) return {"memory limits", Grade::Good, "by the kernel", {}, {}};
  return {"memory limits", Grade::Reduced, "by polling",
          "no memory controller is writable: a fast program passes its limit for a moment",
          give_memory_cgroup(survey)};
}

Finding data_directory(const HostSurvey& survey) {
  const auto& dir = survey.data_dir;
  Finding finding{"data directory", Grade::Good, printable(dir.path, 200), {}, {}};
  if (dir.path.empty()) {
    finding.value = "none";
    finding.why = dir.hint;
  } else if (dir.write != 0) {
    finding.why = "can't write in " + printable(dir.place, 200) + ": " + to_text(dir.write);
  } else {
    finding.value += " (" + dir.filesystem + ", " + rounded(dir.free_bytes) + " free" +
                     (dir.place == dir.path ? ")" : ", not made yet)");
    return finding;
  }
  finding.grade = Grade::Missing;
  finding.remedy = give_data_dir(survey);
  return finding;
}

Finding reflink(const HostSurvey& survey) {
  const auto& dir = survey.data_dir;
  if (dir.write == 0 && dir.reflink == 0 && !dir.path.empty())
    return {"reflink", Grade::Good, "images share their blocks with clones", {}, {}};
  Finding finding{
      "reflink", Grade::Reduced, "no", "a root that is no overlay is a full copy of its image", {}};
  if (!dir.path.empty() && dir.write == 0) {
    finding.value += ": " + dir.filesystem + " says " + to_text(dir.reflink);
    finding.remedy = give_reflink(dir);
  }
  return finding;
}

Finding overlay(const HostSurvey& survey) {
  Finding finding{"overlay", Grade::Reduced, {}, "each container of an image is a full copy", {}};
  if (survey.overlay != 0) {
    finding.value = "can't be mounted: " + to_text(survey.overlay);
    if (survey.overlay == ENODEV) finding.remedy = "sudo modprobe overlay";
  } else if (survey.overlay_root) {
    finding.value = survey.overlay_root->what;
  } else {
    return {"overlay", Grade::Good, "a root can lie over its image", {}, {}};
  }
  if (survey.data_dir.write == 0 && survey.data_dir.reflink == 0 && !survey.data_dir.path.empty())
    finding.why = "each container of an image is a copy that shares its blocks";
  return finding;
}

Finding processes(const HostSurvey& survey) {
  std::int64_t most = std::min(survey.pid_max, survey.threads_max);
  std::string value = "pid_max " + std::to_string(survey.pid_max) + ", threads-max " +
                      std::to_string(survey.threads_max);
  if (survey.processes) {
    value += ", this user " + std::to_string(*survey.processes);
    most = std::min(most, static_cast<std::int64_t>(*survey.processes));
  }
  value += ": at most " + std::to_string(most / 2) + " containers";  // a shim and a program each
  if (most >= 4096) return {"processes", Grade::Good, value, {}, {}};
  const bool of_user = survey.processes && static_cast<std::int64_t>(*survey.processes) == most;
  return {"processes", Grade::Reduced, value, "a container is two processes at least",
          of_user                  ? "sudo prlimit --pid $$ --nproc=65536"
          : survey.pid_max == most ? "sudo sysctl -w kernel.pid_max=4194304"
                                   : "sudo sysctl -w kernel.threads-max=200000"};
}

Finding descriptors(const HostSurvey& survey) {
  const std::string value = std::to_string(survey.descriptors) + ", can be raised to " +
                            std::to_string(survey.most_descriptors);
  if (survey.most_descriptors >= kProgramFiles) return {"descriptors", Grade::Good, value, {}, {}};
  return {"descriptors", Grade::Reduced, value,
          "programs get that many instead of " + std::to_string(kProgramFiles),
          "sudo prlimit --pid $$ --nofile=65536"};
}

Finding ports(const HostSurvey& survey) {
  const std::string own = std::to_string(kFirstPort) + "-" + std::to_string(kLastPort);
  const std::string others = std::to_string(survey.first_ephemeral_port) + "-" +
                             std::to_string(survey.last_ephemeral_port);
  const bool overlap =
      survey.first_ephemeral_port <= kLastPort && kFirstPort <= survey.last_ephemeral_port;
  if (!overlap)
    return {
        "ports", Grade::Good, own + ", apart from outgoing connections (" + others + ")", {}, {}};
  return {"ports", Grade::Reduced, own + " overlaps outgoing connections (" + others + ")",
          "a port can be taken when a container wants it: it then gets another one",
          "sudo sysctl -w net.ipv4.ip_local_port_range='32768 60999'"};
}

LevelFinding landlock_level(const HostSurvey& survey, const std::vector<Finding>& findings) {
  LevelFinding level{"landlock", !survey.landlock_level, {}, {}};
  if (level.possible) return level;
  level.why = survey.landlock_level->what;
  for (const auto& finding : findings)
    if (finding.grade != Grade::Good && level.remedy.empty() &&
        (finding.name == "landlock" || finding.name == "seccomp" || finding.name == "system calls"))
      level.remedy = finding.remedy;
  return level;
}

LevelFinding namespaces_level(const HostSurvey& survey, const std::vector<Finding>& findings) {
  LevelFinding level{"namespaces", !survey.namespaces_level, {}, {}};
  if (level.possible) return level;
  level.why = survey.namespaces_level->what;
  for (const auto& finding : findings)
    if (finding.grade != Grade::Good && level.remedy.empty() &&
        (finding.name == "user namespaces" || finding.name == "seccomp" ||
         finding.name == "system calls"))
      level.remedy = finding.remedy;
  if (level.why.find("proc mount") != std::string::npos) {
    level.why += " (something is mounted over a part of /proc, as container engines do)";
    level.remedy = unmask_proc();
  }
  return level;
}

/// What `namespaces` lacks, this lacks too.
LevelFinding network_level(const HostSurvey& survey, const std::vector<Finding>& findings) {
  if (survey.namespaces_level) {
    auto level = namespaces_level(survey, findings);
    level.name = "network";
    return level;
  }
  LevelFinding level{"network", !survey.network_level, {}, {}};
  if (level.possible) return level;
  level.why = survey.network_level->what;
  level.remedy = allow_network_namespaces(survey);
  return level;
}

}  // namespace

std::string_view to_string(Grade grade) {
  switch (grade) {
    case Grade::Good:
      return "ok";
    case Grade::Reduced:
      return "reduced";
    case Grade::Missing:
      return "missing";
  }
  return "missing";
}

std::string to_text(Trial failed) {
  return failed == kNotHeld ? "accepted, but not held" : std::strerror(failed);
}

Diagnosis diagnose(const HostSurvey& survey) {
  Diagnosis diagnosis;
  auto& findings = diagnosis.findings;
  findings = {{"kernel", Grade::Good, "Linux " + survey.kernel + " " + survey.machine, {}, {}},
              user(survey),
              landlock(survey),
              seccomp(survey),
              calls(survey),
              user_namespaces(survey),
              cgroups(survey),
              memory_limits(survey),
              data_directory(survey),
              reflink(survey),
              overlay(survey),
              processes(survey),
              descriptors(survey),
              ports(survey)};
  diagnosis.levels = {landlock_level(survey, findings), namespaces_level(survey, findings),
                      network_level(survey, findings)};
  if (survey.uid == 0) {
    for (auto& finding : findings) drop_sudo(finding.remedy);
    for (auto& level : diagnosis.levels) drop_sudo(level.remedy);
  }
  const bool has_directory = !survey.data_dir.path.empty() && survey.data_dir.write == 0;
  if (!has_directory) return diagnosis;
  if (!survey.namespaces_level) {
    diagnosis.default_level = Level::Namespaces;
  } else if (!survey.landlock_level) {
    diagnosis.default_level = Level::Landlock;
  }
  return diagnosis;
}

}  // namespace ringfort::platform
