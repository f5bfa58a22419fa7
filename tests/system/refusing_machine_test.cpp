// Machines that lack something, played by tests/wrappers/deny_calls: each container is refused with
// the feature's name, or made openly weaker, never silently open.
#include "ringfort/support/command.hpp"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include <filesystem>
#include <string>
#include <tuple>
#include <vector>

namespace ringfort::test {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::AnyOf;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

using Words = std::vector<std::string>;

const Words kNoLandlock{"landlock_create_ruleset=ENOSYS", "landlock_add_rule=ENOSYS",
                        "landlock_restrict_self=ENOSYS"};
const Words kLandlockOff{"landlock_create_ruleset=EOPNOTSUPP", "landlock_add_rule=EOPNOTSUPP",
                         "landlock_restrict_self=EOPNOTSUPP"};
const Words kNoNamespaces{"unshare=EPERM", "clone=EPERM"};
/// As Docker's default profile has it.
const Words kEngine{"unshare=EPERM", "clone=EPERM", "clone3=ENOSYS", "mount=EPERM"};

Words operator+(Words left, const Words& right) {
  left.insert(left.end(), right.begin(), right.end());
  return left;
}

class RefusingMachine : public testing::TestWithParam<User> {
 protected:
  void SetUp() override {
    if (GetParam() == User::Plain && ::geteuid() != 0) GTEST_SKIP() << "only root can be another";
    for (const char* level : {"landlock", "namespaces"})
      if (const auto why = command_.refusal(level)) GTEST_SKIP() << *why;
    command_.write("secret", "SECRET\n");
  }
  void TearDown() override {
    if (IsSkipped()) return;
    EXPECT_THAT(command_.leftovers(), IsEmpty());
  }

  Outcome on(const Words& lacks, const Words& words, const std::string& abi = {}) const {
    auto options = command_.options();
    if (!abi.empty()) options.env["RINGFORT_TEST_LANDLOCK_ABI"] = abi;
    Words argv{RINGFORT_BIN_DIR "/deny_calls"};
    return run_program(argv + lacks + Words{"--"} + command_.argv(words), options);
  }

  /// `run` of a program that tries for a file outside of its rules, with a report.
  Outcome run(const Words& lacks, const Words& flags, const std::string& abi = {}) {
    const auto report = command_.home() + "/report";
    const auto ended = on(lacks,
                          Words{"run", "--report", report} + flags +
                              Words{"--", "sh", "-c",
                                    "echo ran; cat '" + command_.home() +
                                        "/secret' && echo OPEN; "
                                        "exit 0"},
                          abi);
    report_ = json::parse(read_file(report), nullptr, false);
    return ended;
  }

  void expect_refused(const Outcome& ended, const std::string& feature) const {
    EXPECT_EQ(ended.code, 125) << ended.err;
    EXPECT_EQ(ended.out, "") << "the program must not have begun";
    EXPECT_THAT(ended.err, AllOf(HasSubstr(feature), HasSubstr("ringfort doctor")));
  }
  void expect_confined(const Outcome& ended, const std::string& level) const {
    EXPECT_EQ(ended.code, 0) << ended.err;
    EXPECT_EQ(ended.out, "ran\n") << "nothing outside of the rules may be read";
    EXPECT_EQ(report_.value("level", ""), level);
  }

