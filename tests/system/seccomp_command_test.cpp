// The seccomp profiles from outside: what a program in a sandbox is refused, and that the same
// attempt succeeds without one; and that ordinary programs don't notice.
#include "ringfort/support/command.hpp"

#include <gmock/gmock.h>

#include <filesystem>
#include <map>
#include <sstream>

#include <sys/stat.h>

namespace ringfort {
namespace {

using test::Command;
using test::Outcome;
using test::User;
using testing::HasSubstr;
using testing::IsEmpty;

using Row = std::tuple<std::string, User>;
using Outcomes = std::map<std::string, std::string>;

Outcomes parse(const std::string& lines) {
  Outcomes outcomes;
  std::istringstream words{lines};
  for (std::string name, outcome; words >> name >> outcome;) outcomes[name] = outcome;
  return outcomes;
}

class SeccompCommand : public testing::TestWithParam<Row> {
 protected:
  void SetUp() override {
    if (const auto why = command_.refusal(level_)) GTEST_SKIP() << *why;
    std::filesystem::copy_file(RINGFORT_BIN_DIR "/probe", victim_);
    ::chmod(victim_.c_str(), 0755);
  }
  void TearDown() override { EXPECT_THAT(command_.leftovers(), IsEmpty()); }

  Outcome run(const std::string& profile, std::vector<std::string> options) const {
    options.insert(options.begin(), {"run", "--isolation", level_, "--seccomp", profile});
    return command_.run(options);
  }
  Outcomes attempts(const std::string& profile) const {
    const auto end = run(profile, {"--read", victim_, "--", victim_, "calls"});
    EXPECT_EQ(end.code, 0) << end.err;
    return parse(end.out);
  }
  /// The same user, the same program, no sandbox.
  Outcomes attempts_outside() const {
    auto argv = command_.argv({});
    argv.back() = victim_;
    argv.emplace_back("calls");
    return parse(test::run_program(argv, command_.options()).out);
  }

