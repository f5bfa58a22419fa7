// Following a log that the shim's own writer writes, without processes.
#include "ringfort/platform/log_follower.hpp"

#include "ringfort/platform/shim/log.hpp"
#include "ringfort/support/descriptor_limit.hpp"
#include "ringfort/support/stepped_thread.hpp"
#include "ringfort/support/temp_dir.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/syscall.h>

namespace ringfort::platform {
namespace {

namespace fs = std::filesystem;
using test::TempDir;
using test::write_file;
using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;

/// A container whose shim lives: it writes, and holds the lock.
class FollowedLog : public testing::Test {
 protected:
  void SetUp() override {
    write_file(dir_ / "shim", "");
    lock_ = Fd{::open((dir_ / "shim").c_str(), O_RDWR | O_CLOEXEC)};
    ASSERT_EQ(::flock(lock_.get(), LOCK_EX | LOCK_NB), 0);
    fd_ = Fd{::open(dir_.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  }
  void TearDown() override { log_.close(); }

  void write_with(shim::LogLimits limits) {
    const auto open = [&](const char* name) {
      return ::open((dir_ / name).c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    };
    log_.open({{open("stdout.log"), open("stderr.log")}, open("log.idx"), fd_.get(), fd_.get()},
              limits);
  }
  void say(std::string_view text) {
    log_.append(0, text.data(), static_cast<std::uint32_t>(text.size()));
  }
  void end_shim() { lock_.reset(); }
  LogFollower follow(LogQuery query = {}) {
    auto follower = LogFollower::open(dir_.path(), dir_.path(), query);
    EXPECT_TRUE(follower) << to_string(follower.error());
    return std::move(*follower);
  }
  static std::vector<std::string> heard(LogFollower& follower) {
    std::vector<std::string> lines;
    for (const auto& entry : follower.read()) lines.push_back(entry.message);
    return lines;
  }

  TempDir dir_;
  Fd lock_;
  Fd fd_;
  shim::Log log_;
};

TEST_F(FollowedLog, ALineIsHeardOnceAndWhenItIsWhole) {
  write_with({});
  say("one\ntw");
  auto follower = follow();

  EXPECT_THAT(heard(follower), ElementsAre("one"));
  EXPECT_THAT(heard(follower), IsEmpty());
  say("o\nthree");
  EXPECT_THAT(heard(follower), ElementsAre("two"));
  EXPECT_TRUE(follower.is_open());
  end_shim();
  EXPECT_THAT(heard(follower), ElementsAre("three"));
  EXPECT_FALSE(follower.is_open());
}

TEST_F(FollowedLog, EachRotationIsCrossedWithoutLossOrRepetition) {
  write_with({30, 200});
  auto follower = follow();
  std::vector<std::string> all;
  std::vector<std::string> expected;
  for (int i = 0; i < 400; ++i) {
    expected.push_back("line " + std::to_string(i));
    say(expected.back() + "\n");
    // At other places of a generation each time.
    if (i % 7 == 0) std::ranges::copy(heard(follower), std::back_inserter(all));
  }
  end_shim();
  std::ranges::copy(heard(follower), std::back_inserter(all));

  EXPECT_EQ(all, expected);
}

// A reader that has generations to cross stands before its n-th open when the writer begins the
// next ones, and goes on when that stands before its m-th call: each pair of both.
TEST_F(FollowedLog, ARotationMayFallBetweenAnyTwoOfItsCalls) {
  write_with({30, 20});  // more than it is ever behind
  say("first\n");
  auto follower = follow();
  std::vector<std::string> all;
  std::vector<std::string> expected{"first"};
  int number = 0;
  const auto write = [&](int lines) {
    for (int i = 0; i < lines; ++i) {
      expected.push_back("this is line " + std::to_string(++number));
      say(expected.back() + "\n");
    }
  };
  const auto read = [&] { std::ranges::copy(heard(follower), std::back_inserter(all)); };
  int pairs = 0;
  for (const int lines : {2, 3}) {
    bool reader_ended = false;
    for (int n = 1; !reader_ended; ++n) {
      bool writer_ended = false;
      for (int m = 1; !writer_ended; ++m) {
        write(lines);
        test::SteppedThread reader({SYS_openat}, read);
        if (!reader.is_stepped()) GTEST_SKIP() << "no seccomp listener here";
        reader_ended = !reader.step(n);
        test::SteppedThread writer({SYS_openat, SYS_write, SYS_renameat2, SYS_renameat, SYS_linkat},
                                   [&] { write(lines); });
        writer_ended = !writer.step(m);
        reader.finish();
        writer.finish();
        read();
        ASSERT_EQ(all, expected) << "n = " << n << ", m = " << m << ", lines = " << lines;
        all.clear();
        expected.clear();
        ++pairs;
      }
    }
  }
  EXPECT_GT(pairs, 100);
}

TEST_F(FollowedLog, WhoIsTooSlowIsToldAndGoesOn) {
  write_with({30, 2});
  say("first\n");
  auto follower = follow();
  EXPECT_THAT(heard(follower), ElementsAre("first"));
  for (int i = 0; i < 100; ++i) say("line " + std::to_string(i) + "\n");

  const auto lines = heard(follower);

  EXPECT_THAT(lines, Contains(notice::kGone));
  EXPECT_EQ(lines.back(), "line 99");
}

TEST_F(FollowedLog, ForeignNamesDoNotStopIt) {
  write_with({30, 200});
  fs::create_directory(dir_ / "log.idx.77");
  write_file(dir_ / "stdout.log.99", "foreign\n");
  write_file(dir_ / "stderr.log.500", "foreign\n");
  say("first\n");
  auto follower = follow();
  std::vector<std::string> expected{"first"};
  for (int i = 0; i < 20; ++i) {
    expected.push_back("line " + std::to_string(i));
    say(expected.back() + "\n");
  }

  EXPECT_EQ(heard(follower), expected);
}

// An index that is empty yet does not tell its number.
TEST_F(FollowedLog, ForeignNamesBesideAnEmptyLogDoNotStopIt) {
  write_with({30, 200});
  write_file(dir_ / "stderr.log.500", "foreign\n");
  auto follower = follow();
  EXPECT_THAT(heard(follower), ElementsAre("foreign"));
  std::vector<std::string> expected;
  for (int i = 0; i < 20; ++i) {
    expected.push_back("line " + std::to_string(i));
    say(expected.back() + "\n");
    if (i % 3 == 0) {
      EXPECT_EQ(heard(follower), std::exchange(expected, {}));
    }
  }

  EXPECT_EQ(heard(follower), expected);
}

// What a disk without room for the link of an index left behind: its lines are there all the same.
TEST_F(FollowedLog, AGenerationWithoutAnIndexIsHeardToo) {
  write_with({30, 200});
  say("first\n");
  auto follower = follow();
  std::vector<std::string> expected{"first"};
  for (int i = 0; i < 6; ++i) {
    expected.push_back("line " + std::to_string(i));
    say(expected.back() + "\n");
  }
  fs::remove(dir_ / "log.idx.3");

  EXPECT_EQ(heard(follower), expected);
}

TEST_F(FollowedLog, AnIndexThatSomebodyEmptiedIsSaidAndGoneOnWith) {
  write_with({});
  say("one\n");
  auto follower = follow();
  EXPECT_THAT(heard(follower), ElementsAre("one"));
  fs::resize_file(dir_ / "log.idx", 0);
  EXPECT_THAT(heard(follower), ElementsAre(notice::kDamaged));
  say("two\n");

  EXPECT_THAT(heard(follower), ElementsAre("two"));
}

TEST_F(FollowedLog, ALogThatSomebodyEmptiedIsSaidAndGoneOnWith) {
  write_with({});
  say("one\ntwo\n");
  auto follower = follow();
  EXPECT_THAT(heard(follower), ElementsAre("one", "two"));
  fs::resize_file(dir_ / "stdout.log", 0);
  say("three\n");

  EXPECT_THAT(heard(follower), ElementsAre(notice::kCut, "three"));
}

TEST_F(FollowedLog, WhatCannotBeOpenedIsAnErrorAndNoSilence) {
  write_with({30, 200});
  say("one\n");
  auto follower = follow();
  EXPECT_THAT(heard(follower), ElementsAre("one"));
  for (int i = 0; i < 20; ++i) say("line " + std::to_string(i) + "\n");
  const test::DescriptorLimit none{0};
  ASSERT_TRUE(none.is_set());
  (void)follower.read();
  const auto refused = LogFollower::open(dir_.path(), dir_.path(), {});

  EXPECT_FALSE(follower.trouble());
  EXPECT_FALSE(refused);
}

/// What read(2) and its kin have cost this process so far, proc(5).
struct ReadingCost {
  std::uint64_t bytes = 0;
  std::uint64_t calls = 0;

  static ReadingCost now() {
    ReadingCost cost;
    std::ifstream io("/proc/self/io");
    for (std::string name; io >> name;) {
      std::uint64_t count = 0;
      io >> count;
      if (name == "rchar:") cost.bytes = count;
      if (name == "syscr:") cost.calls = count;
    }
    return cost;
  }
};

TEST_F(FollowedLog, TheEndOfAFullLogCostsThePagesAtItsEnd) {
  if (ReadingCost::now().bytes == 0) GTEST_SKIP() << "this kernel does not count what is read";
  write_with({});
  std::string piece;
  for (int i = 0; i < 400'000; ++i) {  // 40 MB, so that what is kept is full
    piece += "line " + std::to_string(1'000'000 + i) + " " + std::string(86, 'x') + "\n";
    if (i % 10 == 9) say(std::exchange(piece, {}));
  }
  const auto read_with = [&](std::size_t tail, std::size_t& count) {
    const auto before = ReadingCost::now();
    const auto entries = read_log(dir_.path(), dir_.path(), LogQuery{tail, {}});
    const auto after = ReadingCost::now();
    EXPECT_TRUE(entries);
    count = entries ? entries->size() : 0;
    return ReadingCost{after.bytes - before.bytes, after.calls - before.calls};
  };
  std::size_t ten = 0;
  std::size_t all = 0;
  const auto end = read_with(10, ten);
  const auto whole = read_with(0, all);

  EXPECT_EQ(ten, 10U);
  EXPECT_GT(all, 200'000U);
  EXPECT_GT(whole.bytes, 20U << 20);
  // A window of the index and one of the stream, each looked at twice.
  EXPECT_LT(end.bytes, 512U << 10);
  EXPECT_LT(end.calls, 32U);
  RecordProperty("end_bytes", static_cast<int>(end.bytes));
  RecordProperty("end_calls", static_cast<int>(end.calls));
}

}  // namespace
}  // namespace ringfort::platform
