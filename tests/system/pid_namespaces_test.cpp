// Two PID namespaces on one data volume: neither can see the other's processes, and neither takes
// the other's containers for dead.
#include "ringfort/support/command.hpp"
#include "ringfort/support/eventually.hpp"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include <csignal>
#include <fstream>
#include <optional>

#include <unistd.h>

namespace ringfort {
namespace {

using nlohmann::json;
using test::Outcome;
using namespace std::chrono_literals;

class PidNamespaces : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "a second PID namespace needs root";
    if (const auto why = command_.refusal(GetParam())) GTEST_SKIP() << *why;
    // What `unshare` runs is PID 1 there, and lives until it is killed.
    other_.emplace(std::vector<std::string>{"unshare", "--pid", "--fork", "--kill-child",
                                            "--mount-proc", "sleep", "1000"});
    ASSERT_TRUE(test::eventually(10s, [this] { return first_child() != 0; }));
  }
  void TearDown() override {
    if (IsSkipped()) return;
    for (const auto* name : {"here", "there"}) (void)here({"rm", "-f", name});
    end_the_other();
    EXPECT_THAT(command_.leftovers(), testing::IsEmpty());
  }

  /// PID 1 of the other namespace, as this one names it; 0 until it runs there.
  int first_child() const {
    const auto outer = std::to_string(other_->pid());
    std::ifstream file("/proc/" + outer + "/task/" + outer + "/children");
    int pid = 0;
    file >> pid;
    std::ifstream name("/proc/" + std::to_string(pid) + "/comm");
    std::string text;
    name >> text;
    return text == "sleep" ? pid : 0;
  }
  void end_the_other() {
    if (other_) ::kill(first_child(), SIGKILL);
    if (other_) (void)other_->finish();
    other_.reset();
  }

  Outcome here(const std::vector<std::string>& words) const { return command_.run(words); }
  Outcome there(const std::vector<std::string>& words) const {
    std::vector<std::string> argv{"nsenter", "--pid", "--mount", "-t",
                                  std::to_string(first_child())};
    const auto command = command_.argv(words);
    argv.insert(argv.end(), command.begin(), command.end());
    return test::run_program(argv, command_.options());
  }
  std::vector<std::string> run_words(const std::string& name) const {
    return {"run",         "-d",
            "--isolation", GetParam(),
            "--name",      name,
            "--",          "sh",
            "-c",          "trap 'exit 7' TERM; echo ready; while :; do sleep 0.05; done"};
  }
  static std::string state(const Outcome& shown) {
    EXPECT_EQ(shown.code, 0) << shown.err;
    return shown.code == 0 ? json::parse(shown.out)[0]["state"].get<std::string>() : "";
  }

  test::Command command_;
  std::optional<test::Program> other_;
};

TEST_P(PidNamespaces, NeitherTakesTheOthersForDead) {
  ASSERT_EQ(there(run_words("there")).code, 0);
  ASSERT_EQ(here(run_words("here")).code, 0);
  for (const auto* name : {"here", "there"}) {
    EXPECT_TRUE(test::eventually(10s, [&] { return here({"logs", name}).out == "ready\n"; }));
    EXPECT_EQ(state(here({"inspect", name})), "running");
    EXPECT_EQ(state(there({"inspect", name})), "running");
  }
  EXPECT_EQ(here({"prune"}).out, "");
  EXPECT_EQ(there({"prune"}).out, "");
  EXPECT_EQ(there({"exec", "here", "sh", "-c", "exit 5"}).code, 5);
  EXPECT_EQ(here({"exec", "there", "sh", "-c", "exit 6"}).code, 6);

  EXPECT_EQ(there({"stop", "here"}).code, 0);
  EXPECT_EQ(here({"stop", "there"}).code, 0);

  for (const auto* name : {"here", "there"}) {
    EXPECT_EQ(here({"wait", name}).out, "7\n");
    EXPECT_EQ(there({"wait", name}).out, "7\n");
  }
}

TEST_P(PidNamespaces, OneThatIsGoneLosesItsOwnOnly) {
  ASSERT_EQ(there(run_words("there")).code, 0);
  ASSERT_EQ(here(run_words("here")).code, 0);
  EXPECT_TRUE(test::eventually(10s, [&] { return here({"logs", "there"}).out == "ready\n"; }));

  end_the_other();

  EXPECT_EQ(here({"wait", "there"}).out, "255\n");
  const auto exit = json::parse(here({"inspect", "there"}).out)[0]["exit"];
  EXPECT_EQ(exit["known"], false);
  EXPECT_EQ(exit["reason"], "lost");
  EXPECT_EQ(state(here({"inspect", "here"})), "running");
}

INSTANTIATE_TEST_SUITE_P(, PidNamespaces, testing::Values("landlock", "namespaces"),
                         [](const auto& row) { return row.param; });

}  // namespace
}  // namespace ringfort
