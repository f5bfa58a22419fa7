// What a root is made of: whatever it is, the image and its other containers stay as they are.
#include "detached_fixture.hpp"
#include "ringfort/support/native_image.hpp"

#include <csignal>
#include <filesystem>
#include <fstream>
#include <map>

#include <sys/stat.h>
#include <unistd.h>

namespace ringfort::test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class OverlayCommand : public DetachedFixture {
 protected:
  void SetUp() override {
    DetachedFixture::SetUp();
    if (is_refused_) return;
    const auto tree = native_source(command_.home() + "/images", "image");
    for (const char* program : {"rm", "mv", "chmod", "mkdir", "ln", "stat", "touch"})
      fs::copy_file(fs::path{"/bin"} / program, fs::path{tree} / "bin" / program);
    fs::create_directory(tree + "/d");
    fs::create_directory(tree + "/d/sub");
    for (const char* name : {"changed", "chmodded", "deleted", "linked", "moved", "sub/deep"})
      std::ofstream(tree + "/d/" + name) << "of the image\n";
    if (is_plain()) (void)run_program({"chown", "-R", "4242", command_.home()});
    const auto added = run({"image", "add", "image", tree});
    ASSERT_EQ(added.code, 0) << added.err;
  }

  bool is_plain() const { return std::get<1>(GetParam()) == User::Plain; }
  bool is_mounted() const { return level_ != "landlock"; }
  std::string image() const { return command_.data_dir() + "/images/image/rootfs"; }
  std::string directory(const std::string& name) const {
    return command_.data_dir() + "/containers/" + name + "-1";
  }

  Outcome run_in(const std::string& rootfs, const std::string& script) const {
    return run({"run", "--isolation", level_, "--image", "image", "--rootfs", rootfs, "--",
                "/bin/sh", "-c", script});
  }
  Outcome detach(const std::string& rootfs, const std::string& name,
                 const std::string& script) const {
    return run({"run", "-d", "--isolation", level_, "--image", "image", "--rootfs", rootfs,
                "--name", name, "--", "/bin/sh", "-c", script});
  }
  std::string exec(const std::string& name, const std::string& script) const {
    const auto ended = run({"exec", name, "/bin/sh", "-c", script});
    return ended.code == 0 ? ended.out : ended.out + ended.err;
  }

  /// Type, mode, owner, time and content of all of a tree.
  static std::map<std::string, std::string> photograph(const std::string& tree) {
    std::map<std::string, std::string> seen;
    for (const auto& entry : fs::recursive_directory_iterator(tree)) {
      struct stat status {};
      EXPECT_EQ(::lstat(entry.path().c_str(), &status), 0);
      std::ostringstream line;
      line << std::oct << status.st_mode << std::dec << ' ' << status.st_uid << ' '
           << status.st_nlink << ' ' << status.st_mtim.tv_sec << '.' << status.st_mtim.tv_nsec;
      if (S_ISREG(status.st_mode)) line << ' ' << std::hash<std::string>{}(read_file(entry.path()));
      seen[entry.path().lexically_relative(tree)] = line.str();
    }
    return seen;
  }
};

RINGFORT_EACH_LEVEL_AND_USER(OverlayCommand);
RINGFORT_AT_LEVEL_NETWORK(OverlayCommand);

