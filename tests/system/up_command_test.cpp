// `ringfort up` and its neighbours from outside.
#include "ringfort/support/command.hpp"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include <csignal>
#include <set>
#include <sstream>

namespace ringfort {
namespace {

using nlohmann::json;
using test::Command;
using test::Program;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

/// One service that runs a shell script; `more` are further lines of YAML at its level.
std::string service(const std::string& name, const std::string& script,
                    const std::string& more = "") {
  return "  " + name +
         ":\n    image: {name: host}\n    network_mode: none\n    scale: {mode: fixed, replicas: "
         "1}\n"
         "    command: {entrypoint: [sh, -c, " +
         json(script).dump() + "]}\n" + more;
}

std::string job(const std::string& name, const std::string& script, const std::string& more = "") {
  return service(name, script, "    rtype: job\n" + more);
}

class UpCommand : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    if (const auto why = command_.refusal(GetParam())) GTEST_SKIP() << *why;
  }
  void TearDown() override { EXPECT_THAT(command_.leftovers(), IsEmpty()); }

  void write(const std::string& services) {
    command_.write("spec.yaml", "version: v1\ndeployment: test\nservices:\n" + services);
  }
  std::vector<std::string> words(const std::vector<std::string>& rest = {}) const {
    std::vector<std::string> all{"up", "--isolation", GetParam(), "spec.yaml"};
    all.insert(all.end(), rest.begin(), rest.end());
    return all;
  }

  Command command_;
};

INSTANTIATE_TEST_SUITE_P(, UpCommand, testing::Values("landlock", "namespaces"),
                         [](const auto& row) { return row.param; });

TEST_P(UpCommand, EndsWithZeroWhenAllEndedWell) {
  write(job("one", "echo out; echo err >&2; printf last"));
  const auto end = command_.run(words());
  EXPECT_EQ(end.code, 0) << end.err;
  EXPECT_THAT(end.out, HasSubstr("one-1 | out\n"));
  EXPECT_THAT(end.out, HasSubstr("one-1 | err\n"));
  EXPECT_THAT(end.out, HasSubstr("one-1 | last\n"));
  EXPECT_THAT(end.err, HasSubstr("ringfort: one-1 ended with 0 (exited)\n"));
}

TEST_P(UpCommand, ReplacesWhatAKilledOneHasLeftAndNoOther) {
  write(service("web", "echo up; exec sleep 1000"));
  for (int i = 0; i < 2; ++i) {
    Program up{command_.argv(words()), command_.options()};
    ASSERT_TRUE(up.has_said("web-1 | up")) << up.said();
    up.signal(SIGKILL);
    (void)up.finish();
    EXPECT_EQ(command_.run({"wait", "web"}).code, 0);
  }
  EXPECT_EQ(command_.run({"rm", "web"}).code, 0);

  EXPECT_EQ(command_.run({"run", "-d", "--name", "web", "--", "echo", "precious"}).code, 0);
  EXPECT_EQ(command_.run({"wait", "web"}).out, "0\n");
  const auto refused = command_.run(words());
  EXPECT_EQ(refused.code, 1);
  EXPECT_THAT(refused.err, HasSubstr("web-1: a container of this name exists"));
  EXPECT_EQ(command_.run({"logs", "web"}).out, "precious\n");
  EXPECT_EQ(command_.run({"rm", "web"}).code, 0);
}

TEST_P(UpCommand, WaitsForAJobThatAnotherNeeds) {
  write(job("a", "echo second", "    depends: [{service: b}]\n") +
        job("b", "sleep 0.3; echo first"));
  const auto end = command_.run(words());
  EXPECT_EQ(end.code, 0) << end.err;
  EXPECT_EQ(end.out, "b-1 | first\na-1 | second\n");
}

