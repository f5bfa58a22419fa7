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

RINGFORT_EACH_LEVEL_AND_USER(Denials);

}  // namespace
}  // namespace ringfort::test
