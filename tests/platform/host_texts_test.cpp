#include "ringfort/platform/linux/host_texts.hpp"

#include "ringfort/platform/linux/cgroup_place.hpp"

#include <gmock/gmock.h>

namespace ringfort::platform {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Optional;
using testing::Pair;

TEST(HostTexts, ANumberIsAWholeLineOrNone) {
  EXPECT_THAT(parse_number("32768\n"), Optional(32768));
  EXPECT_THAT(parse_number("  -1 "), Optional(-1));
  for (const char* text : {"", "\n", "12 x", "0x10", "99999999999999999999"})
    EXPECT_EQ(parse_number(text), std::nullopt) << text;
}

TEST(HostTexts, ARangeIsTwoNumbers) {
  EXPECT_THAT(parse_range("32768\t60999\n"), Optional(Pair(32768, 60999)));
  for (const char* text : {"", "32768", "32768 x", "a b"})
    EXPECT_EQ(parse_range(text), std::nullopt) << text;
}

TEST(HostTexts, AStatusLineIsFoundByItsWholeName) {
  constexpr const char* kStatus = "Name:\tx\nSeccomp:\t2\nSeccomp_filters:\t7\n";
  EXPECT_THAT(status_value(kStatus, "Seccomp"), Optional(std::string("2")));
  EXPECT_THAT(status_value(kStatus, "Seccomp_filters"), Optional(std::string("7")));
  EXPECT_EQ(status_value(kStatus, "Sec"), std::nullopt);
}

TEST(HostTexts, OsReleaseMayQuoteItsValues) {
  const auto release =
      parse_os_release("PRETTY_NAME=\"Debian\"\nVERSION_CODENAME='bookworm'\nID=debian\nX_ID=no\n");
  EXPECT_EQ(release.id, "debian");
  EXPECT_EQ(release.codename, "bookworm");
  EXPECT_EQ(parse_os_release("").id, "");
}

TEST(HostTexts, TheLongestMountPointSaysTheFileSystem) {
  constexpr const char* kMounts =
      "1 0 8:1 / / rw - ext4 /dev/sda1 rw\n"
      "2 1 0:30 / /srv rw - tmpfs none rw\n"
      "3 1 0:31 / /srv rw shared:4 - xfs /dev/sdb rw\n"
      "4 1 0:32 / /srv/with\\040blank rw - btrfs /dev/sdc rw\n";
  EXPECT_EQ(filesystem_of(kMounts, "/home"), "ext4");
  EXPECT_EQ(filesystem_of(kMounts, "/srvx"), "ext4");
  EXPECT_EQ(filesystem_of(kMounts, "/srv/a"), "xfs") << "the later mount covers the earlier";
  EXPECT_EQ(filesystem_of(kMounts, "/srv/with blank"), "btrfs");
  EXPECT_EQ(filesystem_of("", "/"), "");
}

TEST(CgroupHierarchies, AreAllThatHaveControllersAndHoldUs) {
  constexpr const char* kMounts =
      "31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw\n"
      "33 31 0:30 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,name=systemd\n"
      "34 31 0:31 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
      "35 31 0:32 /elsewhere /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
      "36 31 0:33 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n";
  const auto found = cgroup_hierarchies(
      kMounts, "9:name=systemd:/\n4:cpu,cpuacct:/job\n3:memory:/job\n0::/user\n");
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0].version, CgroupVersion::V1);
  EXPECT_EQ(found[0].directory, "/sys/fs/cgroup/cpu,cpuacct/job");
  EXPECT_THAT(found[0].controllers, ElementsAre("cpu", "cpuacct"));
  EXPECT_EQ(found[1].version, CgroupVersion::V2);
  EXPECT_EQ(found[1].directory, "/sys/fs/cgroup/unified/user");
  EXPECT_THAT(cgroup_hierarchies("", ""), IsEmpty());
}

}  // namespace
}  // namespace ringfort::platform