TEST_P(UpCommand, GivesUpOnWhatNeedsAFailedJob) {
  write(job("a", "echo never", "    depends: [{service: b}]\n") + job("b", "exit 3") +
        job("c", "echo other"));
  const auto end = command_.run(words());
  EXPECT_EQ(end.code, 1);
  EXPECT_EQ(end.out, "c-1 | other\n");
  EXPECT_THAT(end.err, HasSubstr("ringfort: b-1 ended with 3 (exited)\n"));
  EXPECT_THAT(end.err, HasSubstr("ringfort: a: not started: it depends on b, which failed"));
}

TEST_P(UpCommand, StopsInReverseOrderWhenInterrupted) {
  const std::string serve =
      "trap 'echo bye; exit 0' TERM; echo ready; while :; do sleep 0.02; done";
  write(service("front", serve, "    depends: [{service: back, condition: started}]\n") +
        service("back", serve));
  Program program{command_.argv(words()), command_.options()};
  ASSERT_TRUE(program.has_said("front-1 | ready"));
  ASSERT_TRUE(program.has_said("back-1  | ready"));
  program.signal(SIGINT);
  const auto end = program.finish();
  EXPECT_EQ(end.code, 0) << end.err;
  EXPECT_LT(end.out.find("front-1 | bye"), end.out.find("back-1  | bye"));
  EXPECT_THAT(end.err, HasSubstr("front-1 ended with 0 (stopped)"));
}

TEST_P(UpCommand, KillsAtTheSecondInterrupt) {
  write(service("deaf", "trap 'echo no' TERM; echo ready; while :; do sleep 0.02; done",
                "    stop_grace_period: 1h\n"));
  Program program{command_.argv(words()), command_.options()};
  ASSERT_TRUE(program.has_said("ready"));
  program.signal(SIGINT);
  ASSERT_TRUE(program.has_said("deaf-1 | no"));
  program.signal(SIGINT);
  EXPECT_EQ(program.finish().code, 0);
}

TEST_P(UpCommand, EndsWith124AfterTheTimeout) {
  write(service("long", "sleep 600"));
  EXPECT_EQ(command_.run(words({"--timeout", "300ms"})).code, 124);
}

TEST_P(UpCommand, TellsEventsAsJsonLines) {
  write(job("one", "echo out; exit 4"));
  const auto end = command_.run(words({"--json"}));
  EXPECT_EQ(end.code, 1);
  std::istringstream lines{end.out};
  std::vector<json> events;
  for (std::string line; std::getline(lines, line);) events.push_back(json::parse(line));
  ASSERT_EQ(events.size(), 3U) << end.out;
  EXPECT_EQ(events[0]["event"], "started");
  EXPECT_EQ(events[0]["level"], GetParam());
  EXPECT_EQ(events[1]["text"], "out");
  EXPECT_EQ(events[2]["exit"]["code"], 4);
}

TEST_P(UpCommand, GoesOnWithoutAServiceThatCannotStart) {
  write(service("gone", "true", "    env: {A: b}\n") + job("fine", "echo fine"));
  auto text = test::read_file(command_.home() + "/spec.yaml");
  text.replace(text.find("[sh, -c"), 3, "[no-such-program");
  command_.write("spec.yaml", text);
  const auto end = command_.run(words());
  EXPECT_EQ(end.code, 1);
  EXPECT_EQ(end.out, "fine-1 | fine\n");
  EXPECT_THAT(end.err, HasSubstr("gone-1: no-such-program: not found"));
}

TEST_P(UpCommand, GivesReplicasTheirOwnPorts) {
  write(job("web", "echo port $PORT"));
  auto text = test::read_file(command_.home() + "/spec.yaml");
  text.replace(text.find("replicas: 1"), 11, "replicas: 3");
  command_.write("spec.yaml", text);
  const auto end = command_.run(words());
  EXPECT_EQ(end.code, 0) << end.err;
  std::set<std::string> ports;
  std::istringstream lines{end.out};
  for (std::string line; std::getline(lines, line);) ports.insert(line.substr(line.rfind(' ')));
  EXPECT_EQ(ports.size(), 3U) << end.out;
}

