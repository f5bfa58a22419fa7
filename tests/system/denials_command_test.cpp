// What a program was denied is said when it ends unhappily: probable, from what it wrote.
#include "detached_fixture.hpp"

namespace ringfort::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class Denials : public DetachedFixture {
 protected:
  /// Of every host; not below /tmp, where a container has a directory of its own at namespaces.
  static std::string secret() { return "/etc/shadow"; }
  std::string spec(const std::string& script) const {
    return "version: v1\ndeployment: demo\nservices:\n  job:\n    rtype: job\n"
           "    image: {name: host}\n    command: {entrypoint: [sh, -c, '" +
           script + "']}\n";
  }
  Outcome up(const std::string& script, const std::vector<std::string>& flags = {}) const {
    command_.write("spec.yaml", spec(script));
    std::vector<std::string> words{"up", "--isolation", level_};
    words.insert(words.end(), flags.begin(), flags.end());
    words.emplace_back("spec.yaml");
    return run(words);
  }
};

TEST_P(Denials, UpSaysWhatThePolicyExplains) {
  const auto ended = up("cat " + secret() + "; exit 3");
  EXPECT_EQ(ended.code, 1);
  EXPECT_THAT(ended.err,
              HasSubstr("job-1: denied (probable) read " + secret() + " (no rule covers it"));
  EXPECT_THAT(ended.err, HasSubstr("ringfort run has --read"));
}

TEST_P(Denials, NothingIsSaidOfHappyLivesAndOfFailuresOfTheirOwn) {
  EXPECT_THAT(up("cat " + secret() + "; exit 0").err, Not(HasSubstr("denied (")));
  EXPECT_THAT(up("echo /etc/passwd: broken >&2; exit 1").err, Not(HasSubstr("denied (")));
  EXPECT_THAT(up("echo /usr/bin/env: Permission denied >&2; kill -9 $$").err,
              HasSubstr("denied (probable) write /usr/bin/env"));
}

TEST_P(Denials, JsonHasThemAsObjects) {
  const auto ended = up("cat " + secret() + "; exit 3", {"--json"});
  json denied;
  std::istringstream lines(ended.out);
  for (std::string line; std::getline(lines, line);)
    if (auto event = json::parse(line); event["event"] == "denied") denied = event;
  ASSERT_TRUE(denied.is_object()) << ended.out;
  EXPECT_EQ(denied["id"], "job-1");
  EXPECT_EQ(denied["grade"], "probable");
  EXPECT_EQ(denied["operation"], "read");
  EXPECT_EQ(denied["target"], secret());
  EXPECT_FALSE(denied["allowed"].get<bool>());
}

TEST_P(Denials, WhyExplainsTheLastRunOfAContainer) {
  start("one", "cat " + secret() + "; echo x > /usr/new; exit 3");
  EXPECT_EQ(run({"wait", "one"}).out, "3\n");
  const auto told = run({"why", "one"});
  EXPECT_EQ(told.code, 1);
  EXPECT_THAT(told.out, AllOf(HasSubstr("one-1 ended with 3 (exited)\n"),
                              HasSubstr("denied (probable) read " + secret()),
                              HasSubstr("allow it: --read /etc/shadow\n"),
                              HasSubstr("denied (probable) write /usr/new"),
                              HasSubstr("allow it: --write /usr\n")));
  const auto value = json::parse(run({"why", "--json", "one"}).out);
  EXPECT_EQ(value["denials"].size(), 2U);
  EXPECT_EQ(value["exit"]["code"], 3);
  start("good", "exit 0");
  (void)run({"wait", "good"});
  EXPECT_EQ(run({"why", "good"}).code, 0);
  start("alive", "echo up; exec sleep 60");
  EXPECT_EQ(run({"why", "alive"}).code, 125);
  EXPECT_THAT(run({"why", "nobody"}).err, HasSubstr("why OPERATION TARGET"));
}