TEST_P(OverlayCommand, WhatOneWritesNeitherTheImageNorAnotherSees) {
  for (const std::string rootfs : {"visible", "overlay"}) {
    if (rootfs == "overlay" && !is_mounted()) continue;
    SCOPED_TRACE(rootfs);
    const auto before = photograph(image());
    ASSERT_EQ(detach(rootfs, "other", "exec sleep 1000").code, 0);
    // Programs start in their root.
    const std::string look =
        "cd d && cat changed chmodded deleted linked moved sub/deep; "
        "stat -c '%a %n' *; ls -a . sub";
    const auto others = exec("other", look);
    EXPECT_THAT(others, HasSubstr("of the image\nof the image\n"));

    const auto ended = run_in(
        rootfs,
        "cd d && echo more >> changed && chmod 777 chmodded && rm deleted && ln linked new && "
        "echo through >> new && mv moved there && rm -r sub && mkdir sub && echo n > sub/new && "
        "chmod 700 . && touch -d @0 chmodded && cat changed linked there && ls sub && "
        "stat -c %a chmodded && echo done");
    EXPECT_EQ(ended.out,
              "of the image\nmore\nof the image\nthrough\nof the image\nnew\n777\ndone\n")
        << ended.err;
    EXPECT_EQ(photograph(image()), before);
    EXPECT_EQ(exec("other", look), others);
    EXPECT_EQ(run({"rm", "-f", "other"}).code, 0);
  }
}

TEST_P(OverlayCommand, TheProgramOwnsItsRootAsInACopy) {
  if (!is_mounted()) GTEST_SKIP() << "nothing is mounted there";
  const std::string script =
      "[ -O / ] && [ -O /d ] && [ -O /d/changed ] && [ -G /d/changed ] && echo own; "
      "mkdir /new && echo made; echo \"$(stat -c %a / /d /d/changed /d/sub)\"; "
      "while read -r a b c d point rest; do [ $point = / ] && echo $rest; done "
      "< /proc/self/mountinfo";
  const auto copied = run_in("visible", script);
  const auto laid = run_in("overlay", script);
  EXPECT_THAT(copied.out, testing::StartsWith("own\nmade\n")) << copied.err;
  EXPECT_THAT(laid.out, testing::StartsWith("own\nmade\n")) << laid.err;
  EXPECT_THAT(copied.out, HasSubstr("nosuid,nodev"));
  EXPECT_THAT(laid.out, HasSubstr("nosuid,nodev"));
  EXPECT_THAT(laid.out, HasSubstr("overlay"));
  EXPECT_THAT(laid.out, Not(HasSubstr(command_.data_dir()))) << "no path of the host's";
}

TEST_P(OverlayCommand, AnExecSeesItsRootAndAStartKeepsWhatWasWritten) {
  if (!is_mounted()) GTEST_SKIP() << "nothing is mounted there";
  const auto mounts = read_file("/proc/self/mountinfo");
  ASSERT_EQ(detach("overlay", "c",
                   "echo life >> /d/changed; rm -f /d/deleted; echo ready; exec sleep 1000")
                .code,
            0);
  EXPECT_TRUE(has_said("c", "ready\n"));
  EXPECT_EQ(read_file("/proc/self/mountinfo"), mounts) << "mounted inside, never here";
  EXPECT_THAT(names_in(directory("c") + "/rootfs"), IsEmpty());
  EXPECT_EQ(exec("c", "cat /d/changed; echo exec >> /d/changed; ls /d"),
            "of the image\nlife\nchanged\nchmodded\nlinked\nmoved\nsub\n");
  EXPECT_THAT(run({"inspect", "c"}).out, HasSubstr("\"rootfs\": \"overlay\""));
  ASSERT_EQ(run({"stop", "-t", "0s", "c"}).code, 0);
  ASSERT_EQ(run({"start", "c"}).code, 0);
  EXPECT_TRUE(has_said("c", "ready\nready\n"));
  EXPECT_EQ(exec("c", "cat /d/changed; ls /d"),
            "of the image\nlife\nexec\nlife\nchanged\nchmodded\nlinked\nmoved\nsub\n");
  EXPECT_EQ(run({"rm", "-f", "c"}).code, 0);
  EXPECT_FALSE(fs::exists(directory("c")));
  EXPECT_EQ(read_file("/proc/self/mountinfo"), mounts);
}

