// What a command finds on disk: records that are whole, old, damaged, or somebody else's.
#include "detached_fixture.hpp"

#include <algorithm>
#include <filesystem>
#include <set>

#include <unistd.h>

namespace ringfort {
namespace {

using testing::HasSubstr;
using testing::Not;
using namespace std::chrono_literals;

class RecordsCommand : public test::DetachedFixture {
 protected:
  std::string state(const std::string& path) const {
    return command_.data_dir() + "/state/" + path;
  }
  static void flip(const std::string& path, std::size_t at) {
    auto text = test::read_file(path);
    ASSERT_LT(at, text.size());
    text[at] ^= 1;
    test::write_file(path, text);
  }
  void end(const std::string& name) const { EXPECT_EQ(run({"wait", name}).out, "0\n"); }
};

TEST_P(RecordsCommand, ADamagedOneIsShownAndHarmsNobodyElse) {
  start("good", "exit 0");
  start("bad", "exit 0");
  end("good");
  end("bad");
  flip(state("bad-1/record"), 200);

  const auto shown = run({"inspect", "bad-1"});
  EXPECT_EQ(shown.code, 125);
  EXPECT_THAT(shown.err, HasSubstr("checksum"));
  const auto listed = run({"ps"});
  EXPECT_THAT(listed.out, HasSubstr("damaged"));
  EXPECT_THAT(listed.err, HasSubstr("ringfort rm -f"));
  EXPECT_EQ(inspect("good")["state"], "exited");
  EXPECT_EQ(run({"prune"}).out, "good-1\n") << "user data is not thrown away in doubt";
  EXPECT_EQ(run({"rm", "-f", "bad-1"}).code, 0);
  EXPECT_EQ(ps().size(), 0U);
}

TEST_P(RecordsCommand, ADamagedOnesPortIsGivenBack) {
  start("bad", "exit 0", {"--port"});
  end("bad");
  const std::size_t port = inspect("bad")["port"];
  flip(state("bad-1/record"), 200);

  EXPECT_EQ(run({"rm", "-f", "bad-1"}).code, 0);

  EXPECT_EQ(test::read_file(command_.data_dir() + "/.ports")[port], '\0');
}

TEST_P(RecordsCommand, ADamagedOneWhoseProgramLivesIsRemovedWithIt) {
  start("bad", "echo ready; exec sleep 1000");
  ASSERT_TRUE(has_said("bad", "ready\n"));
  const int program = inspect("bad")["pid"];
  flip(state("bad-1/record"), 200);

  EXPECT_EQ(run({"rm", "-f", "bad-1"}).code, 0);

  EXPECT_EQ(::kill(program, 0), -1);
  EXPECT_EQ(errno, ESRCH);
}

TEST_P(RecordsCommand, AtFullDurabilityTheOneBeforeServes) {
  start("job", "exit 0", {"--durability", "full"});
  end("job");
  EXPECT_EQ(run({"start", "job"}).code, 0);  // another owner: a second record
  end("job");
  flip(state("job-1/record"), 200);

  EXPECT_EQ(inspect("job")["state"], "exited");
  EXPECT_EQ(run({"start", "job"}).code, 0);
  end("job");
}

/// As one leaves it that is killed between the note of its port and its record.
TEST_P(RecordsCommand, APortThatAKilledCommandNotedIsGivenBack) {
  ASSERT_EQ(run({"create", "--isolation", level_, "--port", "--name", "web", "--", "true"}).code,
            0);
  const std::size_t port = inspect("web")["port"];
  const auto table = command_.data_dir() + "/.ports";
  const std::size_t stray = port == 20000 ? 20001 : 20000;
  auto noted = test::read_file(table);
  noted.resize(std::max(noted.size(), stray + 1), '\0');
  noted[stray] = '\1';
  test::write_file(table, noted);

  (void)ps();
  EXPECT_EQ(test::read_file(table)[stray], '\1') << "nobody died";
  const std::string dead(32, '0');
  test::write_file(state("owners/" + dead), "");
  (void)ps();

  EXPECT_FALSE(test::exists(state("owners/" + dead)));
  EXPECT_EQ(test::read_file(table)[stray], '\0');
  EXPECT_EQ(test::read_file(table)[port], '\1');
}

TEST_P(RecordsCommand, WithoutARecordNothingCanBeDetached) {
  const auto refused = run({"run", "-d", "--durability", "none", "--", "true"});
  EXPECT_EQ(refused.code, 125);
  EXPECT_THAT(refused.err, HasSubstr("durability process or full"));
  EXPECT_EQ(run({"create", "--durability", "none", "--", "true"}).code, 125);
  EXPECT_EQ(ps().size(), 0U);
}

/// As if the command had been killed between the two steps of a removal.
TEST_P(RecordsCommand, ARemovalThatWasCutShortIsFinishedByWhoeverLooks) {
  start("half", "exit 0");
  start("marked", "echo ready; exec sleep 1000");
  end("half");
  ASSERT_TRUE(has_said("marked", "ready\n"));
  const int program = inspect("marked")["pid"];
  std::filesystem::remove_all(command_.data_dir() + "/containers/half-1");
  auto record = test::read_file(state("marked-1/record"));
  test::write_file(state("marked-1/record"), record.replace(0, 6, "leave "));

  (void)run({"ps", "-a"});

  EXPECT_EQ(ps().size(), 0U);
  EXPECT_FALSE(test::exists(state("half-1")));
  EXPECT_FALSE(test::exists(state("marked-1")));
  EXPECT_EQ(::kill(program, 0), -1);
  start("half", "exit 0");
  end("half");
}

/// `pid` is written for people; nothing may follow from what is in it.
TEST_P(RecordsCommand, APidFileIsNotRead) {
  for (const std::string text : {"0\n", "-1\n", "1\n", "not a number\n", ""}) {
    start("web", "echo ready; exec sleep 1000");
    ASSERT_TRUE(has_said("web", "ready\n"));
    test::write_file(command_.data_dir() + "/containers/web-1/pid", text);
    EXPECT_EQ(run({"kill", "web"}).code, 0) << text;
    EXPECT_EQ(run({"wait", "web"}).out, "137\n");
    EXPECT_EQ(run({"rm", "web"}).code, 0);
  }
}

TEST_P(RecordsCommand, ForeignFilesArePassedOverAndStay) {
  start("web", "exit 0");
  end("web");
  const std::vector<std::string> foreign{
      "containers/notes", "state/notes",  "state/web-01/record", "state/owners/notes",
      ".staging/notes",   ".trash/notes", "state/web-1/notes"};
  for (const auto& path : foreign) {
    std::filesystem::create_directories(
        std::filesystem::path(command_.data_dir() + "/" + path).parent_path());
    test::write_file(command_.data_dir() + "/" + path, "mine");
  }

  EXPECT_EQ(ps().size(), 1U);
  EXPECT_EQ(run({"start", "web"}).code, 0);
  end("web");
  EXPECT_EQ(run({"prune"}).out, "web-1\n");

  for (const auto& path : foreign) {
    if (path == "state/web-1/notes") continue;  // a removal takes the whole of it
    EXPECT_EQ(test::read_file(command_.data_dir() + "/" + path), "mine") << path;
    std::filesystem::remove(command_.data_dir() + "/" + path);
  }
  std::filesystem::remove(state("web-01"));
}

TEST_P(RecordsCommand, APortIsOneContainersAlsoWhileNobodyHoldsIt) {
  std::set<int> ports;
  for (const auto* name : {"one", "two", "three"}) {
    ASSERT_EQ(run({"create", "--isolation", level_, "--port", "--name", name, "--", "sh", "-c",
                   "echo $PORT"})
                  .code,
              0);
    ports.insert(inspect(name)["port"].get<int>());
  }
  EXPECT_EQ(ports.size(), 3U);
  // Somebody with another data directory may take it at this moment: then it has a new one.
  EXPECT_EQ(run({"start", "one"}).code, 0);
  end("one");
  EXPECT_EQ(run({"logs", "one"}).out, std::to_string(inspect("one")["port"].get<int>()) + "\n");
}

/// Neither supervisor nor zygote lives here, so only the kernel is left to clear up.
TEST_P(RecordsCommand, AKilledShimTakesItsProgramAlongAndAtNamespacesTheWholeTree) {
  start("web", "setsid sleep 1000 & echo ready; exec sleep 1001");
  ASSERT_TRUE(has_said("web", "ready\n"));
  const auto shown = inspect("web");
  const int program = shown["pid"];
  const auto tree = test::descendants();
  ASSERT_EQ(tree.size(), 3U) << "shim, program, what it started";

  for (const int pid : tree)
    if (test::name_of(pid) == "ringfort-shim") ::kill(pid, SIGKILL);

  EXPECT_EQ(run({"wait", "web"}).out, "255\n");
  const auto exit = inspect("web")["exit"];
  EXPECT_EQ(exit["known"], false);
  EXPECT_EQ(exit["reason"], "lost");
  EXPECT_TRUE(test::eventually(5s, [&] { return test::name_of(program).empty(); }));
  if (level_ == "namespaces") {
    EXPECT_TRUE(test::eventually(5s, [] { return test::descendants().empty(); }));
    return;
  }
  // The limit, as it is printed.
  EXPECT_THAT(shown["missing"].dump(), HasSubstr("what the program itself started may go on"));
  const auto left = test::descendants();
  ASSERT_EQ(left.size(), 1U);
  EXPECT_EQ(test::name_of(left[0]), "sleep");
  ::kill(left[0], SIGKILL);
}

TEST_P(RecordsCommand, ANewerCommandTakesOverTheShimsOfTheOneBefore) {
  start("old", "trap 'exit 9' TERM; echo ready; while :; do sleep 0.05; done");
  start("gone", "exit 3");
  ASSERT_TRUE(has_said("old", "ready\n"));
  EXPECT_EQ(run({"wait", "gone"}).out, "3\n");
  const int program = inspect("old")["pid"];

  command_.upgrade();

  EXPECT_THAT(run({"version"}).out, HasSubstr("protocol 3"));
  EXPECT_EQ(inspect("old")["state"], "running");
  EXPECT_EQ(inspect("old")["pid"], program);
  EXPECT_EQ(inspect("gone")["exit"]["code"], 3);
  EXPECT_EQ(run({"exec", "old", "sh", "-c", "echo in; exit 5"}).code, 5);
  EXPECT_EQ(run({"pause", "old"}).code, 0);
  EXPECT_TRUE(test::eventually(5s, [&] { return inspect("old")["state"] == "paused"; }));
  EXPECT_EQ(run({"unpause", "old"}).code, 0);
  EXPECT_EQ(run({"stop", "old"}).code, 0);
  EXPECT_EQ(run({"wait", "old"}).out, "9\n");
  EXPECT_EQ(run({"start", "gone"}).code, 0) << "with a shim of the new version";
  EXPECT_EQ(run({"wait", "gone"}).out, "3\n");
}

/// The other way round nothing can be promised but a clear word.
TEST_P(RecordsCommand, AnOlderCommandSaysThatAShimIsNewer) {
  test::Command newer{std::get<1>(GetParam())};
  newer.upgrade();
  const std::vector<std::string> words{"--data-dir",  newer.data_dir(), "run",    "-d",
                                       "--isolation", level_,           "--name", "new",
                                       "--",          "sleep",          "1000"};
  ASSERT_EQ(newer.run(words).code, 0);

  const auto refused = run({"--data-dir", newer.data_dir(), "stop", "new"});

  EXPECT_EQ(refused.code, 125);
  EXPECT_THAT(refused.err, HasSubstr("protocol 3, ours is 2"));
  EXPECT_EQ(newer.run({"rm", "-f", "new"}).code, 0);
}

RINGFORT_EACH_LEVEL_AND_USER(RecordsCommand);

}  // namespace
}  // namespace ringfort
