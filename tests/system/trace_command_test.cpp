// run --trace: what a program was denied, seen while it ran.
#include "detached_fixture.hpp"

#include <csignal>

#include <sys/stat.h>

namespace ringfort::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class TraceCommand : public DetachedFixture {
 protected:
  void SetUp() override {
    DetachedFixture::SetUp();
    if (IsSkipped()) return;
    command_.write("secret", "x");
    ASSERT_EQ(::chmod(path("secret").c_str(), 0644), 0);
    ASSERT_EQ(run_program({"mkdir", "-m", "777", path("out")}).code, 0);
  }
  std::string path(const std::string& name) const { return command_.home() + "/" + name; }

  Outcome trace(const std::vector<std::string>& program,
                const std::vector<std::string>& flags = {}) const {
    std::vector<std::string> words{"run", "--trace", "--isolation", level_};
    words.insert(words.end(), flags.begin(), flags.end());
    words.emplace_back("--");
    words.insert(words.end(), program.begin(), program.end());
    return run(words);
  }
  Outcome sh(const std::string& script, const std::vector<std::string>& flags = {}) const {
    return trace({"sh", "-c", script}, flags);
  }
};

TEST_P(TraceCommand, SaysWhatWasDeniedAndWhatWouldAllowIt) {
  const auto ended = sh("cat " + path("secret") + " /etc/shadow; echo x > /usr/new; echo done");
  EXPECT_EQ(ended.code, 0) << ended.err;
  EXPECT_EQ(ended.out, "done\n");
  EXPECT_THAT(
      ended.err,
      AllOf(HasSubstr("ringfort: denied (traced) read " + path("secret") + " (no rule"),
            HasSubstr(". allow it: --read ~/secret"), HasSubstr("denied (traced) read /etc/shadow"),
            HasSubstr("denied (traced) write /usr/new"), HasSubstr("allow it: --write /usr")));
}

TEST_P(TraceCommand, SaysNothingOfWhatIsAllowedOrNotThere) {
  const auto ended =
      sh("cat /etc/passwd /none /etc/none > \"$TMPDIR/kept\"; ls / > /dev/null; "
         "python3 -c 'import json'; cat " +
             path("secret"),
         {"--read", path("secret")});
  EXPECT_EQ(ended.code, 0) << ended.err;
  EXPECT_EQ(ended.out, "x");
  EXPECT_THAT(ended.err, Not(HasSubstr("denied (traced) write"))) << ended.err;
  EXPECT_THAT(ended.err, Not(HasSubstr("secret"))) << ended.err;
  EXPECT_THAT(ended.err, Not(HasSubstr("denied (traced) read /none"))) << ended.err;
  EXPECT_THAT(ended.err, Not(HasSubstr("denied (traced) read /etc"))) << ended.err;
}

TEST_P(TraceCommand, SeesRelativePathsLinksAndWhatIsRemoved) {
  command_.write("in", "x");
  const auto ended =
      sh("cd / && cat etc/shadow; ln -s /etc/shadow $TMPDIR/l; cat $TMPDIR/l; rm -f /usr/bin/env; "
         "mkdir /usr/made; mv $TMPDIR/l /usr/lib/l");
  EXPECT_THAT(ended.err, HasSubstr("read /etc/shadow"));
  EXPECT_THAT(ended.err, HasSubstr("write /usr/bin/env"));
  EXPECT_THAT(ended.err, HasSubstr("write /usr/made"));
  EXPECT_THAT(ended.err, Not(HasSubstr("write /tmp/l")));
}

TEST_P(TraceCommand, SeesPortsAndSockets) {
  const std::string script =
      "import socket\n"
      "def tried(op, at, family=socket.AF_INET):\n"
      "  s = socket.socket(family)\n"
      "  try: getattr(s, op)(at)\n"
      "  except OSError: pass\n"
      "tried('connect', ('127.0.0.1', 20981))\n"
      "tried('connect', ('127.0.0.1', 20982))\n"
      "tried('bind', ('127.0.0.1', 20983))\n"
      "tried('connect', '\\0nobody', socket.AF_UNIX)\n";
  const auto ended = trace({"python3", "-c", script}, {"--connect", "20981"});
  EXPECT_EQ(ended.code, 0) << ended.err;
  EXPECT_THAT(ended.err,
              AllOf(HasSubstr("denied (traced) connect 127.0.0.1:20982 (no rule covers "
                              "it). allow it: --connect 20982"),
                    HasSubstr("denied (traced) bind 127.0.0.1:20983"),
                    HasSubstr("denied (traced) connect @nobody"), Not(HasSubstr("20981"))));
}

TEST_P(TraceCommand, ManyProcessesAndThreadsGoOn) {
  const std::string script =
      "import os, threading\n"
      "def look():\n"
      "  for _ in range(200): open('/etc/passwd').close()\n"
      "for _ in range(6):\n"
      "  if os.fork() == 0:\n"
      "    all = [threading.Thread(target=look) for _ in range(4)]\n"
      "    [t.start() for t in all]; [t.join() for t in all]\n"
      "    try: open('/etc/shadow')\n"
      "    except OSError: os._exit(0)\n"
      "    os._exit(1)\n"
      "print(sum(os.wait()[1] for _ in range(6)))\n";
  const auto ended = trace({"python3", "-c", script});
  EXPECT_EQ(ended.out, "0\n") << ended.err;
  const std::string line = "denied (traced) read /etc/shadow";
  const auto first = ended.err.find(line);
  ASSERT_NE(first, ended.err.npos) << ended.err;
  EXPECT_EQ(ended.err.find(line, first + 1), ended.err.npos) << "said once";
}

TEST_P(TraceCommand, TheReportHasThemAsObjects) {
  const auto ended = sh("cat /etc/shadow; exit 3", {"--report", path("report.json")});
  EXPECT_EQ(ended.code, 3);
  const auto report = json::parse(run_program({"cat", path("report.json")}).out);
  ASSERT_TRUE(report["denials"].is_array());
  json found;
  for (const auto& denial : report["denials"])
    if (denial["target"] == "/etc/shadow") found = denial;
  EXPECT_EQ(found["grade"], "traced") << report;
  EXPECT_EQ(found["flags"][0], "--read");
  EXPECT_EQ(run({"run", "--trace", "-d", "--", "true"}).code, 125);
}

TEST_P(TraceCommand, AKilledTracerHangsNobody) {
  // Its supervisor is the tracer: with it goes the lease, and the program.
  Program running{command_.argv({"run", "--trace", "--isolation", level_, "--", "sh", "-c",
                                 "echo up; while :; do cat /etc/passwd > /dev/null; done"}),
                  command_.options()};
  ASSERT_TRUE(running.has_said("up"));
  running.signal(SIGKILL);
  running.finish();  // the fixture sees whether anything is left
}

TEST_P(TraceCommand, TheFilterStaysAsStrict) {
  const std::string script =
      "import socket\n"
      "try: socket.socket(); print('made')\n"
      "except OSError as e: print(e.errno)\n";
  const auto plain = run({"run", "--isolation", level_, "--", "python3", "-c", script});
  EXPECT_EQ(trace({"python3", "-c", script}).out, plain.out);
  EXPECT_EQ(plain.out, "97\n");
  const auto denied = sh("cat /etc/shadow");
  EXPECT_EQ(denied.code, 1) << "watched is not allowed";
}

RINGFORT_EACH_LEVEL_AND_USER(TraceCommand);

}  // namespace
}  // namespace ringfort::test