  Command command_{GetParam()};
  json report_;
};

TEST_P(RefusingMachine, TheProbeReadsTheSecretWhereNothingHoldsIt) {
  const auto shell = run_program({"cat", command_.home() + "/secret"});
  EXPECT_EQ(shell.out, "SECRET\n");
  for (const char* level : {"landlock", "namespaces"}) {
    expect_confined(run({}, {"--isolation", level}), level);
    EXPECT_TRUE(report_["lowered"].is_null());
    expect_confined(run({}, {"--isolation", level, "--best-effort"}), level);
    EXPECT_TRUE(report_["lowered"].is_null()) << "nothing is lacking";
  }
  const auto opened = run({}, {"--read", command_.home() + "/secret"});
  EXPECT_EQ(opened.out, "ran\nSECRET\nOPEN\n") << "a rule lets it through";
}

TEST_P(RefusingMachine, WithoutLandlockThatLevelIsRefused) {
  for (const auto& lacks : {kNoLandlock, kLandlockOff}) {
    expect_refused(run(lacks, {"--isolation", "landlock"}), "Landlock ABI 6");
    const auto best = run(lacks, {"--isolation", "landlock", "--best-effort"});
    expect_confined(best, "namespaces");
    EXPECT_THAT(best.err, HasSubstr("lowered to namespaces"));
    EXPECT_THAT(report_["lowered"], HasSubstr("Landlock ABI 6"));
  }
}

/// What was possible a moment ago, as seen by a process with as many filters: nothing runs weaker
/// than it says, and the next one knows.
TEST_P(RefusingMachine, AYesThatHasBecomeWrongFailsOnceAndIsForgotten) {
  const Words lacks_nothing_of_ours{"netns=ENOSPC"};
  expect_confined(run(lacks_nothing_of_ours, {"--isolation", "auto"}), "namespaces");
  const auto wrong = run(kNoNamespaces, {"--isolation", "auto"});
  EXPECT_EQ(wrong.code, 125) << wrong.err;
  EXPECT_EQ(wrong.out, "") << "the program must not have begun";
  expect_confined(run(kNoNamespaces, {"--isolation", "auto"}), "landlock");
  expect_confined(run(lacks_nothing_of_ours, {"--isolation", "auto"}), "namespaces");
}

/// As with user.max_net_namespaces at 0.
TEST_P(RefusingMachine, WithoutNetworkNamespacesThatLevelIsRefused) {
  if (const auto why = command_.refusal("network")) GTEST_SKIP() << *why;
  const Words lacks{"netns=ENOSPC"};
  expect_confined(run({}, {"--isolation", "network", "--port"}), "network");
  for (const Words& port : {Words{}, Words{"--port"}}) {
    expect_refused(run(lacks, Words{"--isolation", "network"} + port),
                   "isolation network is not possible here: cannot start: network namespace");
    const auto best = run(lacks, Words{"--isolation", "network", "--best-effort"} + port);
    expect_confined(best, "namespaces");
    EXPECT_THAT(best.err, HasSubstr("lowered to namespaces"));
    EXPECT_THAT(report_["lowered"], HasSubstr("network namespace"));
  }
  expect_confined(run(lacks, {"--isolation", "namespaces"}), "namespaces");
  EXPECT_EQ(on(lacks, {"doctor", "--isolation", "network"}).code, 1);
  EXPECT_EQ(on(lacks, {"doctor", "--isolation", "namespaces"}).code, 0);
  EXPECT_EQ(on({}, {"doctor", "--isolation", "network"}).code, 0);
}

TEST_P(RefusingMachine, WithoutLandlockNamespacesSayThatItIsMissing) {
  expect_confined(run(kNoLandlock, {"--isolation", "namespaces"}), "namespaces");
  EXPECT_THAT(report_["missing"], Contains(HasSubstr("no Landlock")));
  EXPECT_THAT(report_["layers"], Not(Contains(HasSubstr("landlock"))));
}

TEST_P(RefusingMachine, ALandlockThatCannotBeEnforcedStartsNothing) {
  for (const char* level : {"landlock", "namespaces"})
    for (const Words& effort : {Words{}, Words{"--best-effort"}})
      expect_refused(run({"landlock_restrict_self=EPERM"}, Words{"--isolation", level} + effort),
                     "landlock");
}

TEST_P(RefusingMachine, WithoutNamespacesThatLevelIsRefused) {
  for (const auto& lacks : {kNoNamespaces, kEngine}) {
    expect_refused(run(lacks, {"--isolation", "namespaces"}), "namespaces is not possible");
    const auto best = run(lacks, {"--isolation", "namespaces", "--best-effort"});
    expect_confined(best, "landlock");
    EXPECT_THAT(best.err, HasSubstr("lowered to landlock"));
    EXPECT_THAT(report_["lowered"], HasSubstr("namespaces is not possible"));
    expect_confined(run(lacks, {}), "landlock");
    EXPECT_THAT(report_["missing"], Contains(HasSubstr("namespaces is not possible")));
  }
}

TEST_P(RefusingMachine, WithoutMountsThereAreNoNamespaces) {
  expect_refused(run({"mount=EPERM"}, {"--isolation", "namespaces"}), "namespaces is not possible");
}

TEST_P(RefusingMachine, AMaskedProcLeavesAPlainUserLandlock) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can mask a part of /proc";
  const Words masked{"--hide", "/proc/irq"};  // as container engines do
  const auto told = json::parse(on(masked, {"doctor", "--json"}).out, nullptr, false);
  const auto& namespaces = told["levels"][1];
  EXPECT_EQ(namespaces["name"], "namespaces");
  if (GetParam() == User::Own) {
    EXPECT_TRUE(namespaces["possible"].get<bool>());
    return expect_confined(run(masked, {"--isolation", "namespaces"}), "namespaces");
  }
  EXPECT_FALSE(namespaces["possible"].get<bool>());
  EXPECT_THAT(namespaces["remedy"], HasSubstr("systempaths=unconfined"));
  EXPECT_EQ(told["default_level"], "landlock");
  const auto refused = run(masked, {"--isolation", "namespaces"});
  EXPECT_EQ(refused.code, 125);
  EXPECT_THAT(refused.err, HasSubstr("mounted over /proc"));
  expect_confined(run(masked, {}), "landlock");
}

