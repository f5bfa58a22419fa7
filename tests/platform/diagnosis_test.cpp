#include "ringfort/platform/diagnosis.hpp"

#include "ringfort/platform/remedies.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <cerrno>

namespace ringfort::platform {
namespace {

using testing::AllOf;
using testing::Each;
using testing::Field;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

/// A machine on which a plain user lacks nothing.
HostSurvey whole_machine() {
  HostSurvey survey;
  survey.kernel = "6.12.9";
  survey.machine = "x86_64";
  survey.os = {"debian", "bookworm"};
  survey.uid = 1000;
  survey.landlock_abi = 6;
  survey.landlock_errata = 3;
  survey.max_user_namespaces = 15000;
  survey.cgroups = {{2, "/sys/fs/cgroup/user", 0, {"memory", "pids"}, {"memory", "pids"}}};
  survey.memory_cgroup = true;
  survey.data_dir = {"/data", {}, "/data", "xfs", 0, 0, std::uint64_t{20} << 30U};
  survey.pid_max = 4194304;
  survey.threads_max = 200000;
  survey.descriptors = 1024;
  survey.most_descriptors = 524288;
  survey.first_ephemeral_port = 32768;
  survey.last_ephemeral_port = 60999;
  return survey;
}

Error refused(std::string what) { return {ErrorKind::Unsupported, std::move(what), {}, {}, 0}; }

const Finding& finding(const Diagnosis& diagnosis, std::string_view name) {
  const auto found = std::ranges::find(diagnosis.findings, name, &Finding::name);
  if (found != diagnosis.findings.end()) return *found;
  ADD_FAILURE() << "no finding " << name;
  return diagnosis.findings.front();
}

const LevelFinding& level(const Diagnosis& diagnosis, std::string_view name) {
  const auto found = std::ranges::find(diagnosis.levels, name, &LevelFinding::name);
  if (found != diagnosis.levels.end()) return *found;
  ADD_FAILURE() << "no level " << name;
  return diagnosis.levels.front();
}

TEST(Diagnosis, AWholeMachineNeedsNothing) {
  const auto diagnosis = diagnose(whole_machine());
  EXPECT_THAT(diagnosis.findings,
              Each(AllOf(Field(&Finding::grade, Grade::Good), Field(&Finding::why, ""),
                         Field(&Finding::remedy, ""))));
  EXPECT_EQ(diagnosis.default_level, Level::Namespaces);
  EXPECT_TRUE(level(diagnosis, "landlock").possible);
  EXPECT_TRUE(level(diagnosis, "namespaces").possible);
  EXPECT_TRUE(level(diagnosis, "network").possible);
}

TEST(Diagnosis, WithoutOverlayRootsImagesAreCopied) {
  auto survey = whole_machine();
  survey.data_dir.reflink = EOPNOTSUPP;
  survey.overlay_root = refused("no root can be an overlay here: cannot start: root mount");
  const auto refused_root = finding(diagnose(survey), "overlay");
  EXPECT_EQ(refused_root.grade, Grade::Reduced);
  EXPECT_THAT(refused_root.value, HasSubstr("root mount"));
  EXPECT_THAT(refused_root.why, HasSubstr("full copy"));
  survey.overlay = ENODEV;
  EXPECT_EQ(finding(diagnose(survey), "overlay").remedy, "sudo modprobe overlay");
  survey.data_dir.reflink = 0;
  EXPECT_THAT(finding(diagnose(survey), "overlay").why, HasSubstr("shares its blocks"));
}

TEST(Diagnosis, TheNetworkLevelLacksWhatNamespacesLackAndNamespacesOfItsOwn) {
  auto survey = whole_machine();
  survey.max_net_namespaces = 0;
  survey.network_level = refused("cannot start: network namespace: No space left on device");
  auto diagnosis = diagnose(survey);
  EXPECT_TRUE(level(diagnosis, "namespaces").possible);
  EXPECT_EQ(diagnosis.default_level, Level::Namespaces);
  EXPECT_FALSE(level(diagnosis, "network").possible);
  EXPECT_THAT(level(diagnosis, "network").why, HasSubstr("network namespace"));
  EXPECT_EQ(level(diagnosis, "network").remedy, "sudo sysctl -w user.max_net_namespaces=15000");

  survey.max_user_namespaces = 0;
  survey.user_namespace = ENOSPC;
  survey.namespaces_level = refused("cannot start: clone: No space left on device");
  diagnosis = diagnose(survey);
  EXPECT_EQ(level(diagnosis, "network").why, level(diagnosis, "namespaces").why);
  EXPECT_EQ(level(diagnosis, "network").remedy, level(diagnosis, "namespaces").remedy);
}

TEST(Diagnosis, WhatBlocksUserNamespacesIsNamedWithTheLineThatLiftsIt) {
  struct Row {
    const char* what;
    void (*change)(HostSurvey&);
    const char* why;
    const char* remedy;
  };
  const Row rows[] = {
      {"no room",
       [](HostSurvey& survey) {
         survey.user_namespace = ENOSPC;
         survey.max_user_namespaces = 0;
       },
       "max_user_namespaces is 0", "sudo sysctl -w user.max_user_namespaces=15000"},
      {"Debian's switch",
       [](HostSurvey& survey) {
         survey.user_namespace = EPERM;
         survey.unprivileged_userns_clone = 0;
       },
       "unprivileged_userns_clone is 0", "sudo sysctl -w kernel.unprivileged_userns_clone=1"},
      {"Ubuntu's switch",
       [](HostSurvey& survey) {
         survey.namespace_rights = EACCES;
         survey.apparmor_restricts_userns = 1;
       },
       "AppArmor", "sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0"},
      {"an engine's filter",
       [](HostSurvey& survey) {
         survey.user_namespace = EPERM;
         survey.outer_filter = true;
       },
       "seccomp filter around", "docker run --security-opt seccomp=unconfined"},
      {"an old kernel",
       [](HostSurvey& survey) {
         survey.user_namespace = EINVAL;
         survey.has_user_namespaces = false;
       },
       "built without", "echo 'deb http://deb.debian.org/debian bookworm-backports main'"}};
  for (const auto& row : rows) {
    auto survey = whole_machine();
    row.change(survey);
    survey.namespaces_level = refused("cannot start: clone: it failed");
    const auto diagnosis = diagnose(survey);
    const auto& found = finding(diagnosis, "user namespaces");
    EXPECT_EQ(found.grade, Grade::Reduced) << row.what << ": landlock is left";
    EXPECT_THAT(found.why, HasSubstr(row.why)) << row.what;
    EXPECT_THAT(found.remedy, StartsWith(row.remedy)) << row.what;
    EXPECT_EQ(level(diagnosis, "namespaces").remedy, found.remedy) << row.what;
    EXPECT_EQ(diagnosis.default_level, Level::Landlock) << row.what;
  }
}

TEST(Diagnosis, WithoutAnyLevelThePartIsMissing) {
  auto survey = whole_machine();
  survey.user_namespace = EPERM;
  survey.namespaces_level = refused("cannot start: clone: it failed");
  survey.landlock = ENOSYS;
  survey.landlock_abi = 0;
  survey.landlock_level = refused("needs Landlock ABI 6");
  const auto diagnosis = diagnose(survey);
  EXPECT_EQ(diagnosis.default_level, std::nullopt);
  EXPECT_EQ(finding(diagnosis, "landlock").grade, Grade::Missing);
  EXPECT_EQ(finding(diagnosis, "user namespaces").grade, Grade::Missing);
}

TEST(Diagnosis, LandlockLeftOutAtBootIsPutInFrontOfTheList) {
  auto survey = whole_machine();
  survey.landlock = EOPNOTSUPP;
  survey.landlock_abi = 0;
  survey.landlock_errata.reset();
  survey.lsm = "lockdown,capability,yama";
  survey.landlock_level = refused("needs Landlock ABI 6");
  const auto found = finding(diagnose(survey), "landlock");
  EXPECT_EQ(found.grade, Grade::Reduced);
  EXPECT_THAT(found.remedy, HasSubstr("lsm=landlock,lockdown,yama "));
}

TEST(Diagnosis, AnOldLandlockAsksForANewerKernel) {
  auto survey = whole_machine();
  survey.landlock_abi = 4;
  survey.landlock_errata.reset();
  survey.landlock_level = refused("needs Landlock ABI 6");
  const auto found = finding(diagnose(survey), "landlock");
  EXPECT_EQ(found.value, "ABI 4, errata not told by this kernel");
  EXPECT_THAT(found.remedy, HasSubstr("bookworm-backports"));
  survey.os = {"ubuntu", "noble"};
  EXPECT_THAT(finding(diagnose(survey), "landlock").remedy, HasSubstr("linux-generic-hwe"));
}

TEST(Diagnosis, AMaskedProcIsTheEnginesToUnmask) {
  auto survey = whole_machine();
  survey.namespaces_level = refused("cannot start: proc mount /proc: Operation not permitted");
  const auto diagnosis = diagnose(survey);
  EXPECT_THAT(level(diagnosis, "namespaces").remedy, HasSubstr("systempaths=unconfined"));
}

TEST(Diagnosis, ACallThatEveryLevelTakesIsMissing) {
  auto survey = whole_machine();
  survey.pidfd = ENOSYS;
  survey.outer_filter = true;
  survey.landlock_level = survey.namespaces_level = refused("cannot start: clone");
  const auto diagnosis = diagnose(survey);
  const auto& found = finding(diagnosis, "system calls");
  EXPECT_EQ(found.grade, Grade::Missing);
  EXPECT_THAT(found.value, HasSubstr("pidfd_open (no)"));
  EXPECT_THAT(found.remedy, HasSubstr("seccomp=unconfined"));
  survey.pidfd = 0;
  survey.memfd = EACCES;
  EXPECT_THAT(finding(diagnose(survey), "system calls").remedy, HasSubstr("memfd_noexec=0"));
}

TEST(Diagnosis, AMemoryCgroupIsHadInTheWayTheMachineHasIt) {
  auto survey = whole_machine();
  survey.memory_cgroup = false;
  survey.systemd = true;
  EXPECT_THAT(finding(diagnose(survey), "memory limits").remedy, StartsWith("systemd-run --user"));
  survey.systemd = false;
  EXPECT_THAT(finding(diagnose(survey), "memory limits").remedy,
              AllOf(HasSubstr("chown -R 1000"), HasSubstr("subtree_control")));
  survey.cgroups = {{1, "/sys/fs/cgroup/memory/a b", EACCES, {}, {"memory"}}};
  EXPECT_THAT(
      finding(diagnose(survey), "memory limits").remedy,
      AllOf(HasSubstr("'/sys/fs/cgroup/memory/a b/ringfort-1000'"), HasSubstr("cgroup.procs")));
  survey.cgroups.clear();
  EXPECT_THAT(finding(diagnose(survey), "memory limits").remedy, HasSubstr("mount -t cgroup2"));
  EXPECT_EQ(finding(diagnose(survey), "memory limits").grade, Grade::Reduced);
}

TEST(Diagnosis, WithoutADataDirectoryNothingCanBeMade) {
  auto survey = whole_machine();
  survey.data_dir.write = EROFS;
  auto diagnosis = diagnose(survey);
  EXPECT_EQ(diagnosis.default_level, std::nullopt);
  EXPECT_EQ(finding(diagnosis, "data directory").grade, Grade::Missing);
  survey.data_dir = {};
  survey.data_dir.hint = "HOME is not set";
  diagnosis = diagnose(survey);
  EXPECT_THAT(finding(diagnosis, "data directory").why, HasSubstr("HOME"));
  EXPECT_THAT(finding(diagnosis, "data directory").remedy, HasSubstr("RINGFORT_DATA_DIR="));
}

TEST(Diagnosis, LimitsThatAreShortAreSaidWithTheLineThatRaisesThem) {
  auto survey = whole_machine();
  survey.most_descriptors = 1024;
  survey.processes = 200;
  survey.first_ephemeral_port = 1024;
  const auto diagnosis = diagnose(survey);
  EXPECT_THAT(finding(diagnosis, "descriptors").remedy, HasSubstr("prlimit --pid $$ --nofile"));
  EXPECT_THAT(finding(diagnosis, "processes").remedy, HasSubstr("--nproc"));
  EXPECT_THAT(finding(diagnosis, "processes").value, HasSubstr("at most 100 containers"));
  EXPECT_THAT(finding(diagnosis, "ports").remedy, HasSubstr("ip_local_port_range"));
}

TEST(Diagnosis, RootTypesTheLinesWithoutSudo) {
  auto survey = whole_machine();
  survey.uid = 0;
  survey.root = true;
  survey.user_namespace = ENOSPC;
  survey.max_user_namespaces = 0;
  const auto found = finding(diagnose(survey), "user namespaces");
  EXPECT_EQ(found.grade, Grade::Good) << "root needs none";
  EXPECT_EQ(found.remedy, "sysctl -w user.max_user_namespaces=15000");
}

TEST(ShellWord, IsOneWordWhateverItHolds) {
  EXPECT_EQ(shell_word("/var/lib/x-1"), "/var/lib/x-1");
  EXPECT_EQ(shell_word("a b"), "'a b'");
  EXPECT_EQ(shell_word("it's;rm"), "'it'\\''s;rm'");
  EXPECT_EQ(shell_word(""), "''");
}

}  // namespace
}  // namespace ringfort::platform
