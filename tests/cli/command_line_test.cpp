#include "ringfort/cli/command_line.hpp"

#include "ringfort/support/golden.hpp"
#include "ringfort/support/program.hpp"

#include <CLI/CLI.hpp>
#include <gmock/gmock.h>

namespace ringfort::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const Verb& verb(std::string_view name) {
  for (const auto& one : verbs())
    if (one.name == name) return one;
  ADD_FAILURE() << name;
  return verbs().front();
}

/// An app of `run`, to split arguments with.
class Splitting : public testing::Test {
 protected:
  Result<Split> split(const Arguments& arguments, Tail tail = Tail::Program) {
    return split_arguments(*app_, arguments, tail);
  }

  std::unique_ptr<Command> command_ = verb("run").make();
  std::string data_dir_;
  std::unique_ptr<CLI::App> app_ = make_app(verb("run"), *command_, data_dir_);
};

TEST_F(Splitting, EndsTheOptionsAtTheFirstPlainWord) {
  const auto parts = split({"--memory", "64Mi", "--port", "sh", "--memory", "-x"});
  ASSERT_TRUE(parts);
  EXPECT_THAT(parts->options, ElementsAre("--memory", "64Mi", "--port"));
  EXPECT_THAT(parts->tail, ElementsAre("sh", "--memory", "-x"));
}

TEST_F(Splitting, DropsOneDoubleDashAndKeepsTheNext) {
  const auto parts = split({"--port", "--", "--", "x"});
  ASSERT_TRUE(parts);
  EXPECT_THAT(parts->options, ElementsAre("--port"));
  EXPECT_THAT(parts->tail, ElementsAre("--", "x"));
}

TEST_F(Splitting, TakesValuesThatLookLikeOptions) {
  const auto parts = split({"--env", "--", "--workdir=-odd", "true"});
  ASSERT_TRUE(parts);
  EXPECT_THAT(parts->options, ElementsAre("--env", "--", "--workdir", "-odd"));
  EXPECT_THAT(parts->tail, ElementsAre("true"));
}

TEST_F(Splitting, TakesLettersTogether) {
  const auto parts = split({"-dit", "sh", "-it"});
  ASSERT_TRUE(parts);
  EXPECT_THAT(parts->options, ElementsAre("-d", "-i", "-t"));
  EXPECT_THAT(parts->tail, ElementsAre("sh", "-it"));
  EXPECT_FALSE(split({"-ix", "sh"})) << "there is no -x";
}

TEST_F(Splitting, KeepsAnEmptyValueEmpty) {
  const auto parts = split({"--env=", "true"});
  ASSERT_TRUE(parts);
  EXPECT_THAT(parts->options, ElementsAre("--env", ""));
}

TEST_F(Splitting, NamesTheNearestOptionForOneThatIsNotKnown) {
  const auto parts = split({"--memroy", "64Mi", "true"});
  ASSERT_FALSE(parts);
  EXPECT_THAT(parts.error().what, HasSubstr("--memroy"));
  EXPECT_EQ(parts.error().hint, "write --memory");
}

TEST_F(Splitting, MissesTheValueAtTheEnd) {
  const auto parts = split({"--memory"});
  ASSERT_FALSE(parts);
  EXPECT_THAT(parts.error().what, HasSubstr("needs a value"));
}

TEST_F(Splitting, LetsWordsAndOptionsMixWhereThereIsNoProgram) {
  const auto parts = split({"spec.yaml", "--port", "web"}, Tail::None);
  ASSERT_TRUE(parts);
  EXPECT_THAT(parts->options, ElementsAre("spec.yaml", "--port", "web"));
  EXPECT_THAT(parts->tail, IsEmpty());
}

TEST(Help, IsAsReviewed) {
  std::string text = root_help();
  for (const auto& one : verbs()) text += "\n----\n" + verb_help(one);
  EXPECT_TRUE(support::matches_golden(text, "cli_help.txt"));
}

TEST(Help, GoesToStdoutAndIsNoError) {
  const std::string ringfort = RINGFORT_BIN_DIR "/ringfort";
  for (const auto& line : std::vector<Arguments>{{"--help"}, {"run", "-h"}, {"help", "up"}}) {
    Arguments argv{ringfort};
    argv.insert(argv.end(), line.begin(), line.end());
    const auto end = test::run_program(argv);
    EXPECT_EQ(end.code, 0);
    EXPECT_THAT(end.out, HasSubstr("Examples:"));
    EXPECT_EQ(end.err, "");
  }
}

TEST(UsageErrors, AreAsReviewedAndAll125) {
  const std::vector<Arguments> lines{
      {},
      {"rum", "true"},
      {"--frobnicate"},
      {"--data-dir"},
      {"run"},
      {"run", "--memroy", "1Gi", "true"},
      {"run", "--memory", "12x", "true"},
      {"run", "--memory", "0", "true"},
      {"run", "--memory=", "true"},
      {"run", "--timeout", "5", "true"},
      {"run", "--port=7", "true"},
      {"run", "--env", "=x", "true"},
      {"run", "--connect", "70000", "true"},
      {"run", "--net", "lokal", "true"},
      {"run", "--net", "none", "--port", "true"},
      {"run", "--isolation", "vm", "true"},
      {"run", "--seccomp", "buidl", "true"},
      {"run", "--seccomp", "strict", "--port", "true"},
      {"run", "--read", "/no/such/path", "true"},
      {"run", "--workdir", "/usr", "true"},
      {"run", "--report", "/no/such/report.json", "true"},
      {"batch", "-j", "0"},
      {"batch", "surplus"},
      {"up"},
      {"up", "a.yaml", "b.yaml"},
      {"image"},
      {"image", "ad", "x", "/"},
      {"image", "add", "x"},
      {"explain", "--linx", "a.yaml"},
  };
  std::string text;
  for (const auto& line : lines) {
    Arguments argv{RINGFORT_BIN_DIR "/ringfort"};
    argv.insert(argv.end(), line.begin(), line.end());
    const auto end = test::run_program(argv, {{}, "/", {}});
    text += "$ ringfort";
    for (const auto& word : line) text += " " + (word.empty() ? "''" : word);
    text += "\n" + (line.empty() ? "(help)\n" : end.err);
    EXPECT_EQ(end.code, 125) << text;
    EXPECT_EQ(end.out, "");
  }
  EXPECT_TRUE(support::matches_golden(text, "cli_errors.txt"));
}

}  // namespace
}  // namespace ringfort::cli