TEST(SpecCommands, TellEveryProblemWithItsPlace) {
  const Command command;
  command.write("bad.yaml",
                "version: v1\ndeployment: x\nservices:\n  web:\n    imag: {name: host}\n"
                "    resources: {memory: 12x}\n");
  const auto validate = command.run({"validate", "bad.yaml"});
  EXPECT_EQ(validate.code, 1);
  EXPECT_THAT(validate.err, HasSubstr("ringfort: bad.yaml:5:"));
  EXPECT_THAT(validate.err, HasSubstr("ringfort: bad.yaml:6:"));
  EXPECT_THAT(validate.err, testing::EndsWith("try: ringfort validate bad.yaml\n"));
  EXPECT_EQ(command.run({"up", "bad.yaml"}).code, 125);
  EXPECT_EQ(command.run({"explain", "bad.yaml"}).code, 125);

  const auto value = json::parse(command.run({"validate", "--json", "bad.yaml"}).out);
  EXPECT_EQ(value["valid"], false);
  EXPECT_GE(value["problems"].size(), 2U);
  EXPECT_EQ(value["problems"].back()["line"], 6);
}

TEST(SpecCommands, AreSilentAboutAGoodFile) {
  const Command command;
  const std::string web = RINGFORT_SOURCE_DIR "/examples/web/web.yaml";
  const auto end = command.run({"validate", web});
  EXPECT_EQ(end.code, 0);
  EXPECT_EQ(end.out + end.err, "");
}

TEST(SpecCommands, ExplainWithoutStarting) {
  const Command command;
  const std::string web = RINGFORT_SOURCE_DIR "/examples/web/web.yaml";
  EXPECT_THAT(command.run({"explain", web}).out, HasSubstr("# hog\n"));
  EXPECT_THAT(command.run({"explain", "--seatbelt", web, "web"}).out, HasSubstr("\n(version 1)\n"));
  EXPECT_THAT(command.run({"explain", "--linux", web, "web"}).out, HasSubstr("python3"));
  const auto all = json::parse(command.run({"explain", "--json", web}).out);
  EXPECT_EQ(all.size(), 3U);
  EXPECT_EQ(command.run({"explain", web, "nobody"}).code, 125);
  EXPECT_THAT(command.leftovers(), IsEmpty());
}

TEST(ImageCommand, AddsListsAndRemoves) {
  const Command command;
  command.write("root/bin/tool", "#!/bin/sh\n");
  EXPECT_EQ(command.run({"image", "ls"}).out, "");
  const auto added = command.run({"image", "add", "team/tool:1", "root"});
  ASSERT_EQ(added.code, 0) << added.err;
  EXPECT_EQ(added.out + added.err, "");
  EXPECT_THAT(command.run({"image", "ls"}).out, HasSubstr("team/tool:1"));
  const auto listed = json::parse(command.run({"image", "ls", "--json"}).out);
  EXPECT_EQ(listed[0]["name"], "team/tool:1");
  EXPECT_EQ(command.run({"image", "rm", "team/tool:1"}).code, 0);
  EXPECT_EQ(command.run({"image", "rm", "team/tool:1"}).code, 125);
  ASSERT_EQ(command.run({"image", "add", "x", "root"}).code, 0);
  EXPECT_THAT(command.run({"image", "prune"}).out, HasSubstr("x"));
  const auto missing = command.run({"image", "add", "x", "no/such"});
  EXPECT_EQ(missing.code, 125);
  EXPECT_THAT(missing.err, StartsWith("ringfort: no/such: No such file"));
}

TEST(VersionCommand, NamesOne) {
  const Command command;
  EXPECT_THAT(command.run({"version"}).out, StartsWith("ringfort 0."));
  EXPECT_EQ(command.run({"--version"}).out, command.run({"version"}).out);
  EXPECT_TRUE(json::parse(command.run({"version", "--json"}).out).contains("version"));
}

}  // namespace
}  // namespace ringfort
