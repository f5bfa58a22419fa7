#include "ringfort/platform/log_reader.hpp"

#include "ringfort/platform/fd.hpp"
#include "ringfort/platform/shim/wire.hpp"
#include "ringfort/support/temp_dir.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <fstream>

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>

namespace ringfort::platform {
namespace {

using test::TempDir;
using test::write_file;
using testing::ElementsAre;
using testing::IsEmpty;

enum Stream : std::uint8_t { kOut = 0, kErr = 1 };

// Writes logs as a shim does: bytes first, then the entry.
class FakeShim {
 public:
  explicit FakeShim(const TempDir& dir, std::uint32_t generation = 1)
      : dir_(dir), generation_(generation) {
    for (const auto* name : {"stdout.log", "stderr.log", "log.idx"}) write_file(dir / name, "");
  }

  void bytes(Stream stream, std::string_view text) {
    std::ofstream(dir_ / (stream == kOut ? "stdout.log" : "stderr.log"),
                  std::ios::app | std::ios::binary)
        << text;
  }

  void piece(Stream stream, std::string_view text, std::int64_t usec) {
    bytes(stream, text);
    entry(stream, static_cast<std::uint32_t>(text.size()), usec, 0);
    size_[stream] += text.size();
  }

  void loss(Stream stream, std::uint32_t bytes, std::int64_t usec) {
    entry(stream, bytes, usec, wire::kLogDropped);
  }

  static void seal(wire::LogIndexEntry& entry) {
    entry.checksum = wire::checksum(&entry, offsetof(wire::LogIndexEntry, checksum));
  }

 private:
  void entry(Stream stream, std::uint32_t length, std::int64_t usec, std::uint8_t flags) {
    wire::LogIndexEntry entry{};
    entry.sequence = sequence_++;
    entry.offset = size_[stream];
    entry.other = size_[1 - stream];
    entry.length = length;
    entry.generation = generation_;
    entry.stream = stream;
    entry.flags = flags;
    entry.wall_usec = usec;
    seal(entry);
    std::ofstream(dir_ / "log.idx", std::ios::app | std::ios::binary)
        .write(reinterpret_cast<const char*>(&entry), sizeof entry);
  }