/// overlayfs marks the work directory of one that syncs nothing.
TEST_P(OverlayCommand, OnlyAtDurabilityFullWhatAProgramSyncsIsOnTheDisk) {
  if (!is_mounted()) GTEST_SKIP() << "nothing is mounted there";
  for (const std::string durability : {"process", "full"}) {
    SCOPED_TRACE(durability);
    ASSERT_EQ(run({"run", "-d", "--isolation", level_, "--image", "image", "--rootfs", "overlay",
                   "--durability", durability, "--name", "c", "--", "/bin/sh", "-c",
                   "echo life >> /d/changed; echo ready; exec sleep 1000"})
                  .code,
              0);
    EXPECT_TRUE(has_said("c", "ready\n"));
    const auto check = [&] {
      return run_program({"test", "-e", directory("c") + "/overlay/work/work/incompat/volatile"});
    };
    // The kernel makes it with mode 000.
    if (::geteuid() == 0) {
      EXPECT_EQ(check().code == 0, durability == "process");
    }
    ASSERT_EQ(run({"stop", "-t", "0s", "c"}).code, 0);
    ASSERT_EQ(run({"start", "c"}).code, 0);
    EXPECT_TRUE(has_said("c", "ready\nready\n"));
    EXPECT_EQ(exec("c", "cat /d/changed"), "of the image\nlife\nlife\n");
    EXPECT_EQ(run({"rm", "-f", "c"}).code, 0);
  }
}

TEST_P(OverlayCommand, ADiffTellsTheSameOfBoth) {
  const std::string script =
      "cd d; echo more >> changed; chmod 600 chmodded; rm deleted; ln linked new; mv moved there; "
      "rm -r sub; mkdir sub; echo n > sub/new; mkdir -p a/b; echo x > 'a/b/line\nend'; "
      "ln -s /etc a/link; echo ready; exec sleep 1000";
  std::map<std::string, std::string> told;
  for (const std::string rootfs : {"visible", "overlay"}) {
    if (rootfs == "overlay" && !is_mounted()) continue;
    ASSERT_EQ(detach(rootfs, rootfs, script).code, 0);
    EXPECT_TRUE(has_said(rootfs, "ready\n"));
    const auto diff = run({"diff", rootfs});
    EXPECT_EQ(diff.code, 0) << diff.err;
    told[rootfs] = diff.out;
    const auto exact = json::parse(run({"diff", "--json", rootfs}).out);
    EXPECT_EQ(exact["rootfs"], rootfs);
    EXPECT_THAT(exact["changes"].dump(), HasSubstr(R"({"kind":"A","path":"/d/a/b/line\nend")"));
    EXPECT_EQ(run({"rm", "-f", rootfs}).code, 0);
  }
  EXPECT_EQ(told["visible"],
            "C /d\nA /d/a\nA /d/a/b\nA /d/a/b/line\\x0aend\nA /d/a/link\nC /d/changed\n"
            "C /d/chmodded\nD /d/deleted\nD /d/moved\nA /d/new\nC /d/sub\nD /d/sub/deep\n"
            "A /d/sub/new\nA /d/there\n");
  if (is_mounted()) {
    EXPECT_EQ(told["overlay"], told["visible"]);
  }
}

TEST_P(OverlayCommand, WhyKnowsWhatIsInItsRoot) {
  if (!is_mounted()) GTEST_SKIP() << "nothing is mounted there";
  ASSERT_EQ(detach("overlay", "c",
                   "rm /d/deleted; rm -r /d/sub; mkdir /d/sub; echo x > /d/new; "
                   "echo ready; exec sleep 1000")
                .code,
            0);
  EXPECT_TRUE(has_said("c", "ready\n"));
  const auto told = [&](const std::string& path) {
    auto answer = json::parse(run({"why", "--json", "--container", "c", "read", path}).out);
    for (const char* key : {"target", "path"}) answer.erase(key);
    return answer.dump();
  };
  const auto of_nothing = told("/d/never");
  for (const std::string path : {"/d/changed", "/d/new", "/d/sub"}) {
    EXPECT_NE(told(path), of_nothing) << path;
    EXPECT_EQ(exec("c", "[ -r " + path + " ] && echo yes"), "yes\n");
  }
  for (const std::string path : {"/d/deleted", "/d/sub/deep", "/d/sub/never"})
    EXPECT_EQ(told(path), of_nothing) << path;
}

