// A data directory on a file system that is full, or read-only: what is there can still be used.
#include "ringfort/support/command.hpp"

#include <gmock/gmock.h>

#include <filesystem>

#include <unistd.h>

namespace ringfort {
namespace {

using testing::HasSubstr;

class BadDisk : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "mounting needs root";
    if (const auto why = command_.refusal(GetParam())) GTEST_SKIP() << *why;
    std::filesystem::create_directories(command_.data_dir());
  }
  void TearDown() override {
    if (IsSkipped()) return;
    EXPECT_THAT(command_.leftovers(), testing::IsEmpty());
  }

  /// Runs `script` with a small file system at the data directory, in a mount namespace that goes
  /// with it. `R` is ringfort, `D` the data directory.
  test::Outcome on_small_disk(const std::string& script) const {
    auto options = command_.options();
    options.env["R"] = command_.argv({}).back();
    options.env["D"] = command_.data_dir();
    options.env["LEVEL"] = GetParam();
    return test::run_program({"unshare", "--mount", "sh", "-c",
                              "set -e; mount -t tmpfs -o size=2m,mode=755 tmpfs \"$D\"; " + script},
                             options);
  }

  test::Command command_;
};

TEST_P(BadDisk, OnAReadOnlyOneAllCanBeSeenAndEnded) {
  const auto done = on_small_disk(
      "$R run -d --isolation $LEVEL --name web -- sh -c 'echo hello; exec sleep 1000' >/dev/null;"
      "until $R logs web | grep -q hello; do :; done;"
      "mount --bind \"$D\" \"$D\"; mount -o remount,bind,ro \"$D\";"
      "$R ps; $R logs web; $R inspect web | grep state; $R exec web echo inside;"
      "$R run -d --name other -- true && echo MADE;"
      "$R rm -f web && echo REMOVED;"
      "$R kill web; $R wait web;"
      "umount \"$D\"; $R rm web");
  EXPECT_EQ(done.code, 0) << done.err;
  for (const auto* text : {"web-1", "hello", "running", "inside", "137"})
    EXPECT_THAT(done.out, HasSubstr(text)) << done.err;
  EXPECT_THAT(done.err, HasSubstr("Read-only file system"));
  EXPECT_THAT(done.out, Not(HasSubstr("MADE")));
  EXPECT_THAT(done.out, Not(HasSubstr("REMOVED")));
}

TEST_P(BadDisk, OnAFullOneEndsAreKeptAndRemovalMakesRoom) {
  const auto done = on_small_disk(
      "$R run -d --isolation $LEVEL --name web -- sh -c 'echo hello; sleep 0.5; exit 9' >/dev/null;"
      "dd if=/dev/zero of=\"$D/fill\" bs=4k 2>/dev/null || true;"
      "$R wait web; $R ps -a; $R inspect web | grep known;"
      "$R run -d --isolation $LEVEL --name other -- true && echo MADE;"
      "$R rm web; rm \"$D/fill\";"
      "$R run -d --isolation $LEVEL --name web -- true; $R wait web; $R rm web");
  EXPECT_EQ(done.code, 0) << done.err;
  EXPECT_THAT(done.out, testing::StartsWith("9\n")) << done.err;
  EXPECT_THAT(done.out, HasSubstr("\"known\": true"));
  EXPECT_THAT(done.out, Not(HasSubstr("MADE")));
  EXPECT_THAT(done.err, HasSubstr("make room"));
}

INSTANTIATE_TEST_SUITE_P(, BadDisk, testing::Values("landlock", "namespaces"),
                         [](const auto& row) { return row.param; });

}  // namespace
}  // namespace ringfort