TEST_P(RefusingMachine, WithNeitherNothingRunsAtAnyEffort) {
  for (const Words& flags :
       {Words{}, Words{"--best-effort"}, Words{"--isolation", "landlock", "--best-effort"},
        Words{"--isolation", "namespaces", "--best-effort"}})
    expect_refused(run(kNoNamespaces + kNoLandlock, flags), "Landlock");
}

TEST_P(RefusingMachine, AnOldLandlockIsTakenAtBestEffortOnly) {
  for (const char* abi : {"1", "4", "5"}) {
    expect_refused(run(kNoNamespaces, {}, abi), "Landlock ABI 6");
    const auto best = run(kNoNamespaces, {"--best-effort"}, abi);
    expect_confined(best, "landlock");
    EXPECT_THAT(best.err, HasSubstr(std::string("lowered to landlock of ABI ") + abi));
    EXPECT_THAT(report_["missing"], Contains(HasSubstr("can be signalled")));
    EXPECT_THAT(report_["layers"], Not(Contains("landlock scopes")));
  }
}

TEST_P(RefusingMachine, WithoutACallThatEveryLevelTakesNothingRuns) {
  for (const char* call : {"seccomp", "pidfd_open", "close_range", "openat2", "memfd_create"})
    for (const char* error : {"=ENOSYS", "=EPERM"})
      for (const char* level : {"landlock", "namespaces"})
        expect_refused(run({std::string(call) + error}, {"--isolation", level, "--best-effort"}),
                       call);
}

TEST_P(RefusingMachine, ACloneThatNobodyUsesMayBeRefused) {
  for (const char* level : {"landlock", "namespaces"})
    expect_confined(run({"clone3=ENOSYS"}, {"--isolation", level}), level);
}

TEST_P(RefusingMachine, TheRecordKeepsHowItWasLowered) {
  const auto made = on(kNoNamespaces, {"create", "--isolation", "namespaces", "--best-effort",
                                       "--name", "job", "--", "true"});
  ASSERT_EQ(made.code, 0) << made.err;
  EXPECT_THAT(made.err, HasSubstr("lowered to landlock"));
  const auto shown = command_.run({"inspect", "job"});
  ASSERT_EQ(shown.code, 0) << shown.err;
  const auto entry = json::parse(shown.out).at(0);
  EXPECT_EQ(entry["level"], "landlock");
  EXPECT_THAT(entry["lowered"], HasSubstr("namespaces is not possible"));
  // The level is kept, too: started on the whole machine it is still what it was made for.
  EXPECT_EQ(command_.run({"start", "job"}).code, 0);
  EXPECT_EQ(command_.run({"wait", "job"}).out, "0\n");
  EXPECT_EQ(command_.run({"rm", "job"}).code, 0);
}

TEST_P(RefusingMachine, UpRefusesOrSaysSo) {
  command_.write(
      "spec.yaml",
      "version: v1\ndeployment: demo\nservices:\n  job:\n    rtype: job\n    image: {name: host}\n"
      "    command: {entrypoint: [\"true\"]}\n");
  const auto refused = on(kNoNamespaces, {"up", "--isolation", "namespaces", "spec.yaml"});
  EXPECT_NE(refused.code, 0);
  EXPECT_THAT(refused.err, HasSubstr("ringfort doctor"));
  const auto best =
      on(kNoNamespaces, {"up", "--isolation", "namespaces", "--best-effort", "spec.yaml"});
  EXPECT_EQ(best.code, 0) << best.err;
  EXPECT_THAT(best.err, HasSubstr("job-1 is lowered to landlock"));
}

