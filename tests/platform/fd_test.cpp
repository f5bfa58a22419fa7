#include "ringfort/platform/fd.hpp"

#include <gtest/gtest.h>

#include <cerrno>
#include <utility>

#include <fcntl.h>

namespace ringfort::platform {
namespace {

bool is_open(int fd) { return ::fcntl(fd, F_GETFD) >= 0; }

Fd open_null() { return Fd{::open("/dev/null", O_RDONLY | O_CLOEXEC)}; }

TEST(Fd, ClosesOnceAndOnlyWhatItOwns) {
  Fd first = open_null();
  const int number = first.get();
  {
    Fd second = std::move(first);
    EXPECT_EQ(second.get(), number);
    EXPECT_TRUE(is_open(number));
  }
  EXPECT_FALSE(is_open(number));
  EXPECT_FALSE(first);  // NOLINT(bugprone-use-after-move): that it is empty is the point
}

TEST(Fd, AssigningClosesTheOldOne) {
  Fd fd = open_null();
  const int old = fd.get();
  Fd other = open_null();
  fd = std::move(other);

  EXPECT_TRUE(fd);
  EXPECT_FALSE(is_open(old));
}

TEST(Fd, ReleaseGivesUpOwnership) {
  Fd fd = open_null();
  const int number = fd.release();
  fd.reset();

  EXPECT_TRUE(is_open(number));
  ::close(number);
}

TEST(OsError, TellsAbsenceFromRefusal) {
  const auto absent = os_error(ENOENT, "cannot open x", "make it");
  EXPECT_EQ(absent.kind, ErrorKind::NotFound);
  EXPECT_EQ(absent.what, "cannot open x: No such file or directory");
  EXPECT_EQ(absent.hint, "make it");
  EXPECT_EQ(absent.os_errno, ENOENT);

  errno = EACCES;
  const auto refused = os_error("cannot open x");
  EXPECT_EQ(refused.kind, ErrorKind::Io);
  EXPECT_EQ(refused.os_errno, EACCES);
}

}  // namespace
}  // namespace ringfort::platform
