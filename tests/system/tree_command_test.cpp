// Whole trees that resist their end, and memory that only the shim watches: detached containers,
// no supervisor.
#include "detached_fixture.hpp"

#include <csignal>
#include <filesystem>
#include <fstream>
#include <memory>
#include <set>
#include <sstream>

namespace ringfort {
namespace {

using nlohmann::json;
using test::eventually;
using test::Program;
using testing::HasSubstr;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

/// State and parent of each process, as /proc has them.
struct Process {
  int pid;
  char state;
  int parent;
};
std::vector<Process> processes() {
  std::vector<Process> all;
  for (const auto& entry : fs::directory_iterator("/proc")) {
    const auto name = entry.path().filename().string();
    if (name.find_first_not_of("0123456789") != name.npos) continue;
    std::ifstream file(entry.path() / "stat");
    std::string text;
    std::getline(file, text);
    const auto end = text.rfind(')');
    if (end == text.npos) continue;
    std::istringstream rest(text.substr(end + 1));
    Process one{std::stoi(name), '?', 0};
    rest >> one.state >> one.parent;
    all.push_back(one);
  }
  return all;
}
int parent_of(int pid) {
  for (const auto& one : processes())
    if (one.pid == pid) return one.parent;
  return 0;
}

struct TreeCommand : test::DetachedFixture {
  /// The victim as an image that holds nothing else.
  void add_victim(const std::string& name) const {
    const auto source = command_.home() + "/source-" + name;
    fs::create_directory(source);
    fs::copy_file(fs::path(RINGFORT_VICTIMS_DIR) / name, source + "/" + name);
    const auto added = run({"image", "add", name, source});
    ASSERT_EQ(added.code, 0) << added.err;
  }
  /// Detached, where no cgroup can be had.
  void start_victim(const std::string& name, const std::vector<std::string>& arguments,
                    const std::vector<std::string>& options = {}) const {
    add_victim(name);
    std::vector<std::string> words{"run",    "-d", "--isolation", level_,
                                   "--name", name, "--image",     name};
    words.insert(words.end(), options.begin(), options.end());
    words.insert(words.end(), {"--", "/" + name});
    words.insert(words.end(), arguments.begin(), arguments.end());
    auto how = command_.options();
    how.env["RINGFORT_TEST_NO_CGROUP"] = "1";
    const auto made = test::run_program(command_.argv(words), how);
    ASSERT_EQ(made.code, 0) << made.err;
  }
};

TEST_P(TreeCommand, ADaemonOfThreeLevelsEndsWithItsProgram) {
  start("deep",
        "trap 'exit 6' USR1; "
        "setsid sh -c 'setsid sh -c \"setsid sh -c \\\"echo deep; exec sleep 1000\\\" &\" & ' & "
        "while :; do sleep 0.02; done");
  EXPECT_TRUE(has_said("deep", "deep"));
  ASSERT_EQ(run({"kill", "-s", "USR1", "deep"}).code, 0);
  EXPECT_EQ(run({"wait", "deep"}).out, "6\n");
  EXPECT_TRUE(eventually(5s, [] { return test::descendants().empty(); }));
}

TEST_P(TreeCommand, AForkBombEndsInBoundedTime) {
  start_victim("bomb", {});
  EXPECT_TRUE(has_said("bomb", "ready"));
  const auto begin = std::chrono::steady_clock::now();
  const auto stopped = run({"stop", "-t", "0", "bomb"});
  EXPECT_EQ(stopped.code, 0) << stopped.err;
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 5s);
  EXPECT_EQ(inspect("bomb")["exit"]["code"], 137);
}

TEST_P(TreeCommand, AStoppedProgramEndsInItsOwnWay) {
  start("still", "trap 'exit 5' TERM; echo ready; kill -STOP $$; while :; do sleep 0.05; done");
  EXPECT_TRUE(has_said("still", "ready"));
  EXPECT_TRUE(eventually(5s, [&] { return inspect("still")["state"] == "paused"; }));
  EXPECT_EQ(run({"stop", "-t", "20", "still"}).code, 0);
  EXPECT_EQ(inspect("still")["exit"]["code"], 5);
}

/// What sleeps in the kernel, to which no signal comes through.
class FrozenTree {
 public:
  explicit FrozenTree(int pid)
      : path_("/sys/fs/cgroup/freezer/ringfort-test-" + std::to_string(::getpid())) {
    std::error_code error;
    fs::create_directory(path_, error);
    works_ = !error && put("cgroup.procs", std::to_string(pid)) && put("freezer.state", "FROZEN");
  }
  ~FrozenTree() {
    thaw();
    (void)eventually(5s, [&] { return ::rmdir(path_.c_str()) == 0 || errno == ENOENT; });
  }
  bool works() const { return works_; }
  void thaw() { (void)put("freezer.state", "THAWED"); }

