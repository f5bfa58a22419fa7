// The shim's log writer against the reader.
#include "ringfort/platform/fd.hpp"
#include "ringfort/platform/log_reader.hpp"
#include "ringfort/platform/shim/log.hpp"
#include "ringfort/support/descriptor_limit.hpp"
#include "ringfort/support/temp_dir.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <filesystem>
#include <fstream>
#include <optional>
#include <random>

#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace ringfort::platform {
namespace {

namespace fs = std::filesystem;
using test::read_file;
using test::TempDir;
using test::write_file;
using testing::ElementsAre;

constexpr int kOut = 0;
constexpr int kErr = 1;

/// One life of a shim. The next one goes on in the same directory. Its descriptors are its own.
class Writer {
 public:
  explicit Writer(const TempDir& dir, shim::LogLimits limits = {}) {
    const auto open = [&](const char* name) {
      return ::open((dir / name).c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    };
    dir_ = Fd{::open(dir.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    log_.open({{open("stdout.log"), open("stderr.log")}, open("log.idx"), dir_.get(), dir_.get()},
              limits);
  }
  ~Writer() { log_.close(); }
  void say(int stream, std::string_view text) {
    log_.append(stream, text.data(), static_cast<std::uint32_t>(text.size()));
  }
  void finish() { log_.finish(); }

 private:
  Fd dir_;
  shim::Log log_;
};

std::vector<LogEntry> read(const TempDir& dir, LogQuery query = {}) {
  auto entries = read_log(dir.path(), dir.path(), query);
  EXPECT_TRUE(entries) << to_string(entries.error());
  return entries.value_or(std::vector<LogEntry>{});
}

std::vector<std::string> messages(const std::vector<LogEntry>& entries) {
  std::vector<std::string> texts;
  for (const auto& entry : entries)
    texts.push_back((entry.stream == LogStream::Stdout ? "o:" : "e:") + entry.message);
  return texts;
}

std::uint64_t bytes_of(const TempDir& dir, std::string_view beginning) {
  std::uint64_t sum = 0;
  for (const auto& entry : fs::directory_iterator(dir.path()))
    if (entry.path().filename().string().starts_with(beginning)) sum += entry.file_size();
  return sum;
}

std::vector<std::string> numbered(int from, int to) {
  std::vector<std::string> lines;
  for (int i = from; i < to; ++i) lines.push_back("o:line " + std::to_string(i));
  return lines;
}

TEST(ShimLog, KeepsTheNewestLinesWithinItsLimit) {
  const TempDir dir;
  Writer writer(dir, {4096, 3});
  std::string ten;

  for (int i = 0; i < 5000; ++i) {
    ten += "line " + std::to_string(i) + "\n";
    if (i % 10 == 9) writer.say(kOut, std::exchange(ten, {}));
  }

  const auto lines = messages(read(dir));
  EXPECT_LE(bytes_of(dir, "std"), 3 * 4096U);
  EXPECT_GE(bytes_of(dir, "std"), 2 * 4096U - 20);
  ASSERT_GT(lines.size(), 500U);
  EXPECT_EQ(lines, numbered(5000 - static_cast<int>(lines.size()), 5000));
  EXPECT_EQ(messages(read(dir, {3, {}})), numbered(4997, 5000));
  EXPECT_GT(read(dir).front().sequence, 0U) << "older lines are gone";
}

TEST(ShimLog, TheIndexOfMuchShortOutputIsBoundedToo) {
  const TempDir dir;
  Writer writer(dir, {4096, 3});

  for (int i = 0; i < 5000; ++i) writer.say(kOut, "line " + std::to_string(i) + "\n");

  const auto lines = messages(read(dir));
  EXPECT_LE(bytes_of(dir, "log.idx"), 3 * (4096U + sizeof(wire::LogIndexEntry)));
  ASSERT_GT(lines.size(), 100U);
  EXPECT_EQ(lines, numbered(5000 - static_cast<int>(lines.size()), 5000));
}

TEST(ShimLog, EachFileHoldsWholeLines) {
  const TempDir dir;
  Writer writer(dir, {1000, 100});
  std::string text;
  for (int i = 0; i < 2000; ++i) text += "line " + std::to_string(i) + "\n";

  for (std::size_t at = 0; at < text.size(); at += 777) writer.say(kOut, text.substr(at, 777));

  EXPECT_TRUE(fs::exists(dir / "stdout.log.15"));
  EXPECT_EQ(messages(read(dir)), numbered(0, 2000));
  for (const auto& entry : fs::directory_iterator(dir.path())) {
    if (entry.path().filename().string().starts_with("stdout.log.")) {
      EXPECT_TRUE(read_file(entry.path()).ends_with('\n')) << entry.path();
    }
  }
}

TEST(ShimLog, ALineWithoutAnEndIsRotatedBetweenItsParts) {
  const TempDir dir;
  Writer writer(dir, {100'000, 3});
  std::mt19937 random(7);
  std::string huge(1 << 20, '\0');
  for (char& byte : huge) byte = static_cast<char>('a' + random() % 26);

  for (std::size_t at = 0; at < huge.size(); at += 60'000)
    writer.say(kOut, huge.substr(at, 60'000));
  writer.say(kOut, "\nnext\n");

  const auto entries = read(dir);
  ASSERT_GT(entries.size(), 8U);
  EXPECT_EQ(entries.back().message, "next");
  std::string joined;
  for (std::size_t i = 0; i + 1 < entries.size(); ++i) {
    EXPECT_EQ(entries[i].is_partial, i + 2 < entries.size());
    joined += entries[i].message;
  }
  EXPECT_TRUE(huge.ends_with(joined));
  EXPECT_LE(bytes_of(dir, "stdout"), 350'000U);
}

TEST(ShimLog, TheNextLifeGoesOnWithNumbersAndFiles) {
  const TempDir dir;
  for (int life = 0; life < 40; ++life) {
    Writer writer(dir, {300, 100});
    for (int i = 0; i < 10; ++i) writer.say(i % 2, "line " + std::to_string(life * 10 + i) + "\n");
  }

  const auto entries = read(dir);

  ASSERT_EQ(entries.size(), 400U);
  EXPECT_EQ(entries.front().sequence, 0U);
  for (std::size_t i = 0; i < entries.size(); ++i) {
    EXPECT_EQ(entries[i].message, "line " + std::to_string(i));
    EXPECT_TRUE(i == 0 || entries[i].sequence > entries[i - 1].sequence);
  }
}

// A rotation in the order of its steps, cut off after each of them.
TEST(ShimLog, ARotationCutShortIsFinishedByTheNextLife) {
  const std::array<std::function<void(const TempDir&)>, 5> steps{{
      [](const TempDir& dir) { fs::rename(dir / "stdout.log", dir / "stdout.log.1"); },
      [](const TempDir& dir) { fs::rename(dir / "stderr.log", dir / "stderr.log.1"); },
      [](const TempDir& dir) { write_file(dir / "log.idx.next", "half"); },
      [](const TempDir& dir) { fs::create_hard_link(dir / "log.idx", dir / "log.idx.1"); },
      [](const TempDir& dir) { write_file(dir / "stdout.log", ""); },
  }};
  for (std::size_t cut = 1; cut <= steps.size(); ++cut) {
    const TempDir dir;
    Writer(dir).say(kOut, "one\n");
    Writer(dir).say(kErr, "two\n");
    for (std::size_t i = 0; i < cut; ++i) steps[i](dir);
    EXPECT_THAT(messages(read(dir)), ElementsAre("o:one", "e:two")) << "after step " << cut;

    Writer(dir).say(kOut, "three\n");

    EXPECT_THAT(messages(read(dir)), ElementsAre("o:one", "e:two", "o:three")) << "step " << cut;
    EXPECT_EQ(read_file(dir / "stdout.log"), "three\n");
    EXPECT_FALSE(fs::exists(dir / "log.idx.next"));
  }
}

TEST(ShimLog, WhatCannotBeOpenedIsAnErrorAndNoSilence) {
  const TempDir dir;
  {
    Writer writer(dir, {20, 900});
    for (int i = 0; i < 100; ++i) writer.say(kOut, "line " + std::to_string(i) + "\n");
  }
  const test::DescriptorLimit few{test::open_descriptors() + 20};
  ASSERT_TRUE(few.is_set());
  const auto entries = read_log(dir.path(), dir.path(), {});

  ASSERT_FALSE(entries);
  EXPECT_EQ(entries.error().os_errno, EMFILE);
}

/// link(2) is refused from now on, as a failing disk would. Never to be undone.
void refuse_links(std::uint32_t error) {
  sock_filter filter[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_linkat, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog program{std::size(filter), filter};
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
      ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
    ::_exit(2);
}

/// A hundred lines, by a process of its own.
void write_without_links(const TempDir& dir, int error, const shim::LogLimits& limits) {
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    refuse_links(error);
    Writer writer(dir, limits);
    for (int i = 0; i < 100; ++i) writer.say(kOut, "line " + std::to_string(i) + "\n");
    ::_exit(0);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_EQ(status, 0);
}

// Without the old index under its number the new one would take its place, and the times of its
// lines would be lost.
TEST(ShimLog, AnIndexThatCannotBeKeptIsGoneOnWith) {
  const TempDir dir;
  ASSERT_NO_FATAL_FAILURE(write_without_links(dir, EIO, {300, 100}));

  EXPECT_EQ(messages(read(dir)), numbered(0, 100));
  EXPECT_EQ(fs::file_size(dir / "log.idx"), 100 * sizeof(wire::LogIndexEntry));
  EXPECT_FALSE(fs::exists(dir / "log.idx.next"));
  // The disk works again.
  Writer(dir, {300, 100}).say(kOut, "line 100\n");
  EXPECT_EQ(messages(read(dir)), numbered(0, 101));
  EXPECT_EQ(fs::file_size(dir / "log.idx.1"), 100 * sizeof(wire::LogIndexEntry));
}

// Where there are no links the times of old lines are lost, and no more.
TEST(ShimLog, WithoutHardLinksItIsRotatedAllTheSame) {
  const TempDir dir;
  ASSERT_NO_FATAL_FAILURE(write_without_links(dir, EPERM, {300, 3}));

  EXPECT_LE(bytes_of(dir, "std"), 3 * 300U);
  const auto lines = messages(read(dir));
  EXPECT_EQ(lines, numbered(100 - static_cast<int>(lines.size()), 100));
}

/// A log whose stdout.log has no room until there is some.
class FullLog : public testing::Test {
 protected:
  FullLog() {
    const auto open = [&](const std::string& path) {
      return ::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    };
    file_ = Fd{open(dir_ / "stdout.log")};
    fd_ = Fd{::open(dir_.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    out_ = open("/dev/full");  // full(4)
    files_ = {{out_, open(dir_ / "stderr.log")}, open(dir_ / "log.idx"), fd_.get(), fd_.get()};
  }
  ~FullLog() override { log_.close(); }
  void open_log(bool blocks) { log_.open(files_, {.blocks = blocks}); }
  void say(int stream, std::string_view text) {
    log_.append(stream, text.data(), static_cast<std::uint32_t>(text.size()));
  }
  void make_room() const { ASSERT_EQ(::dup3(file_.get(), out_, O_CLOEXEC), out_); }

  TempDir dir_;
  Fd file_;
  Fd fd_;
  int out_ = -1;
  shim::LogFiles files_;
  shim::Log log_;
};

TEST_F(FullLog, BlockingKeepsWhatFindsNoRoomUntilThereIsSome) {
  open_log(true);
  const std::string big(65536, 'b');
  say(kOut, "\n" + big.substr(1));
  EXPECT_TRUE(log_.is_waiting(kOut));
  EXPECT_FALSE(log_.is_waiting(kErr));
  say(kErr, "in between\n");
  log_.retry();
  EXPECT_TRUE(log_.is_waiting(kOut));
  EXPECT_EQ(messages(read(dir_)), std::vector<std::string>{"e:in between"});

  make_room();
  log_.retry();
  EXPECT_FALSE(log_.is_waiting());
  say(kOut, "\nafter\n");

  EXPECT_EQ(read_file(dir_ / "stdout.log"), "\n" + big.substr(1) + "\nafter\n");
  for (const auto& entry : read(dir_)) EXPECT_FALSE(entry.is_notice) << entry.message;
}

TEST_F(FullLog, BlockingTakesNoOlderLines) {
  write_file(dir_ / "stdout.log.1", "old\n");
  write_file(dir_ / "log.idx.1", "");
  open_log(true);
  say(kOut, "new\n");
  EXPECT_TRUE(log_.is_waiting(kOut));
  EXPECT_TRUE(fs::exists(dir_ / "stdout.log.1"));
}

TEST_F(FullLog, WhoeverStopsWaitingCountsWhatIsLost) {
  open_log(true);
  say(kOut, "12345678\n");
  log_.stop_waiting();
  EXPECT_FALSE(log_.is_waiting());
  say(kOut, "9\n");
  EXPECT_FALSE(log_.is_waiting()) << "never again";
  log_.finish();

  std::uint64_t lost = 0;
  for (const auto& entry : read(dir_))
    lost += std::stoull(entry.message.substr(entry.message.find(' ')));
  EXPECT_EQ(lost, 11U);
}

TEST_F(FullLog, DroppingWaitsForNothing) {
  open_log(false);
  say(kOut, "lost\n");
  EXPECT_FALSE(log_.is_waiting());
  make_room();
  say(kOut, "after\n");
  EXPECT_EQ(read(dir_).back().message, "after");
  EXPECT_TRUE(read(dir_).front().is_notice);
}

// Whatever the bytes, the pieces, the limit and the lives: no line is lost, torn or out of order.
RC_GTEST_PROP(ShimLog, RotationChangesNoLine, ()) {
  struct Piece {
    bool is_first;  ///< of a new life
    bool is_error;
    std::string text;
  };
  const TempDir dir;
  const auto limit = *rc::gen::inRange<std::uint64_t>(1, 200);
  // Small: at a limit of one byte each line is a generation, of three open files for the reader.
  const auto text = rc::gen::container<std::string>(rc::gen::elementOf(std::string("ab\n\n")));
  const auto pieces =
      *rc::gen::resize(15, rc::gen::container<std::vector<Piece>>(rc::gen::construct<Piece>(
                               rc::gen::arbitrary<bool>(), rc::gen::arbitrary<bool>(), text)));
  std::string written[2];
  std::optional<Writer> writer;
  for (const auto& [is_first, is_error, said] : pieces) {
    if (is_first || !writer) {
      writer.reset();
      writer.emplace(dir, shim::LogLimits{limit, 900});
    }
    writer->say(is_error ? kErr : kOut, said);
    written[is_error ? 1 : 0] += said;
  }
  std::string joined[2];
  for (const auto& entry : read(dir)) {
    RC_ASSERT(!entry.is_notice);
    joined[entry.stream == LogStream::Stdout ? 0 : 1] += entry.message + "\n";
  }
  for (int i = 0; i < 2; ++i) {
    if (!written[i].empty() && written[i].back() != '\n') written[i] += "\n";
    RC_ASSERT(joined[i] == written[i]);
  }
}

// Damage of any kind to the index takes no line; damage to a log takes none of other places.
RC_GTEST_PROP(ShimLog, ADamagedIndexTakesNoLine, ()) {
  const TempDir dir;
  {
    Writer writer(dir, {200, 900});
    for (int i = 0; i < 60; ++i) writer.say(kOut, "line " + std::to_string(i) + "\n");
  }
  const auto hits = *rc::gen::inRange(1, 6);
  for (int i = 0; i < hits; ++i) {
    const auto generation = *rc::gen::inRange(0, 4);
    const auto path =
        (dir / ("log.idx" + (generation == 0 ? "" : "." + std::to_string(generation))));
    auto bytes = read_file(path);
    if (bytes.empty()) continue;
    const auto at = *rc::gen::inRange<std::size_t>(0, bytes.size());
    switch (*rc::gen::inRange(0, 4)) {
      case 0:
        bytes[at] = static_cast<char>(bytes[at] ^ (1 << *rc::gen::inRange(0, 8)));
        break;
      case 1:
        bytes.resize(at);
        break;
      case 2:
        bytes.erase(at, *rc::gen::inRange<std::size_t>(1, 100));
        break;
      default:
        bytes.insert(at, *rc::gen::arbitrary<std::string>());
    }
    write_file(path, bytes);
  }

  auto entries = read(dir);

  std::erase_if(entries, [](const LogEntry& entry) { return entry.is_notice; });
  RC_ASSERT(messages(entries) == numbered(0, 60));
}

}  // namespace
}  // namespace ringfort::platform