  const TempDir& dir_;
  std::uint32_t generation_;
  std::uint64_t sequence_ = 0;
  std::uint64_t size_[2] = {0, 0};
};

std::vector<LogEntry> read(const TempDir& dir, std::size_t tail = 0) {
  auto entries = read_log(dir.path(), dir.path(), LogQuery{tail, {}});
  EXPECT_TRUE(entries) << to_string(entries.error());
  return entries.value_or(std::vector<LogEntry>{});
}

std::vector<std::string> messages(const std::vector<LogEntry>& entries) {
  std::vector<std::string> texts;
  for (const auto& entry : entries) {
    texts.push_back((entry.stream == LogStream::Stdout ? "o:" : "e:") + entry.message);
  }
  return texts;
}

auto IsDamage() { return "o:" + std::string(notice::kDamaged); }
auto IsCut() { return "o:" + std::string(notice::kCut); }

std::int64_t usec(const LogEntry& entry) { return entry.time.time_since_epoch().count(); }

TEST(LogReader, LinesOfBothStreamsComeInTheOrderOfReading) {
  const TempDir dir;
  FakeShim shim(dir);
  shim.piece(kOut, "one\ntwo\n", 10);
  shim.piece(kErr, "warning\n", 20);
  shim.piece(kOut, "three\n", 30);

  const auto entries = read(dir);

  EXPECT_THAT(messages(entries), ElementsAre("o:one", "o:two", "e:warning", "o:three"));
  EXPECT_EQ(usec(entries[1]), 10);
  EXPECT_EQ(usec(entries[2]), 20);
  EXPECT_EQ(entries[3].sequence, 2U);
}

TEST(LogReader, ALineOverSeveralPiecesHasTheTimeOfItsFirstByte) {
  const TempDir dir;
  FakeShim shim(dir);
  shim.piece(kOut, "be", 10);
  shim.piece(kErr, "x\n", 20);
  shim.piece(kOut, "gin", 30);
  shim.piece(kOut, "ning\nnext\n", 40);

  const auto entries = read(dir);

  EXPECT_THAT(messages(entries), ElementsAre("o:beginning", "e:x", "o:next"));
  EXPECT_EQ(usec(entries[0]), 10);
  EXPECT_EQ(usec(entries[2]), 40);
}

TEST(LogPlace, AReadThatFailsIsNoEndOfTheFile) {
  const LogPlace place;
  const Fd no_memory_at_zero{::open("/proc/self/mem", O_RDONLY | O_CLOEXEC)};
  EXPECT_EQ(place.read(no_memory_at_zero.get(), 0, 10), "");
  EXPECT_EQ(place.trouble().error().os_errno, EIO);
}

TEST(LogReader, TheLastLineNeedsNoNewline) {
  const TempDir dir;
  FakeShim shim(dir);
  shim.piece(kOut, "done\nhalf", 10);

  EXPECT_THAT(messages(read(dir)), ElementsAre("o:done", "o:half"));
}

TEST(LogReader, BytesAreNotAltered) {
  const TempDir dir;
  FakeShim shim(dir);
  using namespace std::string_literals;
  shim.piece(kOut, "\xff\0\r\n\n\x1b[31m\n"s, 10);

  EXPECT_THAT(messages(read(dir)), ElementsAre("o:\xff\0\r"s, "o:", "o:\x1b[31m"));
}

TEST(LogReader, TailGivesTheLastLinesOfBothStreamsTogether) {
  const TempDir dir;
  FakeShim shim(dir);
  for (int i = 0; i < 100; ++i) {
    shim.piece(i % 3 == 0 ? kErr : kOut, std::to_string(i) + "\n", i);
  }

  EXPECT_THAT(messages(read(dir, 4)), ElementsAre("e:96", "o:97", "o:98", "e:99"));
  EXPECT_THAT(messages(read(dir, 1)), ElementsAre("e:99"));
  EXPECT_EQ(read(dir, 1000).size(), 100U);
}

TEST(LogReader, BytesBehindTheIndexAreKeptAtTheFilesTime) {
  const TempDir dir;
  FakeShim shim(dir);
  shim.piece(kErr, "early\n", 5);
  shim.piece(kOut, "indexed\nha", 10);
  shim.bytes(kOut, "lf\nlost entry\n");
  const timespec times[2] = {{0, UTIME_OMIT}, {77, 123000}};
  ::utimensat(AT_FDCWD, (dir / "stdout.log").c_str(), times, 0);

  const auto entries = read(dir);

  EXPECT_THAT(messages(entries), ElementsAre("e:early", "o:indexed", "o:half", "o:lost entry"));
  EXPECT_EQ(usec(entries[2]), 10);
  EXPECT_EQ(usec(entries[3]), 77'000'123);
  EXPECT_THAT(messages(read(dir, 1)), ElementsAre("o:lost entry"));
}

TEST(LogReader, WithoutAnIndexNothingIsLost) {
  const TempDir dir;
  write_file(dir / "stdout.log", "a\nb\n");
  write_file(dir / "stderr.log", "c\n");

  EXPECT_THAT(messages(read(dir)), ElementsAre("o:a", "o:b", "e:c"));
}

TEST(LogReader, MissingFilesAreEmptyLogs) {
  const TempDir dir;
  EXPECT_THAT(read(dir), IsEmpty());
  EXPECT_THAT(read_log(dir / "absent", dir / "gone", LogQuery{5, {}}).value(), IsEmpty());
}

TEST(LogReader, ATornIndexEntryCountsAsAbsent) {
  const TempDir dir;
  FakeShim shim(dir);
  shim.piece(kOut, "whole\n", 10);
  shim.bytes(kOut, "torn\n");
  std::ofstream(dir / "log.idx", std::ios::app) << "half an entry";

  EXPECT_THAT(messages(read(dir)), ElementsAre("o:whole", IsDamage(), "o:torn"));
}

TEST(LogReader, ALogThatWasCutSaysSoAndShowsTheRest) {
  const TempDir dir;
  FakeShim shim(dir);
  shim.piece(kOut, "kept\ngone\n", 10);
  shim.piece(kOut, "gone too\n", 20);
  ASSERT_EQ(::truncate((dir / "stdout.log").c_str(), 5), 0);

  EXPECT_THAT(messages(read(dir)), ElementsAre(IsCut(), "o:kept"));
}

TEST(LogReader, WhatCameAfterALogWasEmptiedHasItsTimes) {
  const TempDir dir;
  FakeShim shim(dir);
  shim.piece(kOut, "gone\n", 10);
  shim.piece(kErr, "warning\n", 15);
  ASSERT_EQ(::truncate((dir / "stdout.log").c_str(), 0), 0);
  shim.piece(kOut, "new\n", 20);
  shim.piece(kOut, "newer\n", 30);

  const auto entries = read(dir);

  EXPECT_THAT(messages(entries), ElementsAre(IsCut(), "e:warning", "o:new", "o:newer"));
  EXPECT_TRUE(entries[0].is_notice);
  EXPECT_EQ(usec(entries[2]), 20);
  EXPECT_EQ(usec(entries[3]), 30);
}

TEST(LogReader, LinesFromBeforeATimeAreLeftOut) {
  const TempDir dir;
  FakeShim shim(dir);
  shim.piece(kOut, "a\nb", 10);
  shim.piece(kErr, "x\n", 20);
  shim.piece(kOut, "c\nd\n", 30);

  const auto since = [&](std::int64_t usec) {
    return messages(
        *read_log(dir.path(), dir.path(), LogQuery{0, WallTime(std::chrono::microseconds(usec))}));
  };

  EXPECT_THAT(since(20), ElementsAre("e:x", "o:d"));
  EXPECT_THAT(since(31), IsEmpty());
  EXPECT_THAT(since(0), ElementsAre("o:a", "o:bc", "e:x", "o:d"));
}

TEST(LogReader, LostOutputIsSaidWhereItWasLost) {
  const TempDir dir;
  FakeShim shim(dir);
  shim.piece(kOut, "before\ncut he", 10);
  shim.loss(kOut, 4711, 15);
  shim.piece(kOut, "re\nafter\n", 20);

  const auto texts = messages(read(dir));

  ASSERT_EQ(texts.size(), 5U);
  EXPECT_EQ(texts[0], "o:before");
  EXPECT_EQ(texts[1], "o:cut he");
  EXPECT_THAT(texts[2], testing::HasSubstr("4711 bytes of output were lost"));
  EXPECT_EQ(texts[3], "o:re");
  EXPECT_EQ(texts[4], "o:after");
}

TEST(LogReader, TwoLossesAtOnePlaceMakeNoLineBetweenThem) {
  const TempDir dir;
  FakeShim shim(dir);
  shim.piece(kOut, "cut he", 10);
  shim.loss(kOut, 1, 15);
  shim.loss(kOut, 2, 16);
  shim.piece(kOut, "re\n", 20);

  const auto texts = messages(read(dir));

  ASSERT_EQ(texts.size(), 4U);
  EXPECT_EQ(texts[0], "o:cut he");
  EXPECT_EQ(texts[3], "o:re");
}

TEST(LogReader, AGenerationWithoutItsFilesIsNotTheCurrentOneAgain) {
  const TempDir dir;
  FakeShim shim(dir, 2);
  shim.piece(kOut, "now\n", 10);
  write_file(dir / "stderr.log.1", "then\n");

  EXPECT_THAT(messages(read(dir)), ElementsAre("e:then", "o:now"));
}

TEST(LogReader, ALongLineComesInParts) {
  const TempDir dir;
  FakeShim shim(dir);
  std::string huge(5 << 20, 'h');
  for (std::size_t i = 0; i < huge.size(); i += 1000) huge[i] = static_cast<char>('a' + i % 26);
  const std::string exact(wire::kLogRecord, 'e');
  shim.piece(kOut, "first\n", 1);
  for (std::size_t at = 0; at < huge.size(); at += 65536) {
    shim.piece(kOut, huge.substr(at, 65536), 2);
  }
  shim.piece(kOut, "\n" + exact + "\nlast\n", 3);

  const auto entries = read(dir);

  const auto parts = huge.size() / wire::kLogRecord;
  ASSERT_EQ(entries.size(), 1 + parts + 2);
  std::string joined;
  for (std::size_t i = 1; i <= parts; ++i) {
    joined += entries[i].message;
    EXPECT_EQ(entries[i].is_partial, i < parts);
    EXPECT_EQ(usec(entries[i]), 2);
  }
  EXPECT_EQ(joined, huge);
  EXPECT_EQ(entries[parts + 1].message, exact);
  EXPECT_FALSE(entries[parts + 1].is_partial);
  EXPECT_EQ(entries[parts + 2].message, "last");
  EXPECT_EQ(read(dir, 3).front().message, huge.substr(huge.size() - wire::kLogRecord));
}

TEST(LogReader, TailReadsTheEndOfALargeLogOnly) {
  const TempDir dir;
  FakeShim shim(dir);
  // A hole in front: reading it all would take the test's whole patience and memory.
  const Fd log{::open((dir / "stdout.log").c_str(), O_WRONLY | O_CLOEXEC)};
  constexpr std::uint64_t kSize = std::uint64_t{1} << 40;
  ASSERT_EQ(::pwrite(log.get(), "\nlast line\n", 11, kSize), 11);
  wire::LogIndexEntry entry{};
  entry.length = 1;
  entry.generation = 1;
  FakeShim::seal(entry);
  std::ofstream index(dir / "log.idx", std::ios::binary);
  index.write(reinterpret_cast<const char*>(&entry), sizeof entry);
  entry.offset = kSize;
  entry.length = 11;
  entry.wall_usec = 9;
  FakeShim::seal(entry);
  index.write(reinterpret_cast<const char*>(&entry), sizeof entry);
  index.close();

  const auto entries = read(dir, 1);

  EXPECT_THAT(messages(entries), ElementsAre("o:last line"));
  EXPECT_EQ(usec(entries[0]), 9);
}

// However the bytes of two streams are cut into pieces: joined lines are the written ones, in each
// stream's order, times never go back, and each tail is the end of the whole.
RC_GTEST_PROP(LogReader, CuttingIntoPiecesChangesNoLine, ()) {
  const TempDir dir;
  FakeShim shim(dir);
  const auto pieces = *rc::gen::container<std::vector<std::pair<bool, std::string>>>(
      rc::gen::pair(rc::gen::arbitrary<bool>(),
                    rc::gen::container<std::string>(rc::gen::elementOf(std::string("ab\n\n")))));
  std::string written[2];
  std::int64_t now = 0;
  for (const auto& [is_error, text] : pieces) {
    if (text.empty()) continue;
    shim.piece(is_error ? kErr : kOut, text, ++now);
    written[is_error ? 1 : 0] += text;
  }

  const auto all = read(dir);

  std::string joined[2];
  std::int64_t before = 0;
  for (const auto& entry : all) {
    joined[entry.stream == LogStream::Stdout ? 0 : 1] += entry.message + "\n";
    RC_ASSERT(usec(entry) >= before);
    before = usec(entry);
  }
  for (int i = 0; i < 2; ++i) {
    if (!written[i].empty() && written[i].back() != '\n') written[i] += "\n";
    RC_ASSERT(joined[i] == written[i]);
  }
  const auto tail = *rc::gen::inRange<std::size_t>(1, all.size() + 3);
  const auto last = read(dir, tail);
  const auto expected = messages(all);
  const auto count = std::min(tail, all.size());
  RC_ASSERT(messages(last) == std::vector<std::string>(expected.end() - count, expected.end()));
}

}  // namespace
}  // namespace ringfort::platform