 private:
  bool put(const char* name, const std::string& text) const {
    std::ofstream file(path_ + "/" + name);
    file << text;
    file.flush();
    return file.good();
  }
  std::string path_;
  bool works_ = false;
};

TEST_P(TreeCommand, ATreeThatCannotDieIsReportedAndItsLateEndIsKept) {
  start("ice", "exec sleep 1000");
  FrozenTree tree{inspect("ice")["pid"].get<int>()};
  if (!tree.works()) GTEST_SKIP() << "no freezer is writable here";
  const auto begin = std::chrono::steady_clock::now();
  const auto stopped = run({"stop", "-t", "0", "ice"});
  EXPECT_EQ(stopped.code, 125);
  EXPECT_THAT(stopped.err, HasSubstr("was killed but does not end"));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 12s);
  tree.thaw();
  EXPECT_EQ(run({"wait", "ice"}).out, "137\n");
  EXPECT_EQ(inspect("ice")["exit"]["reason"], "stopped");
}

TEST_P(TreeCommand, OrphansLeaveNoZombies) {
  start("orphans",
        "i=0; while [ $i -lt 300 ]; do (sleep 0 &); i=$((i+1)); done; echo done; exec sleep 1000");
  EXPECT_TRUE(has_said("orphans", "done"));
  const int main = inspect("orphans")["pid"];
  const int shim = parent_of(main);
  EXPECT_TRUE(eventually(5s, [&] {
    for (const auto& one : processes())
      if (one.parent == shim && one.pid != main) return false;
    return true;
  }));
}

TEST_P(TreeCommand, SixtyFourWaitersHearTheSameCode) {
  start("job", "trap 'exit 3' USR1; echo ready; while :; do sleep 0.02; done");
  EXPECT_TRUE(has_said("job", "ready"));
  std::vector<std::unique_ptr<Program>> waiters;
  for (int i = 0; i < 64; ++i)
    waiters.push_back(
        std::make_unique<Program>(command_.argv({"wait", "job"}), command_.options()));
  ASSERT_EQ(run({"kill", "-s", "USR1", "job"}).code, 0);
  for (auto& waiter : waiters) {
    const auto end = waiter->finish();
    EXPECT_EQ(end.code, 0) << end.err;
    EXPECT_EQ(end.out, "3\n");
  }
}

TEST_P(TreeCommand, TheShimHoldsAHogToItsLimit) {
  start_victim("hog", {"2"}, {"--memory", "64Mi"});
  EXPECT_EQ(run({"wait", "hog"}).out, "137\n");
  EXPECT_EQ(inspect("hog")["exit"]["reason"], "oom");
}

TEST_P(TreeCommand, TheShimCountsTheWholeTree) {
  start_victim("brood", {"4", "26"}, {"--memory", "64Mi"});
  EXPECT_EQ(run({"wait", "brood"}).out, "137\n");
  EXPECT_EQ(inspect("brood")["exit"]["reason"], "oom");
}

TEST_P(TreeCommand, TheShimCountsNoPagesOfFilesAndSharedOnesOnce) {
  start_victim("reader", {"96"}, {"--memory", "32Mi"});
  EXPECT_EQ(run({"wait", "reader"}).out, "0\n") << inspect("reader");
  start_victim("prefork", {}, {"--memory", "128Mi"});
  EXPECT_TRUE(has_said("prefork", "ready"));
  EXPECT_EQ(run({"stop", "-t", "0", "prefork"}).code, 0);
  EXPECT_EQ(inspect("prefork")["exit"]["reason"], "stopped");
}

RINGFORT_EACH_LEVEL_AND_USER(TreeCommand);

/// Runs its body with every signal blocked, as careless parents leave it to their children.
class AllSignalsBlocked {
 public:
  AllSignalsBlocked() {
    sigset_t all;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~AllSignalsBlocked() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_{};
};

TEST(CarelessParent, LosesNoCodeOfThreeHundredThatEndAtOnce) {
  const test::Command command;
  std::string jobs;
  for (int i = 0; i < 300; ++i)
    jobs += json{{"id", "job-" + std::to_string(i)},
                 {"cmd", {"sh", "-c", "exit " + std::to_string(i % 100)}}}
                .dump() +
            "\n";
  auto words = command.argv({"batch", "-j", "100"});
  std::string line = "trap '' CHLD; exec";
  for (const auto& word : words) line += " '" + word + "'";
  std::unique_ptr<Program> program;
  {
    const AllSignalsBlocked blocked;
    program = std::make_unique<Program>(std::vector<std::string>{"sh", "-c", line},
                                        command.options(jobs));
  }
  const auto end = program->finish();
  std::set<std::string> right;
  std::istringstream lines{end.out};
  for (std::string text; std::getline(lines, text);) {
    const auto report = json::parse(text);
    const std::string id = report["id"];
    if (report["exit"]["code"] == std::stoi(id.substr(4)) % 100) right.insert(id);
  }
  EXPECT_EQ(right.size(), 300U) << end.err;
  EXPECT_THAT(command.leftovers(), testing::IsEmpty());
}

}  // namespace
}  // namespace ringfort