  std::string level_ = std::get<0>(GetParam());
  bool is_apart_ = level_ == "namespaces";
  Command command_{std::get<1>(GetParam())};
  std::string victim_ = command_.home() + "/probe";
};

std::vector<User> users() {
  return ::geteuid() == 0 ? std::vector{User::Own, User::Plain} : std::vector{User::Own};
}

INSTANTIATE_TEST_SUITE_P(, SeccompCommand,
                         testing::Combine(testing::Values("landlock", "namespaces"),
                                          testing::ValuesIn(users())),
                         [](const auto& row) {
                           return std::get<0>(row.param) +
                                  (std::get<1>(row.param) == User::Plain ? "AsPlainUser" : "");
                         });

/// Where only the namespace is one's own, the call is let through.
Outcomes expected(bool is_apart, const std::string& profile) {
  const bool is_build = profile == "build";
  const bool is_strict = profile == "strict";
  const std::string by_level = is_apart ? "ok" : "EPERM";
  Outcomes wanted;
  for (const auto* name :
       {"unshare-user", "clone-user", "setns", "keyctl", "add_key", "fsopen", "open_tree",
        "mount_setattr", "pidfd_getfd", "perf_event_open", "userfaultfd", "bpf", "prlimit-other"})
    wanted[name] = "EPERM";
  for (const auto* name : {"clone3-user", "io_uring", "future", "negative"})
    wanted[name] = "ENOSYS";
  for (const auto* name : {"unshare-files", "prlimit-read", "prlimit-self", "setpriority-self",
                           "affinity-self", "socketpair"})
    wanted[name] = "ok";
  for (const auto* name : {"setpriority-other", "affinity-other"}) wanted[name] = by_level;
  for (const auto* name : {"ptrace", "process_vm_readv", "kcmp"})
    wanted[name] = is_build ? by_level : "EPERM";
  for (const auto* name : {"tiocsti", "tiocsti-high", "tioclinux"})
    wanted[name] = is_strict ? "ENOTTY" : "EPERM";
  for (const auto* name : {"socket", "memfd_create"}) wanted[name] = is_strict ? "EPERM" : "ok";
  wanted["shmget"] = is_strict ? "EPERM" : by_level;
  wanted["setpriority-user"] = is_apart ? "ESRCH" : "EPERM";
  wanted["ioprio-user"] = is_apart ? "EINVAL" : "EPERM";
  wanted["window"] = "ENOTTY";
  wanted["personality"] = is_build ? "ok" : "EPERM";
#if defined(__x86_64__)
  wanted["x32"] = "ENOSYS";
  wanted["i386"] = "SIGSYS";
#endif
  return wanted;
}

TEST_P(SeccompCommand, RefusesWhatTheProfileRefuses) {
  for (const auto* profile : {"default", "build", "strict"}) {
    SCOPED_TRACE(profile);
    EXPECT_EQ(attempts(profile), expected(is_apart_, profile));
  }
}

TEST_P(SeccompCommand, RefusesWhatWouldSucceedOutside) {
  const auto inside = attempts("default");
  const auto outside = attempts_outside();
  std::size_t proven = 0;
  std::string blind;  // attempts that this machine or user refuses anyway
  for (const auto& [name, outcome] : inside) {
    if (outcome == "ok") continue;
    if (outside.at(name) != outcome) {
      ++proven;
    } else {
      blind += name + " ";
    }
  }
  RecordProperty("blind", blind);
  EXPECT_GE(proven, 18U) << "these prove nothing here: " << blind;
  // No kernel and no user that we run on refuses these by itself.
  for (const auto* name : {"keyctl", "shmget", "ptrace", "prlimit-other", "open_tree"})
    EXPECT_TRUE(inside.at(name) == "ok" || outside.at(name) == "ok") << name;
}

TEST_P(SeccompCommand, LetsOrdinaryProgramsRun) {
  const std::string scripts[] = {
      "set -e; printf '%s\\n' c a b | sort | tr abc ABC | head -2; ls -l /usr >/dev/null; "
      "cp -p /bin/true $TMPDIR/t; $TMPDIR/t; mkdir $TMPDIR/d; mv $TMPDIR/t $TMPDIR/d; "
      "rm -r $TMPDIR/d; nice -n 5 true; (ulimit -n 100; true); echo whole",
      "command -v bash >/dev/null || { echo whole; exit; }; exec bash -c "
      "'set -e; read -r x < <(echo hi | cat); [ $x = hi ]; sleep 0.01 & wait $!; "
      "trap : USR1; kill -USR1 $$; echo whole'",
      "command -v python3 >/dev/null || { echo whole; exit; }; exec python3 -c '"
      "import subprocess, threading, tempfile, select, mmap, time, os\n"
      "t = threading.Thread(target=time.sleep, args=(0.01,)); t.start(); t.join()\n"
      "assert subprocess.check_output([\"echo\", \"x\"]) == b\"x\\n\"\n"
      "with tempfile.TemporaryFile() as f:\n  f.write(b\"a\" * 5000); f.flush(); "
      "assert mmap.mmap(f.fileno(), 0)[4999:] == b\"a\"\n"
      "import asyncio\n"
      "async def main():\n  p = await asyncio.create_subprocess_exec(\"true\"); "
      "assert await p.wait() == 0\n"
      "asyncio.run(main()); print(\"whole\")'"};
  for (const auto* profile : {"default", "build", "strict"}) {
    for (const auto& script : scripts) {
      const auto end = run(profile, {"--", "sh", "-c", script});
      EXPECT_EQ(end.code, 0) << profile << ": " << script << '\n' << end.err;
      EXPECT_THAT(end.out, HasSubstr("whole")) << profile << ": " << script << '\n' << end.err;
      EXPECT_EQ(end.err, "") << profile << ": " << script;
    }
  }
}

TEST_P(SeccompCommand, ShowsTheProfileInThePlan) {
  command_.write("job.yaml",
                 "version: v1\ndeployment: test\nservices:\n  job:\n    image: {name: host}\n"
                 "    command: {entrypoint: [\"true\"]}\n    seccomp: strict\n");
  const auto end = command_.run({"explain", "--linux", "--isolation", level_, "job.yaml"});
  EXPECT_EQ(end.code, 0) << end.err;
  EXPECT_THAT(end.out, HasSubstr("\nseccomp strict, "));
}

}  // namespace
}  // namespace ringfort