TEST_P(OverlayCommand, WhatAnImagePutsAtATargetLeadsNowhere) {
  if (!is_mounted()) GTEST_SKIP() << "nothing is mounted there";
  const auto outside = command_.home() + "/outside";
  fs::create_directory(outside);
  if (is_plain()) {
    ASSERT_EQ(::chown(outside.c_str(), kPlainUid, kPlainUid), 0);
  }
  const auto tree = command_.home() + "/images/image";
  fs::create_symlink(outside, tree + "/absolute");
  fs::create_symlink("../../../../../../../.." + outside, tree + "/dots");
  ASSERT_EQ(run({"image", "add", "links", tree}).code, 0);
  for (const std::string target : {"/absolute/v", "/dots/v", "/absolute"}) {
    command_.write("spec.yaml",
                   "version: v1\ndeployment: test\nservices:\n  job:\n    rtype: job\n"
                   "    image: {name: links}\n    rootfs: overlay\n    network_mode: none\n"
                   "    command: {entrypoint: [/bin/sh, -c, echo went on]}\n"
                   "    storage:\n      - {type: anonymous, target: " +
                       target + "}\n");
    const auto ended = run({"up", "--isolation", level_, "spec.yaml"});
    EXPECT_NE(ended.code, 0) << ended.out;
    EXPECT_THAT(ended.err, HasSubstr("symbolic link")) << target;
  }
  EXPECT_THAT(names_in(outside), IsEmpty());
}

TEST_P(OverlayCommand, AnImageUnderARootStaysWhoeverAsks) {
  if (!is_mounted()) GTEST_SKIP() << "nothing is mounted there";
  ASSERT_EQ(detach("overlay", "c", "echo ready; exec sleep 1000").code, 0);
  EXPECT_TRUE(has_said("c", "ready\n"));
  for (const auto& words : {std::vector<std::string>{"image", "rm", "image"},
                            std::vector<std::string>{"image", "rm", "--force", "image"}}) {
    const auto kept = run(words);
    EXPECT_NE(kept.code, 0);
    EXPECT_THAT(kept.err, HasSubstr("c-1 is an overlay over it"));
  }
  EXPECT_EQ(run({"image", "prune"}).code, 0);
  EXPECT_EQ(exec("c", "cat /d/changed"), "of the image\n");
  EXPECT_EQ(run({"rm", "-f", "c"}).code, 0);
  EXPECT_EQ(run({"image", "rm", "image"}).code, 0);
}

TEST_P(OverlayCommand, WhereThereCanBeNoneItIsRefusedAndAutoCopies) {
  const auto report = command_.home() + "/report";
  const auto of_auto = run({"run", "--isolation", level_, "--image", "image", "--report", report,
                            "--", "/bin/sh", "-c", ":"});
  EXPECT_EQ(of_auto.code, 0) << of_auto.err;
  const auto chosen = is_mounted() ? "\"rootfs\":\"overlay\"" : "\"rootfs\":\"visible\"";
  EXPECT_THAT(read_file(report), HasSubstr(chosen)) << "nineteen files of two megabytes";
  const auto on_host = run({"run", "--isolation", level_, "--rootfs", "overlay", "--", "true"});
  EXPECT_NE(on_host.code, 0);
  EXPECT_THAT(on_host.err, HasSubstr("needs an image"));
  if (is_mounted()) return;
  const auto refused = run_in("overlay", "true");
  EXPECT_NE(refused.code, 0);
  EXPECT_THAT(refused.err, HasSubstr("nothing can be mounted"));
  EXPECT_THAT(refused.err, HasSubstr("--isolation namespaces"));
}

}  // namespace
}  // namespace ringfort::test