TEST_P(RefusingMachine, WhatTheSpecRequiresIsNeverLowered) {
  const auto up = [&](const std::string& wanted, const Words& lacks) {
    command_.write("spec.yaml",
                   "version: v1\ndeployment: demo\nservices:\n  job:\n    rtype: job\n"
                   "    image: {name: host}\n    command: {entrypoint: [\"true\"]}\n"
                   "    resources: {memory: 64Mi}\n    require: [" +
                       wanted + "]\n");
    return on(lacks, {"up", "--best-effort", "spec.yaml"});
  };
  for (const char* wanted : {"landlock", "namespaces", "seccomp", "memory"}) {
    const auto held = up(wanted, {});
    EXPECT_EQ(held.code, 0) << held.err;
  }
  for (const auto& [wanted, lacks] :
       {std::pair{"landlock", kNoLandlock}, std::pair{"landlock", kLandlockOff},
        std::pair{"namespaces", kNoNamespaces}}) {
    // Another machine: what one with as many filters could do is not known of it.
    std::filesystem::remove(command_.data_dir() + "/.namespaces");
    const auto refused = up(wanted, lacks);
    EXPECT_NE(refused.code, 0) << wanted;
    EXPECT_THAT(refused.err,
                AllOf(HasSubstr(std::string("require: ") + wanted), HasSubstr("ringfort doctor")));
  }
  if (::geteuid() != 0) return;  // only root can hide cgroups
  const auto refused = up("cgroup", {"--hide", "/sys/fs/cgroup"});
  EXPECT_NE(refused.code, 0);
  EXPECT_THAT(refused.err, HasSubstr("require: cgroup"));
}

TEST_P(RefusingMachine, AMemoryLimitWithoutCgroupsIsPolledAndSaysSo) {
  for (const char* how : {"--hide", "--read-only"}) {
    if (::geteuid() != 0) GTEST_SKIP() << "only root can hide cgroups";
    expect_confined(run({how, "/sys/fs/cgroup"}, {"--memory", "64Mi"}), "namespaces");
    EXPECT_THAT(report_["missing"], Contains(HasSubstr("memory is polled")));
    EXPECT_THAT(report_["layers"], Not(Contains("memory cgroup")));
  }
}

TEST_P(RefusingMachine, DoctorSaysTheSameAsRun) {
  const auto verdict = [&](const Words& lacks) {
    const auto told = on(lacks, {"doctor", "--json"});
    return std::pair{told.code, json::parse(told.out, nullptr, false)};
  };
  auto [code, told] = verdict({});
  EXPECT_EQ(code, 0);
  EXPECT_EQ(told["default_level"], "namespaces");
  std::tie(code, told) = verdict(kEngine);
  EXPECT_EQ(code, 0);
  EXPECT_EQ(told["default_level"], "landlock");
  EXPECT_EQ(on(kEngine, {"doctor", "--isolation", "namespaces"}).code, 1);
  EXPECT_EQ(on(kEngine, {"doctor", "--isolation", "landlock"}).code, 0);
  for (const auto& lacks : {kNoNamespaces + kNoLandlock, Words{"seccomp=EPERM"},
                            Words{"pidfd_open=ENOSYS"}, Words{"memfd_create=EPERM"}}) {
    std::tie(code, told) = verdict(lacks);
    EXPECT_EQ(code, 1) << lacks.front();
    EXPECT_TRUE(told["default_level"].is_null());
    const auto text = on(lacks, {"doctor"});
    EXPECT_EQ(text.code, 1);
    EXPECT_THAT(text.out, AllOf(HasSubstr("missing"), HasSubstr("no container can be made here")));
  }
}

TEST_P(RefusingMachine, DoctorLeavesNothingBehind) {
  const auto data_dir = command_.data_dir() + "/not/made";
  const auto told = on({}, {"--data-dir", data_dir, "doctor"});
  EXPECT_EQ(told.code, 0) << told.out << told.err;
  EXPECT_FALSE(exists(data_dir));
  EXPECT_THAT(told.out, HasSubstr("not made yet"));
}

INSTANTIATE_TEST_SUITE_P(, RefusingMachine, testing::Values(User::Own, User::Plain),
                         [](const auto& row) { return row.param == User::Own ? "Own" : "Plain"; });

}  // namespace
}  // namespace ringfort::test
