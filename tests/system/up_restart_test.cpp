// Restart policies and lingering trees, as `up` carries them out.
#include "level_fixture.hpp"

#include <nlohmann/json.hpp>

#include <csignal>
#include <sstream>
#include <string>

namespace ringfort {
namespace {

using nlohmann::json;
using test::Command;
using test::Outcome;
using test::Program;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class UpRestart : public test::LevelFixture {
 protected:
  /// One service `s` that runs a shell script; `more` are lines of YAML at its level.
  std::vector<std::string> words(const std::string& script, const std::string& more,
                                 bool is_json = false) const {
    command_.write("spec.yaml",
                   "version: v1\ndeployment: test\nservices:\n  s:\n    image: {name: host}\n"
                   "    network_mode: none\n    scale: {mode: fixed, replicas: 1}\n"
                   "    command: {entrypoint: [sh, -c, " +
                       json(script).dump() + "]}\n" + more);
    std::vector<std::string> all{"up", "--isolation", GetParam(), "spec.yaml"};
    if (is_json) all.emplace_back("--json");
    return all;
  }
  static int count(const std::string& text, const std::string& word) {
    int found = 0;
    for (auto at = text.find(word); at != text.npos; at = text.find(word, at + 1)) ++found;
    return found;
  }
};

INSTANTIATE_TEST_SUITE_P(, UpRestart, testing::Values("landlock", "namespaces"),
                         [](const auto& row) { return row.param; });

TEST_P(UpRestart, ACrashLoopFailsAtItsLimitAndEachRunIsShown) {
  const auto end =
      command_.run(words("echo run; exit 4", "    restart_policy: {kind: always, delay: 1ms}\n"));
  EXPECT_EQ(end.code, 1);
  EXPECT_EQ(count(end.out, "s-1 | run\n"), 10) << end.out;
  EXPECT_EQ(count(end.err, "s-1 ended with 4 (exited)"), 10) << end.err;
  EXPECT_THAT(end.err, HasSubstr("s-1 is started again in"));
  EXPECT_THAT(end.err, HasSubstr("was started 10 times within 5m"));
  EXPECT_THAT(end.err, Not(HasSubstr("not enforced")));
}

TEST_P(UpRestart, OnFailureEndsWithTheFirstSuccess) {
  const auto end = command_.run(
      words("echo x >> $TMPDIR/n; echo run $(wc -l < $TMPDIR/n); [ $(wc -l < $TMPDIR/n) -ge 3 ]",
            "    rtype: job\n    restart_policy: {kind: on_failure, delay: 1ms}\n"));
  EXPECT_EQ(end.code, 0) << end.err;
  EXPECT_EQ(end.out, "s-1 | run 1\ns-1 | run 2\ns-1 | run 3\n");
}

TEST_P(UpRestart, OnFailureGivesUpAtItsMaximum) {
  const auto end = command_.run(words(
      "echo run; exit 1", "    restart_policy: {kind: on_failure, max_attempts: 2, delay: 1ms}\n"));
  EXPECT_EQ(end.code, 1);
  EXPECT_EQ(count(end.out, "run\n"), 3) << end.out << end.err;
}

TEST_P(UpRestart, AnInterruptEndsTheWait) {
  Program up{command_.argv(words("echo run; exit 1",
                                 "    restart_policy: {kind: always, delay: 1h}\n", true)),
             command_.options()};
  ASSERT_TRUE(up.has_said("\"restarting\"")) << up.said();
  const auto shown = json::parse(command_.run({"inspect", "s"}).out).at(0);
  EXPECT_EQ(shown["state"], "backoff");
  EXPECT_TRUE(shown["next_start"].is_string());
  EXPECT_THAT(command_.run({"ps"}).out, HasSubstr("next start"));
  EXPECT_EQ(command_.run({"stop", "s"}).code, 125) << "it waits in another process";
  up.signal(SIGINT);
  const auto end = up.finish();
  EXPECT_EQ(end.code, 0) << end.err;
  EXPECT_EQ(count(end.out, "\"run\""), 1) << end.out;
}

TEST_P(UpRestart, AStopByAnotherCommandIsNotFollowedByAStart) {
  Program up{command_.argv(words("echo run; exec sleep 1000",
                                 "    restart_policy: {kind: always, delay: 1ms}\n")),
             command_.options()};
  ASSERT_TRUE(up.has_said("s-1 | run"));
  const auto stopped = command_.run({"stop", "s"});
  EXPECT_EQ(stopped.code, 0) << stopped.err;
  const auto end = up.finish();
  EXPECT_EQ(end.code, 0) << end.err;
  EXPECT_EQ(count(end.out, "run"), 1);
}

TEST_P(UpRestart, TheRestOfTheTreeGetsItsLinger) {
  const std::string script = "(for i in 1 2 3 4 5; do sleep 0.1; echo g$i; done) & exit 3";
  const auto cut = command_.run(words(script, "    rtype: job\n"));
  EXPECT_EQ(cut.code, 1);
  EXPECT_THAT(cut.out, Not(HasSubstr("g5")));
  const auto whole = command_.run(words(script, "    rtype: job\n    linger: 30s\n"));
  EXPECT_EQ(whole.code, 1);
  EXPECT_THAT(whole.out, HasSubstr("s-1 | g5\n"));
  EXPECT_THAT(whole.err, HasSubstr("s-1 ended with 3 (exited)"));
}

TEST_P(UpRestart, ALingerHasItsEnd) {
  const auto end = command_.run(words("(while :; do echo g; sleep 0.02; done) & exit 0",
                                      "    rtype: job\n    linger: 200ms\n"));
  EXPECT_EQ(end.code, 0) << end.err;
  EXPECT_THAT(end.out, HasSubstr("s-1 | g\n"));
}

TEST_P(UpRestart, AStopCutsALingerShort) {
  Program up{command_.argv(words("(echo g; exec sleep 1000) & wait -n 2>/dev/null; exit 0",
                                 "    linger: 1h\n")),
             command_.options()};
  ASSERT_TRUE(up.has_said("s-1 | g"));
  up.signal(SIGINT);
  EXPECT_EQ(up.finish().code, 0);
}

TEST(RestartFlag, IsRefusedWhereNobodyWouldCarryItOut) {
  const Command command;
  for (const auto& verb : {std::vector<std::string>{"run", "-d"}, std::vector<std::string>{"run"},
                           std::vector<std::string>{"create"}}) {
    auto words = verb;
    words.insert(words.end(), {"--restart", "on_failure:3", "--", "true"});
    const auto end = command.run(words);
    EXPECT_EQ(end.code, 125);
    EXPECT_THAT(end.err, HasSubstr("a restart policy needs a supervisor that lives"));
    EXPECT_THAT(end.err, HasSubstr("ringfort up"));
  }
  EXPECT_EQ(command.run({"run", "--restart", "no", "--", "true"}).code, 0);
  EXPECT_EQ(command.run({"run", "--restart", "maybe", "--", "true"}).code, 125);
  EXPECT_THAT(command.leftovers(), IsEmpty());
}

}  // namespace
}  // namespace ringfort
