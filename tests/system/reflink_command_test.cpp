// Clones that share their blocks with the image: on an xfs of the test's own, mounted where nobody
// else sees it.
#include "ringfort/support/command.hpp"
#include "ringfort/support/native_image.hpp"

#include <gmock/gmock.h>

#include <unistd.h>

namespace ringfort::test {
namespace {

constexpr int kCannot = 77;

/// $1: a directory, $2: ringfort, $3: an image's tree. Says why when it ends with 77. The end of
/// the mount namespace unmounts, and the loop device goes with the last mount.
constexpr const char* kScript = R"sh(
set -e
cannot() { echo "$1"; exit 77; }
PATH=$PATH:/sbin:/usr/sbin
command -v mkfs.xfs > /dev/null || cannot "no mkfs.xfs here (package xfsprogs)"
truncate -s 400M "$1/disk"
mkfs.xfs -q -m reflink=1 "$1/disk" || cannot "mkfs.xfs makes no reflinks"
mkdir "$1/m"
mount -o loop "$1/disk" "$1/m" 2> /dev/null || cannot "no loop device, or no xfs in this kernel"
export RINGFORT_DATA_DIR="$1/m/data"
dd if=/dev/urandom of="$3/large" bs=1M count=64 status=none
"$2" image add app "$3"
image=$RINGFORT_DATA_DIR/images/app/rootfs
sums() { (cd "$image" && find . -type f -exec sha256sum {} + | sort); }
used() { sync; df --output=used "$1" | tail -1; }
before=$(sums)
was=$(used "$1/m")
run() { "$2" run -d --name "$3" --rootfs visible --image app -- sh -c "$4; exec sleep 1000" > /dev/null; }
run - "$2" other :
run - "$2" one 'echo more >> /large; echo x > /new; echo ready'
until "$2" logs one | grep -q ready; do sleep 0.02; done
[ $(($(used "$1/m") - was)) -lt 32768 ] || echo "clones of 64 MiB share no blocks"
"$2" diff one
[ "$(sums)" = "$before" ] || echo "the image changed"
cmp "$image/large" "$RINGFORT_DATA_DIR/containers/other-1/rootfs/large" || echo "the other changed"
"$2" rm -f one other > /dev/null
echo end
)sh";

TEST(ReflinkCommand, WhatOneWritesNeitherTheImageNorAnotherSees) {
  if (::geteuid() != 0) GTEST_SKIP() << "a mount takes root";
  const TempDir dir;
  const LeakCheck leaks;
  const auto tree = native_source(dir / "images", "app");
  const auto program = Command{}.argv({}).front();
  const auto ended = run_program({"unshare", "-m", "--propagation", "private", "sh", "-c", kScript,
                                  "sh", dir.path(), program, tree});
  if (ended.code == kCannot) GTEST_SKIP() << ended.out;
  EXPECT_EQ(ended.code, 0) << ended.err;
  EXPECT_EQ(ended.out, "C /large\nA /new\nend\n") << ended.err;
}

}  // namespace
}  // namespace ringfort::test