TEST_P(Denials, HostileWordsStayWordsAndFew) {
  start("liar",
        "i=0; while [ $i -lt 300 ]; do echo \"x: /a$i: Permission denied\" >&2; i=$((i+1)); done;"
        "printf \"cat: '/\\033[2J\\r\\n/x': Permission denied\\n\" >&2;"
        "head -c 300000 /dev/zero | tr '\\0' / >&2; printf ': Permission denied\\n' >&2; exit 1");
  EXPECT_EQ(run({"wait", "liar"}).out, "1\n");
  const auto told = run({"why", "liar"});
  EXPECT_EQ(told.out.find('\x1b'), std::string::npos);
  EXPECT_EQ(told.out.find('\r'), std::string::npos);
  EXPECT_LE(std::count(told.out.begin(), told.out.end(), '\n'), 9);
  EXPECT_LT(told.out.size(), 100000U);
}

/// The output of an attached program goes past ringfort: the words of its command are what it has.
struct AttachedDenials : Denials {
  AttachedDenials() {
    EXPECT_EQ(run_program({"mkdir", "-m", "755", directory()}).code, 0);
    command_.write("work/script", "echo read");
    // So that the policy alone decides, whatever the user inside is.
    EXPECT_EQ(::chmod(script().c_str(), 0644), 0);
  }
  std::string directory() const { return command_.home() + "/work"; }
  std::string script() const { return directory() + "/script"; }
  Outcome attached(const std::vector<std::string>& words) const {
    auto options = command_.options();
    options.directory = directory();
    std::vector<std::string> all{"run", "--isolation", level_};
    all.insert(all.end(), words.begin(), words.end());
    return run_program(command_.argv(all), options);
  }
};

TEST_P(AttachedDenials, AreThoseOfTheFilesThatTheCommandNames) {
  const auto relative = attached({"--", "sh", "script"});
  EXPECT_NE(relative.code, 0);
  EXPECT_THAT(relative.err, HasSubstr("ringfort: denied (probable) read " + script()));
  EXPECT_THAT(relative.err, HasSubstr("allow it: --read ~/work\n"));
  EXPECT_EQ(attached({"--read", directory(), "--", "sh", "script"}).out, "read\n")
      << "what it says helps";

  EXPECT_THAT(attached({"--", "sh", "-c", "cat /etc/shadow || exit 4"}).err,
              AllOf(HasSubstr("denied (probable) read /etc/shadow"),
                    HasSubstr("allow it: --read /etc/shadow")));
  EXPECT_THAT(attached({"--", "./script"}).err,
              AllOf(HasSubstr("not found in the container"), HasSubstr("denied (probable) read")));
}

TEST_P(AttachedDenials, SayNothingOfHappyEndsAndOtherFailures) {
  EXPECT_EQ(attached({"--", "sh", "-c", "cat /etc/shadow 2>&-; exit 0"}).err, "");
  EXPECT_EQ(attached({"--", "sh", "-c", "cat /etc/none /none 2>&-; exit 1"}).err, "");
  EXPECT_EQ(attached({"--read", script(), "--", "sh", "-c", ". " + script() + " >&2; exit 5"}).err,
            "read\n")
      << "what it may read";
  EXPECT_THAT(attached({"--timeout", "1ms", "--", "sleep", "60"}).err, Not(HasSubstr("denied (")));
}

TEST_P(AttachedDenials, StandInTheReport) {
  const auto report = command_.home() + "/report.json";
  (void)attached({"--report", report, "--", "cat", "/etc/shadow"});
  const auto value = json::parse(read_file(report));
  ASSERT_EQ(value["denials"].size(), 1U);
  EXPECT_EQ(value["denials"][0]["grade"], "probable");
  EXPECT_EQ(value["denials"][0]["target"], "/etc/shadow");
}

RINGFORT_EACH_LEVEL_AND_USER(Denials);
RINGFORT_EACH_LEVEL_AND_USER(AttachedDenials);

}  // namespace
}  // namespace ringfort::test
