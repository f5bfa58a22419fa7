// What containers have said, read by commands that did not start them: rotated, followed, damaged,
// on a full disk.
#include "detached_fixture.hpp"

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <sstream>

#include <sys/mount.h>
#include <sys/statvfs.h>

namespace ringfort {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;
using namespace std::chrono_literals;

constexpr std::uint64_t kMi = 1 << 20;

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

/// "7\n8\n9\n": does it count from its first number to `last` without a gap?
testing::AssertionResult counts_to(const std::string& text, int last) {
  const auto lines = lines_of(text);
  if (lines.empty()) return testing::AssertionFailure() << "no line";
  int expected = last - static_cast<int>(lines.size()) + 1;
  for (const auto& line : lines)
    if (line != std::to_string(expected++))
      return testing::AssertionFailure() << "\"" << line << "\", not " << expected - 1;
  return testing::AssertionSuccess();
}

class LogsCommand : public test::DetachedFixture {
 protected:
  std::string logs(const std::string& name, std::vector<std::string> options = {}) const {
    options.insert(options.begin(), "logs");
    options.push_back(name);
    const auto end = run(options);
    EXPECT_EQ(end.code, 0) << end.err;
    return end.out;
  }
  std::vector<json> entries(const std::string& name) const {
    std::vector<json> found;
    for (const auto& line : lines_of(logs(name, {"--json"}))) found.push_back(json::parse(line));
    return found;
  }
  void end(const std::string& name, const std::string& code = "0") const {
    EXPECT_EQ(run({"wait", name}).out, code + "\n");
  }
  std::string directory(const std::string& name) const {
    return command_.data_dir() + "/containers/" + name + "-1";
  }
  /// All files of a stream, the oldest first.
  std::vector<fs::path> files(const std::string& name, const std::string& stream) const {
    std::vector<std::pair<int, fs::path>> found;
    for (const auto& file : fs::directory_iterator(directory(name))) {
      const auto text = file.path().filename().string();
      if (!text.starts_with(stream + ".log")) continue;
      const auto number = text.substr(stream.size() + 4);
      found.emplace_back(number.empty() ? INT_MAX : std::stoi(number.substr(1)), file.path());
    }
    std::ranges::sort(found);
    std::vector<fs::path> paths;
    for (auto& [number, path] : found) paths.push_back(std::move(path));
    return paths;
  }
  std::uint64_t size_of_logs(const std::string& name) const {
    std::uint64_t sum = 0;
    for (const auto* stream : {"stdout", "stderr"})
      for (const auto& path : files(name, stream)) sum += fs::file_size(path);
    return sum;
  }
  test::Program follow(const std::string& name, std::vector<std::string> options = {}) const {
    options.insert(options.begin(), {"logs", "-f"});
    options.push_back(name);
    return test::Program{command_.argv(options), command_.options()};
  }
};

TEST_P(LogsCommand, KeepsTheNewestThirtyMebibytes) {
  start("job", "seq 1 8500000");  // 64 MiB
  end("job");

  EXPECT_LE(size_of_logs("job"), 31 * kMi);
  EXPECT_GE(size_of_logs("job"), 20 * kMi);
  std::string all;
  for (const auto& path : files("job", "stdout")) {
    const auto text = test::read_file(path);
    EXPECT_TRUE(text.ends_with('\n')) << path << " ends within a line";
    all += text;
  }
  EXPECT_TRUE(counts_to(all, 8500000));
  EXPECT_EQ(logs("job", {"--tail", "2"}), "8499999\n8500000\n");
}

TEST_P(LogsCommand, AltersNoByte) {
  const auto line = R"(printf 'a\377b\000c\rd\033[1m\n')";
  start("job", std::string(line) + "; head -c 8388608 /dev/zero | tr '\\0' x; echo; echo after");
  end("job");

  using namespace std::string_literals;
  const auto out = logs("job");
  const auto expected = "a\xff" + "b\0c\rd\x1b[1m\n"s + std::string(8 * kMi, 'x') + "\nafter\n";
  EXPECT_EQ(out.size(), expected.size());
  EXPECT_TRUE(out == expected);
  std::string joined;
  bool goes_on = false;
  for (const auto& entry : entries("job")) {
    const std::string message = entry["message"];
    EXPECT_LE(message.size(), 16384U);
    if (message.starts_with('x')) joined += message;
    if (goes_on) {
      EXPECT_THAT(message, StartsWith("x"));
    }
    goes_on = entry["partial"];
  }
  EXPECT_FALSE(goes_on);
  EXPECT_EQ(joined.size(), 8 * kMi);
}

TEST_P(LogsCommand, KeepsTheOrderOfEachStreamAndOfTime) {
  start("job", "i=0; while [ $i -lt 300 ]; do echo o$i; echo e$i >&2; i=$((i+1)); done");
  end("job");

  int next[2] = {0, 0};
  std::string time;
  for (const auto& entry : entries("job")) {
    const bool is_error = entry["stream"] == "stderr";
    EXPECT_EQ(entry["message"], (is_error ? "e" : "o") + std::to_string(next[is_error]++));
    EXPECT_GE(entry["time"].get<std::string>(), time);
    time = entry["time"];
  }
  EXPECT_EQ(next[0], 300);
  EXPECT_EQ(next[1], 300);
}

TEST_P(LogsCommand, TheLastLineOfAKilledProgramIsThere) {
  start("job", "seq 1 5000; kill -9 $$");
  for (int life = 1; life <= 10; ++life) {
    end("job", "137");
    EXPECT_EQ(logs("job", {"--tail", "1"}), "5000\n") << life;
    if (life < 10) {
      EXPECT_EQ(run({"start", "job"}).code, 0);
    }
  }
  EXPECT_EQ(lines_of(logs("job")).size(), 50000U);
}

TEST_P(LogsCommand, NumbersGoOnInTheNextLifeAndOverRotations) {
  start("job", "seq 1 20000", {"--log-size", "64Ki", "--log-files", "20"});
  end("job");
  EXPECT_EQ(run({"start", "job"}).code, 0);
  end("job");

  EXPECT_GT(files("job", "stdout").size(), 2U);
  std::uint64_t before = 0;
  std::size_t count = 0;
  for (const auto& entry : entries("job")) {
    const std::uint64_t sequence = entry["sequence"];
    EXPECT_GE(sequence, before);
    before = sequence;
    EXPECT_EQ(entry["message"], std::to_string(count % 20000 + 1));
    ++count;
  }
  EXPECT_EQ(count, 40000U);
}

TEST_P(LogsCommand, NobodyWhoStopsListeningStopsTheProgram) {
  command_.write("in/go", "");
  start("job",
        "echo ready; until [ -e " + command_.home() +
            "/in/begin ]; do sleep 0.02; done; "
            "seq 1 3000000",
        {"--read", "in", "--log-size", "4Mi"});
  auto follower = follow("job");
  test::Program waiter{command_.argv({"wait", "job"}), command_.options()};
  test::Program killed{command_.argv({"wait", "job"}), command_.options()};
  ASSERT_TRUE(follower.has_said("ready\n"));
  follower.signal(SIGSTOP);
  waiter.signal(SIGSTOP);
  killed.signal(SIGKILL);
  command_.write("in/begin", "");

  end("job");

  EXPECT_EQ(logs("job", {"--tail", "1"}), "3000000\n");
  EXPECT_TRUE(counts_to(logs("job"), 3000000));
  waiter.signal(SIGCONT);
  EXPECT_EQ(waiter.finish().out, "0\n");
  follower.signal(SIGCONT);
  const auto heard = follower.finish();
  EXPECT_EQ(heard.code, 0);
  EXPECT_TRUE(heard.out.ends_with("\n3000000\n"));
  // It slept longer than the log keeps lines, and says so.
  EXPECT_THAT(heard.out + heard.err, HasSubstr("[ringfort: "));
}

TEST_P(LogsCommand, AFollowerHearsEachLineOnceOverFiftyRotations) {
  command_.write("in/go", "");
  start("job",
        "seq 1 1000; until [ -e " + command_.home() +
            "/in/begin ]; do sleep 0.02; done; "
            "i=1000; while [ $i -lt 600000 ]; do seq $((i+1)) $((i+20000)); i=$((i+20000)); done; "
            "seq $((i+1)) 700000",
        {"--read", "in", "--log-size", "80Ki", "--log-files", "100"});
  auto follower = follow("job");
  ASSERT_TRUE(follower.has_said("\n1000\n"));
  command_.write("in/begin", "");

  const auto heard = follower.finish();

  EXPECT_EQ(heard.code, 0);
  EXPECT_GT(files("job", "stdout").size(), 50U);
  EXPECT_TRUE(counts_to(heard.out, 700000));
  EXPECT_EQ(lines_of(heard.out).size(), 700000U);
}

TEST_P(LogsCommand, AFollowerEndsWithTheContainerOrWhenInterrupted) {
  start("web", "echo one; echo two; echo three; exec sleep 1000");
  ASSERT_TRUE(has_said("web", "three\n"));
  auto first = follow("web", {"--tail", "2"});
  auto second = follow("web");
  ASSERT_TRUE(first.has_said("three\n"));
  ASSERT_TRUE(second.has_said("three\n"));
  EXPECT_EQ(run({"pause", "web"}).code, 0);
  auto third = follow("web");
  ASSERT_TRUE(third.has_said("three\n")) << "a paused one is no riddle";

  first.signal(SIGINT);
  const auto interrupted = first.finish();
  EXPECT_EQ(interrupted.code, 130);
  EXPECT_EQ(interrupted.out, "two\nthree\n");
  EXPECT_EQ(run({"rm", "-f", "web"}).code, 0);
  EXPECT_EQ(second.finish().out, "one\ntwo\nthree\n");
  EXPECT_EQ(third.finish().code, 0);
}

TEST_P(LogsCommand, FollowingAnEndedOneIsReadingIt) {
  start("job", "echo out; echo err >&2; printf unfinished");
  end("job");
  const auto heard = follow("job").finish();
  EXPECT_EQ(heard.code, 0);
  EXPECT_EQ(heard.out, "out\nunfinished\n");
  EXPECT_EQ(heard.err, "err\n");
  EXPECT_EQ(run({"create", "--isolation", level_, "--name", "idle", "--", "true"}).code, 0);
  EXPECT_EQ(follow("idle").finish().out, "");
}

TEST_P(LogsCommand, ShowsWhatCameSinceATime) {
  start("job",
        "echo early; until [ -e " + command_.home() +
            "/in/go ]; do sleep 0.02; done; "
            "echo late",
        {"--read", "."});
  ASSERT_TRUE(has_said("job", "early\n"));
  ASSERT_TRUE(test::eventually(5s, [&] { return logs("job", {"--since", "20ms"}).empty(); }));
  command_.write("in/go", "");
  end("job");

  const auto all = entries("job");
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(logs("job", {"--since", all[1]["time"]}), "late\n");
  EXPECT_EQ(logs("job", {"--since", all[0]["time"]}), "early\nlate\n");
  EXPECT_EQ(logs("job", {"--since", "1h"}), "early\nlate\n");
  EXPECT_EQ(logs("job", {"--since", "4000000000"}), "");
  EXPECT_EQ(logs("job", {"--since", "0"}), "early\nlate\n");
  EXPECT_THAT(logs("job", {"--timestamps", "--tail", "1"}),
              all[1]["time"].get<std::string>() + " late\n");
  const auto refused = run({"logs", "--since", "yesterday", "job"});
  EXPECT_EQ(refused.code, 125);
  EXPECT_THAT(refused.err, HasSubstr("10m"));
}

TEST_P(LogsCommand, DamageIsSaidAndHidesNoOtherLine) {
  start("job", "seq 1 30000", {"--log-size", "64Ki", "--log-files", "10"});
  end("job");
  const auto state = command_.data_dir() + "/state/job-1/";
  auto index = test::read_file(state + "log.idx.1");
  ASSERT_FALSE(index.empty());
  index[index.size() / 2] ^= 1;
  test::write_file(state + "log.idx.1", index + "and more");
  fs::resize_file(state + "log.idx", fs::file_size(state + "log.idx") - 7);
  fs::resize_file(directory("job") + "/stdout.log.2", 0);
  test::write_file(directory("job") + "/stdout.log.notes", "foreign");
  fs::create_directory(directory("job") + "/stdout.log.99");

  std::vector<int> numbers;
  int notices = 0;
  for (const auto& line : lines_of(logs("job"))) {
    if (line.starts_with("[ringfort: ")) {
      ++notices;
    } else {
      numbers.push_back(std::stoi(line));
    }
  }
  EXPECT_GE(notices, 2);
  EXPECT_TRUE(std::ranges::is_sorted(numbers));
  EXPECT_EQ(std::ranges::adjacent_find(numbers), numbers.end()) << "a line twice";
  EXPECT_EQ(numbers.front(), 1);
  EXPECT_EQ(numbers.back(), 30000);
  EXPECT_GT(numbers.size(), 10000U);
  EXPECT_EQ(follow("job").finish().code, 0);
  fs::remove(directory("job") + "/stdout.log.99");
}

TEST_P(LogsCommand, OnlyThoseThatStayHaveALogToLimit) {
  const auto refused = run({"run", "--log-size", "1Mi", "--", "true"});
  EXPECT_EQ(refused.code, 125);
  EXPECT_THAT(refused.err, HasSubstr("--detach"));
}

/// The data directory on a small disk of its own, which only root can mount.
class LogsOnASmallDisk : public LogsCommand {
 protected:
  void SetUp() override {
    LogsCommand::SetUp();
    if (IsSkipped()) return;
    const auto disk = command_.data_dir();
    ASSERT_EQ(run({"ps"}).code, 0);  // makes it, with its owner
    fs::remove_all(disk);
    fs::create_directory(disk);
    if (::mount("tmpfs", disk.c_str(), "tmpfs", 0, "size=6m,mode=0711") != 0)
      GTEST_SKIP() << "no tmpfs can be mounted";
    mounted_ = true;
    if (std::get<1>(GetParam()) == test::User::Plain) {
      ASSERT_EQ(::chown(disk.c_str(), test::kPlainUid, test::kPlainUid), 0);
    }
  }
  void TearDown() override {
    LogsCommand::TearDown();
    if (mounted_) {
      EXPECT_EQ(::umount2(command_.data_dir().c_str(), MNT_DETACH), 0);
    }
  }
  std::string state(const std::string& name) const {
    return json::parse(run({"inspect", name}).out).at(0).at("state");
  }
  bool is_full() const {
    return test::eventually(10s, [&] {
      struct statvfs disk {};
      return ::statvfs(command_.data_dir().c_str(), &disk) == 0 && disk.f_bavail == 0;
    });
  }
  bool mounted_ = false;
};

TEST_P(LogsOnASmallDisk, TheOldestFilesGoFirst) {
  start("job", "seq 1 2500000", {"--log-size", "1Mi", "--log-files", "50"});  // 19 MB
  end("job");

  const auto text = logs("job");
  EXPECT_TRUE(counts_to(text, 2500000));
  EXPECT_GT(text.size(), 2 * kMi);
  EXPECT_GE(files("job", "stdout").size(), 3U);
}

TEST_P(LogsOnASmallDisk, WhatCannotBeWrittenIsCountedAndSaid) {
  const auto filler = command_.data_dir() + "/filler";
  test::write_file(filler, std::string(4 * kMi, 'f'));
  command_.write("both/go", "");
  const auto both = command_.home() + "/both/";
  fs::permissions(both, fs::perms::all);  // the guest may be a user of its own
  start("job",
        "seq 1 1000000; : >" + both + "said; until [ -e " + both +
            "room ]; do sleep 0.02; done; "
            "echo after",
        {"--write", "both", "--log-size", "100Mi"});
  // Nobody has blocked it. The loss itself can be said only where there is room for the words.
  ASSERT_TRUE(test::eventually(10s, [&] { return fs::exists(both + "said"); }));
  fs::remove(filler);
  command_.write("both/room", "");
  end("job");

  const auto lines = lines_of(logs("job"));
  EXPECT_EQ(lines.front(), "1");
  EXPECT_EQ(lines.back(), "after");
  std::uint64_t lost = 0;
  std::uint64_t kept = 0;
  for (const auto& entry : entries("job")) {
    const std::string message = entry["message"];
    if (entry.value("notice", false)) {
      EXPECT_THAT(message, HasSubstr(" bytes of output were lost"));
      lost += std::stoull(message.substr(message.find(' ')));
    }
  }
  kept = fs::file_size(directory("job") + "/stdout.log");
  EXPECT_EQ(lost + kept, 6888896U + 6U) << "each byte is kept or counted";
}

TEST_P(LogsOnASmallDisk, ABlockedProgramLosesNothing) {
  const auto filler = command_.data_dir() + "/filler";
  test::write_file(filler, std::string(4 * kMi, 'f'));
  start("job", "seq 1 600000", {"--log-size", "100Mi", "--log-mode", "block"});  // 4 MB
  ASSERT_TRUE(is_full());
  EXPECT_EQ(state("job"), "running");

  fs::remove(filler);
  end("job");

  const auto text = logs("job");
  EXPECT_TRUE(counts_to(text, 600000));
  EXPECT_EQ(text.size(), 4088895U);
}

TEST_P(LogsOnASmallDisk, ABlockedProgramCanBeStopped) {
  const auto filler = command_.data_dir() + "/filler";
  test::write_file(filler, std::string(4 * kMi, 'f'));
  start("job", "seq 1 600000; exec sleep 1000", {"--log-size", "100Mi", "--log-mode", "block"});
  ASSERT_TRUE(is_full());

  EXPECT_EQ(run({"stop", "-t", "1", "job"}).code, 0);
  fs::remove(filler);

  EXPECT_EQ(state("job"), "exited");
  EXPECT_EQ(lines_of(logs("job")).front(), "1");
}

RINGFORT_EACH_LEVEL_AND_USER(LogsCommand);
RINGFORT_EACH_LEVEL_AND_USER(LogsOnASmallDisk);

}  // namespace
}  // namespace ringfort
