#include "ringfort/platform/shim_traces.hpp"

#include "ringfort/platform/protocol.hpp"
#include "ringfort/support/temp_dir.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <string_view>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

namespace ringfort::platform {
namespace {

template <class Record>
Record sealed(Record record) {
  record.magic = wire::kRecordMagic;
  record.version = helper_protocol();
  record.checksum = wire::checksum(&record, offsetof(Record, checksum));
  return record;
}

template <class Record>
std::string_view bytes(const Record& record) {
  return {reinterpret_cast<const char*>(&record), sizeof record};
}

wire::ShimRecord shim(std::uint64_t cookie) {
  wire::ShimRecord record{};
  record.cookie = cookie;
  return sealed(record);
}

wire::ExitFile exit_with(std::uint64_t cookie, int code) {
  wire::ExitFile record{};
  record.cookie = cookie;
  record.status = code << 8;
  return sealed(record);
}

struct ShimTracesTest : testing::Test {
  std::string path() const { return dir_.path(); }
  void write(const char* name, std::string_view text) { test::write_file(dir_ / name, text); }
  Found found() const { return judge(read_shim_traces(path()).value()); }
  test::TempDir dir_;
};

TEST_F(ShimTracesTest, FollowsTheTable) {
  write("shim", "");
  write("exit", "");
  EXPECT_EQ(found(), Found::NeverStarted);
  write("shim", bytes(shim(1)));
  EXPECT_EQ(found(), Found::Lost);
  EXPECT_EQ(exit_record_of(read_shim_traces(path()).value()).code, 255);
  write("exit", bytes(exit_with(1, 7)));
  EXPECT_EQ(found(), Found::Ended);
  EXPECT_EQ(exit_record_of(read_shim_traces(path()).value()).code, 7);

  const int held = ::open((path() + "/shim").c_str(), O_RDWR | O_CLOEXEC);
  ASSERT_EQ(::flock(held, LOCK_EX), 0);
  EXPECT_EQ(found(), Found::Running) << "a shim about to leave has written its exit already";
  ::close(held);
}

TEST_F(ShimTracesTest, TakesNoRecordOfAnotherRun) {
  write("shim", bytes(shim(2)));
  write("exit", bytes(exit_with(1, 0)));
  EXPECT_EQ(found(), Found::Lost);
}

TEST_F(ShimTracesTest, FindsAnEndThatHadNoRoomInItsOwnFile) {
  std::string text(bytes(shim(2)));
  text.resize(wire::kExitInShimFile);
  text += bytes(exit_with(2, 9));
  write("shim", text);
  write("exit", bytes(exit_with(1, 7)));  // of the run before
  EXPECT_EQ(found(), Found::Ended);
  EXPECT_EQ(exit_record_of(read_shim_traces(path()).value()).code, 9);
}

TEST_F(ShimTracesTest, TakesNoTornOrDamagedFile) {
  const auto exit = exit_with(1, 7);
  write("shim", bytes(shim(1)));
  write("exit", bytes(exit).substr(0, sizeof exit - 1));
  EXPECT_EQ(found(), Found::Lost);
  auto damaged = exit;
  damaged.status ^= 1;
  write("exit", bytes(damaged));
  EXPECT_EQ(found(), Found::Lost);
  write("exit", bytes(exit));
  EXPECT_EQ(found(), Found::Ended);
}

TEST(ShimIdentity, IsOfThisBootNamespaceAndTick) {
  wire::ShimRecord record{};
  EXPECT_FALSE(is_same_process(record, ::getpid()));
}

}  // namespace
}  // namespace ringfort::platform
