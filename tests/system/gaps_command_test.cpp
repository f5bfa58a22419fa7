// What a level leaves open is one list everywhere, and what of it can be tried is true.
#include "detached_fixture.hpp"

#include <csignal>
#include <filesystem>
#include <sstream>

namespace ringfort::test {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Not;

constexpr const char* kSpec =
    "version: v1\n"
    "deployment: demo\n"
    "services:\n"
    "  job:\n"
    "    rtype: job\n"
    "    image: {name: host}\n"
    "    command: {entrypoint: [\"true\"]}\n"
    "    hostname: elsewhere\n"
    "    resources: {memory: 64Mi, pids_limit: 50}\n"
    "    endpoints: [{name: web, protocol: tcp, port: 8080}]\n";

class GapsCommand : public DetachedFixture {
 protected:
  json gaps() const {
    const auto told = run({"explain", "--gaps", "--json", "spec.yaml"});
    EXPECT_EQ(told.code, 0) << told.err;
    return json::parse(told.out, nullptr, false)["job"];
  }
  std::string python(const std::string& script, const std::vector<std::string>& flags) const {
    std::vector<std::string> words{"run", "--isolation", level_};
    words.insert(words.end(), flags.begin(), flags.end());
    words.insert(words.end(), {"--", "python3", "-c", script});
    const auto ended = run(words);
    EXPECT_EQ(ended.code, 0) << ended.err;
    return ended.out;
  }
};

TEST_P(GapsCommand, TheListIsThatOfInspectAndOfTheEvents) {
  command_.write("spec.yaml", kSpec);
  const auto told = gaps()[level_];
  EXPECT_TRUE(told["possible"].get<bool>());
  const auto up = run({"up", "--json", "--isolation", level_, "spec.yaml"});
  ASSERT_EQ(up.code, 0) << up.err;
  json started;
  std::istringstream lines(up.out);
  for (std::string line; std::getline(lines, line);)
    if (const auto event = json::parse(line); event.value("event", "") == "started")
      started = event;
  EXPECT_EQ(started["missing"], told["open"]) << up.out;
  EXPECT_EQ(started["not_enforced"], told["not_enforced"]);

  command_.write("idle.yaml", std::string(kSpec).replace(std::string(kSpec).find("\"true\""), 6,
                                                         "sleep, \"600\""));
  Program running{command_.argv({"up", "--json", "--isolation", level_, "idle.yaml"}),
                  command_.options()};
  ASSERT_TRUE(running.has_said("started"));
  const auto shown = inspect("job");
  EXPECT_EQ(shown["missing"], told["open"]);
  EXPECT_EQ(shown["not_enforced"], told["not_enforced"]);
  running.signal(SIGTERM);
  running.finish();
}

TEST_P(GapsCommand, EveryIsolationIsListedAndWhatIsNotThereSaysSo) {
  command_.write("spec.yaml", kSpec);
  const auto told = gaps();
  for (const char* name : {"seatbelt", "landlock", "namespaces", "network"})
    EXPECT_THAT(told[name]["open"], Contains(HasSubstr("bug of the kernel"))) << name;
  EXPECT_FALSE(told["seatbelt"]["possible"].get<bool>());
  EXPECT_THAT(told["network"]["open"], Not(Contains(HasSubstr("network is shared"))));
  EXPECT_THAT(told["network"]["open"], Contains(HasSubstr("port 8080 of this machine leads in")));
  EXPECT_THAT(told["landlock"]["not_enforced"], Contains("hostname"));
  EXPECT_THAT(told["namespaces"]["not_enforced"], Not(Contains("hostname")));
  const auto text = run({"explain", "--gaps", "spec.yaml", "job"});
  EXPECT_THAT(text.out, HasSubstr("\nnetwork"));
}

TEST_P(GapsCommand, WhatItSaysCanBeSeen) {
  command_.write("spec.yaml", kSpec);
  command_.write("outside", "");
  const auto open = gaps()[level_]["open"].dump();
  const auto says = [&](const char* part) { return open.find(part) != open.npos; };
  const std::string outside = command_.home() + "/outside";
  const std::string seen = python(
      "import os\n"
      "def tried(name, act):\n"
      "  try: act(); print(name)\n"
      "  except OSError: pass\n"
      "tried('stat', lambda: os.stat('" +
          outside +
          "'))\n"
          "tried('chmod', lambda: os.chmod('" +
          outside +
          "', 0o600))\n"
          "if os.readlink('/proc/self/ns/net') == '" +
          std::filesystem::read_symlink("/proc/self/ns/net").string() + "': print('net')\n",
      {});
  const auto did = [&](const char* part) { return seen.find(part) != seen.npos; };
  EXPECT_EQ(did("stat"), says("(stat)"));
  EXPECT_EQ(did("chmod"), says("(chmod, utime"));
  EXPECT_EQ(did("net"), says("/proc/net"));
  const auto listened = python(
      "import socket\n"
      "s = socket.socket()\n"
      "s.listen()\n"
      "print(s.getsockname()[0])\n",
      {"--net", "local"});
  // In a network of its own nobody else can reach that port.
  EXPECT_EQ(listened == "0.0.0.0\n" && level_ != "network", says("listens without binding"));
}

RINGFORT_EACH_LEVEL_AND_USER(GapsCommand);
RINGFORT_AT_LEVEL_NETWORK(GapsCommand);

}  // namespace
}  // namespace ringfort::test
