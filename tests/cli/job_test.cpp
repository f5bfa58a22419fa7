#include "ringfort/cli/job.hpp"

#include "ringfort/cli/data_dir.hpp"
#include "ringfort/cli/paths.hpp"
#include "ringfort/cli/run_denials.hpp"
#include "ringfort/support/temp_dir.hpp"

#include <gmock/gmock.h>

#include <filesystem>

namespace ringfort::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;

const Caller nobody{"/", "/", false, {}};

TEST(Job, IsClosedByDefault) {
  const auto job = make_job({}, {"true"}, nobody);
  ASSERT_TRUE(job);
  EXPECT_EQ(job->service.image.name, "host");
  EXPECT_EQ(job->options.net, NetMode::None);
  EXPECT_EQ(job->options.durability, Durability::None);
  EXPECT_FALSE(job->options.own_port);
  EXPECT_FALSE(job->options.user);
  EXPECT_EQ(job->options.grace, std::chrono::seconds{2});
  EXPECT_TRUE(check(job->id));
}

TEST(Job, HasAnotherNameEachTime) {
  EXPECT_NE(make_job({}, {"true"}, nobody)->id, make_job({}, {"true"}, nobody)->id);
}

TEST(Job, NeedsAProgram) { EXPECT_FALSE(make_job({}, {}, nobody)); }

TEST(Job, TakesAPortAsAWishForTheLocalNetwork) {
  JobFlags flags;
  flags.port = true;
  const auto job = make_job(flags, {"true"}, nobody);
  EXPECT_EQ(job->options.net, NetMode::Local);
  EXPECT_TRUE(job->options.own_port);

  flags.net = NetMode::None;
  EXPECT_FALSE(make_job(flags, {"true"}, nobody));
  flags.net = NetMode::Full;
  EXPECT_EQ(make_job(flags, {"true"}, nobody)->options.net, NetMode::Full);
}

TEST(Job, LetsTheLastVariableOfANameWin) {
  JobFlags flags;
  flags.env = {{"A", "1"}, {"B", ""}, {"A", "2"}};
  EXPECT_THAT(make_job(flags, {"true"}, nobody)->service.env,
              ElementsAre(Pair("A", "2"), Pair("B", "")));
}

TEST(Job, RunsAsWhoTypedSudoUnlessToldOtherwise) {
  Caller caller = nobody;
  caller.sudo_user = "1000:1000";
  EXPECT_EQ(make_job({}, {"true"}, caller)->options.user, "1000:1000");
  JobFlags flags;
  flags.user = "7:7";
  EXPECT_EQ(make_job(flags, {"true"}, caller)->options.user, "7:7");
}

TEST(SudoUser, IsReadOnlyFromTwoNumbersOfAPlainUser) {
  EXPECT_EQ(sudo_user("1000", "1001"), "1000:1001");
  for (const char* strange : {"", "0", "-1", "x", "1000x", "99999999999"})
    EXPECT_EQ(sudo_user(strange, "1000"), "") << strange;
  EXPECT_EQ(sudo_user(nullptr, "1000"), "");
  EXPECT_EQ(sudo_user("1000", nullptr), "");
}

TEST(Paths, AreMadeAbsoluteByTextAlone) {
  struct Row {
    const char* path;
    const char* directory;
    const char* absolute;
  };
  for (const auto& row : {Row{"x", "/home/me", "/home/me/x"},
                          {".", "/home/me", "/home/me"},
                          {"../x/", "/home/me", "/home/x"},
                          {"/a//b/./c", "/home", "/a/b/c"},
                          {"..", "/home", "/"},
                          {"/", "/home", "/"}})
    EXPECT_EQ(absolute_path(row.path, row.directory), row.absolute) << row.path;
}

TEST(Paths, AreSeenAsGivenAndResolved) {
  const test::TempDir dir;
  const auto root = std::filesystem::canonical(dir.path()).string();
  std::filesystem::create_directories(root + "/real/inner");
  std::filesystem::create_directory_symlink(root + "/real", root + "/link");
  EXPECT_THAT(*visible_paths("real", root), ElementsAre(root + "/real"));
  EXPECT_THAT(*visible_paths("link", root), ElementsAre(root + "/real", root + "/link"));
  // Behind the link ".." is the parent of its target, and no path of text alone leads there.
  std::filesystem::create_directory_symlink(root + "/real/inner", root + "/deep");
  EXPECT_THAT(*visible_paths("deep/..", root), ElementsAre(root + "/real"));
  EXPECT_THAT(visible_paths("none", root).error().what, HasSubstr("none: No such file"));
  EXPECT_FALSE(visible_paths("", root));
}

TEST(Job, StartsInTheCallersDirectoryOrInOneThatIsVisible) {
  const test::TempDir dir;
  const auto root = std::filesystem::canonical(dir.path()).string();
  std::filesystem::create_directories(root + "/in/deep");
  const Caller caller{root, root, false, {}};
  EXPECT_EQ(make_job({}, {"true"}, caller)->options.workdir, root);

  JobFlags flags;
  flags.workdir = "in/deep";
  EXPECT_THAT(make_job(flags, {"true"}, caller).error().hint, HasSubstr("--read in/deep"));
  flags.read = {"in"};
  EXPECT_EQ(make_job(flags, {"true"}, caller)->options.workdir, root + "/in/deep");
}

TEST(NamedFiles, AreTheWordsThatMayBePaths) {
  const auto named = named_files(
      {"-v", "s.py", "--file=/a//b", "cat '/c d' ../e>/f", "/a/b", "", ".", "x"}, "/home/me");
  std::vector<std::string> paths;
  for (const auto& file : named) paths.push_back((file.is_relative ? "./" : "") + file.path);
  EXPECT_THAT(paths, ElementsAre(".//home/me/s.py", "/a/b", ".//home/me/cat", "/c", ".//home/me/d",
                                 ".//home/e", "/f", ".//home/me/x"));
  std::string many;
  for (int i = 0; i < 10000; ++i) many += "/" + std::to_string(i) + " ";
  EXPECT_EQ(named_files({many}, "/").size(), 256U);
}

TEST(DataDir, IsFoundInThisOrder) {
  EXPECT_EQ(*choose_data_dir({"d", "v", "/x", "/h", true}), "d");
  EXPECT_EQ(*choose_data_dir({"", "v", "/x", "/h", true}), "v");
  EXPECT_EQ(*choose_data_dir({"", "", "/x", "/h", true}), "/var/lib/ringfort");
  EXPECT_EQ(*choose_data_dir({"", "", "/x", "/h", false}), "/x/ringfort");
  EXPECT_EQ(*choose_data_dir({"", "", "relative", "/h", false}), "/h/.local/share/ringfort");
  const auto none = choose_data_dir({"", "", "", "", false});
  ASSERT_FALSE(none);
  EXPECT_THAT(none.error().hint, HasSubstr("RINGFORT_DATA_DIR"));
}

}  // namespace
}  // namespace ringfort::cli
