// What a spec's storage is to a program: kept, shared, read only, bounded, and nobody else's.
#include "detached_fixture.hpp"
#include "ringfort/support/native_image.hpp"

#include <csignal>
#include <filesystem>
#include <fstream>

#include <sys/stat.h>
#include <unistd.h>

namespace ringfort::test {
namespace {

namespace fs = std::filesystem;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class VolumeCommand : public DetachedFixture {
 protected:
  void SetUp() override {
    DetachedFixture::SetUp();
    if (is_refused_) return;
    fs::create_directory(source());
    std::ofstream(source() + "/hello") << "hello\n";
    if (!is_plain()) return;
    for (const auto& path : {source(), source() + "/hello"})
      ASSERT_EQ(::chown(path.c_str(), kPlainUid, kPlainUid), 0);
  }

  bool is_plain() const { return std::get<1>(GetParam()) == User::Plain; }
  bool is_mounted() const { return level_ != "landlock"; }
  /// Containers have ids of their own.
  bool is_roots() const { return !is_plain() && ::geteuid() == 0; }
  /// Nothing can be idmapped at `landlock`.
  bool has_named() const { return is_mounted() || !is_roots(); }
  std::string source() const { return command_.home() + "/source"; }
  std::string volumes() const { return command_.data_dir() + "/volumes"; }
  /// How a script names the bind at /src.
  std::string bound() const { return is_mounted() ? "/src" : source(); }

  static std::string named(const std::string& name, const std::string& target,
                           const std::string& more = "") {
    return "      - {type: named, name: " + name + ", target: " + target + more + "}\n";
  }
  std::string bind(const std::string& more = "") const {
    return "      - {type: bind, source: \"" + source() + "\", target: /src" + more + "}\n";
  }

  /// A service that runs `script`, with lines of storage.
  static std::string service(const std::string& name, const std::string& script,
                             const std::string& storage, const std::string& image = "host",
                             const std::string& more = "rtype: job") {
    return "  " + name + ":\n    " + more + "\n    image: {name: " + image +
           "}\n    network_mode: none\n    scale: {mode: fixed, replicas: 1}\n" +
           "    command: {entrypoint: [" + (image == "host" ? "sh" : "/bin/sh") + ", -c, " +
           json(script).dump() + "]}\n" + (storage.empty() ? "" : "    storage:\n" + storage);
  }
  void write_spec(const std::string& services) const {
    command_.write("spec.yaml", "version: v1\ndeployment: test\nservices:\n" + services);
  }
  Outcome up(const std::string& services) const {
    write_spec(services);
    return run({"up", "--isolation", level_, "spec.yaml"});
  }
  /// What one job says, without the names before its lines.
  std::string said(const std::string& script, const std::string& storage) const {
    const auto ended = up(service("job", script, storage));
    std::string lines;
    std::istringstream out(ended.out);
    for (std::string line; std::getline(out, line);)
      if (line.starts_with("job-1 | ")) lines += line.substr(8) + "\n";
    return lines.empty() ? ended.err : lines;
  }
};

RINGFORT_EACH_LEVEL_AND_USER(VolumeCommand);
RINGFORT_AT_LEVEL_NETWORK(VolumeCommand);

TEST_P(VolumeCommand, ANamedVolumeOutlivesItsContainersAndIsNobodyElses) {
  if (!has_named()) {
    const auto refused = said("true", named("data", "/data"));
    EXPECT_THAT(refused, HasSubstr("volume data is root's"));
    EXPECT_THAT(refused, HasSubstr("--isolation namespaces"));
    EXPECT_FALSE(fs::exists(volumes())) << "nothing is made for nothing";
    return;
  }
  const std::string there = "cd \"$RINGFORT_VOLUME_DATA\" && ";
  EXPECT_EQ(said(there + "echo kept > a && id -u > uid && echo done", named("data", "/data")),
            "done\n");
  EXPECT_EQ(said(there + "cat a && echo more >> a && rm uid && echo done", named("data", "/data")),
            "kept\ndone\n");
  EXPECT_EQ(read_file(volumes() + "/data/a"), "kept\nmore\n");
  struct stat status {};
  ASSERT_EQ(::stat((volumes() + "/data/a").c_str(), &status), 0);
  EXPECT_EQ(status.st_uid, is_plain() ? kPlainUid : ::geteuid()) << "the runtime's, not a guest's";
  ASSERT_EQ(::stat(volumes().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0700U);

  // Who does not name it has no way to it: neither at the target nor where it lies.
  const std::string look = "cat /data/a " + volumes() + "/data/a 2>&1; ls " + volumes() +
                           "; env | grep RINGFORT_VOLUME; echo end";
  const auto others = said(look, is_plain() ? named("other", "/other") : "");
  EXPECT_THAT(others, Not(HasSubstr("kept")));
  EXPECT_THAT(others, Not(HasSubstr("VOLUME_DATA")));
  EXPECT_THAT(others, HasSubstr("end"));
  EXPECT_EQ(run({"prune"}).code, 0);
  EXPECT_TRUE(fs::exists(volumes() + "/data/a"));
}

TEST_P(VolumeCommand, TwoThatNameItShareItAtTheSameTime) {
  if (!has_named()) GTEST_SKIP() << "refused there";
  const std::string go = "cd \"$RINGFORT_VOLUME_DATA\" && ";
  const auto storage = named("data", "/data");
  const auto ended = up(
      service("a", go + "id -u; echo ping > ping; until [ -e pong ]; do sleep 0.02; done; cat pong",
              storage) +
      service("b",
              go + "id -u; until [ -e ping ]; do sleep 0.02; done; cat ping; rm ping; "
                   "echo pong > p && mv p pong",
              storage));
  EXPECT_EQ(ended.code, 0) << ended.err;
  EXPECT_THAT(ended.out, HasSubstr("a-1 | pong"));
  EXPECT_THAT(ended.out, HasSubstr("b-1 | ping"));
  // As root with two uids, each of which takes the files for its own.
  const auto uid_of = [&](const std::string& who) {
    const auto begin = ended.out.find(who + "-1 | ") + 6;
    return ended.out.substr(begin, ended.out.find('\n', begin) - begin);
  };
  EXPECT_EQ(uid_of("a") != uid_of("b"), is_roots()) << ended.out;
}

TEST_P(VolumeCommand, ReadOnlyIsReadOnly) {
  const std::string script =
      "cat hello; for i in new hello; do echo x > $i; done; rm hello; "
      "chmod 777 hello; mkdir d; echo end";
  const auto in_bind = said("cd " + bound() + "; " + script, bind(", readonly: true"));
  EXPECT_THAT(in_bind, HasSubstr("hello\n"));
  EXPECT_THAT(in_bind, HasSubstr("end\n"));
  EXPECT_EQ(read_file(source() + "/hello"), "hello\n");
  EXPECT_THAT(names_in(source()), testing::ElementsAre("hello"));
  if (is_roots() && !is_mounted()) return;  // only root may write there, and nobody is root

  const auto written = said("cd " + bound() + " && echo x > new && echo done", bind());
  EXPECT_EQ(written, "done\n") << "the same without readonly";
  EXPECT_EQ(read_file(source() + "/new"), "x\n");
  const auto once = said("echo a > \"$RINGFORT_VOLUME_DATA/a\"; echo done", named("data", "/d"));
  EXPECT_EQ(once, "done\n");
  const auto named_so =
      said("cd \"$RINGFORT_VOLUME_DATA\"; cat a; echo b > a; echo b > b; echo end",
           named("data", "/d", ", readonly: true"));
  EXPECT_THAT(named_so, HasSubstr("a\n"));
  EXPECT_EQ(read_file(volumes() + "/data/a"), "a\n");
  EXPECT_THAT(names_in(volumes() + "/data"), testing::ElementsAre("a"));
}

TEST_P(VolumeCommand, AnAnonymousOneGoesWithItsContainer) {
  const std::string storage = "      - {type: anonymous, target: /var/own}\n";
  const std::string script =
      "cd \"$RINGFORT_VOLUME_VAR_OWN\" && ls | wc -l && echo x > a && mkdir -p b/c && cat a";
  EXPECT_EQ(said(script, storage), "0\nx\n");
  EXPECT_EQ(said(script, storage), "0\nx\n");
  if (is_mounted()) {
    EXPECT_EQ(said("echo x > /var/own/a && cat /var/own/a", storage), "x\n");
  }
  EXPECT_FALSE(fs::exists(volumes()));
}

TEST_P(VolumeCommand, ATmpfsHoldsWhatItsSizeSaysAndNoMore) {
  const std::string storage = "      - {type: tmpfs, target: /t, size: 1Mi, mode: 448}\n";
  const auto told = said(
      "head -c 900000 /dev/zero > /t/a && echo fits; head -c 400000 /dev/zero > /t/b || echo full; "
      "i=0; while [ $i -lt 400 ] && true > /t/n$i; do i=$((i+1)); done; [ $i -lt 300 ] && echo "
      "few; "
      "ls -ld /t | cut -c1-10; echo end",
      storage);
  if (is_mounted()) {
    EXPECT_THAT(told, HasSubstr("fits\n"));
    EXPECT_THAT(told, HasSubstr("full\n"));
    EXPECT_THAT(told, HasSubstr("few\n")) << "files are bounded, too";
    EXPECT_THAT(told, HasSubstr("drwx------\n"));
  } else {
    EXPECT_THAT(told, Not(HasSubstr("fits")));
  }
  EXPECT_THAT(told, HasSubstr("end\n"));
}

TEST_P(VolumeCommand, ASetuidBitAndADeviceInAVolumeAreDead) {
  if (!has_named()) GTEST_SKIP() << "refused there";
  const auto told = said(
      "cd \"$RINGFORT_VOLUME_DATA\"; cp /bin/true t; chmod 4755 t; mknod d c 1 3 || echo no "
      "device; "
      "grep ' /data ' /proc/self/mountinfo; echo end",
      named("data", "/data"));
  EXPECT_THAT(told, HasSubstr("no device\n"));
  EXPECT_THAT(told, HasSubstr("end\n"));
  EXPECT_EQ(told.find("nosuid,nodev") != told.npos, is_mounted());
  struct stat status {};
  ASSERT_EQ(::stat((volumes() + "/data/t").c_str(), &status), 0);
  EXPECT_NE(status.st_mode & S_ISUID, 0U) << "which is why nobody else may pass through volumes/";
}

TEST_P(VolumeCommand, OneBelowAnotherIsMountedOnTopOfIt) {
  if (!is_mounted()) GTEST_SKIP() << "nothing is mounted there";
  const auto storage = named("inner", "/data/deep/sub") + named("outer", "/data") +
                       "      - {type: tmpfs, target: /data/t}\n";
  EXPECT_EQ(
      said("echo o > /data/o; echo i > /data/deep/sub/i; echo t > /data/t/t; echo done", storage),
      "done\n");
  EXPECT_EQ(read_file(volumes() + "/inner/i"), "i\n");
  EXPECT_EQ(read_file(volumes() + "/outer/o"), "o\n");
  EXPECT_THAT(names_in(volumes() + "/outer"), testing::UnorderedElementsAre("deep", "o", "t"));
  EXPECT_THAT(names_in(volumes() + "/outer/deep/sub"), IsEmpty());
  EXPECT_THAT(names_in(volumes() + "/outer/t"), IsEmpty());
  EXPECT_EQ(said("cat /data/deep/sub/i; cat /data/o", storage), "i\no\n");
}

TEST_P(VolumeCommand, AMissingSourceIsAnErrorAndIsNotMade) {
  fs::remove_all(source());
  const auto missing = up(service("job", "true", bind()));
  EXPECT_EQ(missing.code, 1);
  EXPECT_THAT(missing.err, HasSubstr("storage source " + source() + ": No such file"));
  EXPECT_THAT(missing.err, HasSubstr("mkdir -p"));
  EXPECT_FALSE(fs::exists(source()));
  command_.write("source", "a file");
  EXPECT_THAT(up(service("job", "true", bind())).err, HasSubstr("Not a directory"));
}

TEST_P(VolumeCommand, ATargetIsNeverAHostPath) {
  const std::string storage = "      - {type: anonymous, target: " + source() + "}\n";
  const auto told =
      said("echo x > " + source() + "/new; cat " + source() + "/hello; echo end", storage);
  EXPECT_THAT(told, Not(HasSubstr("hello\n")));
  EXPECT_THAT(told, HasSubstr("end\n"));
  EXPECT_THAT(names_in(source()), testing::ElementsAre("hello"));
}

TEST_P(VolumeCommand, AnExecSeesThemAndARestartKeepsThem) {
  const auto storage = (has_named() ? named("data", "/data") : "") +
                       "      - {type: anonymous, target: /own}\n" + bind(", readonly: true");
  write_spec(service("s",
                     "cd \"$RINGFORT_VOLUME_OWN\"; echo life >> a; cat a; echo ready; "
                     "exec sleep 1000",
                     storage, "host", "rtype: service"));
  {
    Program program{command_.argv({"up", "--isolation", level_, "spec.yaml"}), command_.options()};
    ASSERT_TRUE(program.has_said("s-1 | ready")) << program.said();
    const auto inside = run({"exec", "s", "sh", "-c",
                             "cat \"$RINGFORT_VOLUME_OWN/a\" " + bound() +
                                 "/hello; echo e >> \"$RINGFORT_VOLUME_OWN/a\"; echo x > " +
                                 bound() + "/new; ls " + bound()});
    EXPECT_EQ(inside.out, "life\nhello\nhello\n") << inside.err;
    if (has_named()) {
      const auto written = run({"exec", "s", "sh", "-c", "echo e > \"$RINGFORT_VOLUME_DATA/e\""});
      EXPECT_EQ(written.code, 0) << written.err;
      EXPECT_EQ(read_file(volumes() + "/data/e"), "e\n");
    }
    program.signal(SIGKILL);
    (void)program.finish();
  }
  EXPECT_EQ(run({"wait", "s"}).code, 0);
  ASSERT_EQ(run({"start", "s"}).code, 0);
  EXPECT_TRUE(has_said("s", "life\ne\nlife\n"));
  EXPECT_EQ(run({"rm", "-f", "s"}).code, 0);
  EXPECT_EQ(fs::exists(volumes() + "/data/e"), has_named());
}

TEST_P(VolumeCommand, WhatAnImagePutsAtATargetLeadsNowhere) {
  if (!is_mounted()) GTEST_SKIP() << "nothing is mounted there";
  const auto plant = [&](const std::string& name, auto make) {
    const auto tree = native_source(command_.home() + "/images-" + name, name);
    make(tree);
    fs::permissions(command_.home(), fs::perms::owner_all | fs::perms::others_exec,
                    fs::perm_options::add);
    if (is_plain()) (void)run_program({"chown", "-R", "4242", command_.home()});
    return run({"image", "add", name, tree});
  };
  const auto at = [&](const std::string& name, const std::string& target) {
    return up(service("job", "echo x > " + target + "/new && echo went on",
                      "      - {type: anonymous, target: " + target + "}\n", name));
  };
  const std::string outside = source();
  struct Planted {
    std::string name;
    std::string text;
  };
  for (const auto& [name, text] :
       {Planted{"absolute", outside}, Planted{"dots", "../../../../../../../.." + outside},
        Planted{"loop", "data"}, Planted{"etc", "/etc"}}) {
    const auto added = plant(name, [&text = text](const std::string& tree) {
      fs::create_symlink(text, tree + "/data");
    });
    ASSERT_EQ(added.code, 0) << added.err;
    for (const char* target : {"/data", "/data/below"}) {
      const auto ended = at(name, target);
      EXPECT_NE(ended.code, 0) << name << ended.out;
      EXPECT_THAT(ended.err, HasSubstr("symbolic link")) << name;
    }
  }
  const auto a_file =
      plant("file", [](const std::string& tree) { std::ofstream(tree + "/data") << "x"; });
  ASSERT_EQ(a_file.code, 0) << a_file.err;
  EXPECT_THAT(at("file", "/data").err, HasSubstr("is no directory"));
  EXPECT_THAT(at("file", "/data/below").err, HasSubstr("is no directory"));
  EXPECT_THAT(names_in(outside), testing::ElementsAre("hello"));
  EXPECT_FALSE(fs::exists("/etc/new") || fs::exists("/etc/below"));

  const auto plain = plant("plain", [](const std::string& tree) {
    fs::create_directory(tree + "/data");
    std::ofstream(tree + "/data/under") << "x";
  });
  ASSERT_EQ(plain.code, 0) << plain.err;
  EXPECT_THAT(at("plain", "/data").out, HasSubstr("went on"));
  EXPECT_THAT(at("plain", "/not/there/yet").out, HasSubstr("went on"));
}

/// In its scratch directory, which is the same at the next start, a program may put what it likes.
TEST_P(VolumeCommand, WhatAProgramPlantsAtATargetForItsNextStartLeadsNowhere) {
  if (!is_mounted()) GTEST_SKIP() << "nothing is mounted there";
  for (const std::string& plant :
       {"ln -s " + source() + " x", std::string{"ln -s x x"}, std::string{"mkfifo x"},
        std::string{"echo x > x"}, std::string{"mkdir x"}}) {
    SCOPED_TRACE(plant);
    // The mount point itself is busy; what is around it is not.
    write_spec(service(
        "s",
        "cd /tmp; echo run; mv d e; " + plant + "; mv x d; sleep 0.1; echo ready; exec sleep 1000",
        "      - {type: anonymous, target: /tmp/d/v}\n", "host", "rtype: service"));
    Program program{command_.argv({"up", "--isolation", level_, "spec.yaml"}), command_.options()};
    ASSERT_TRUE(program.has_said("s-1 | ready")) << program.said();
    program.signal(SIGKILL);
    (void)program.finish();
    EXPECT_EQ(run({"wait", "s"}).code, 0);
    const auto again = run({"start", "s"});
    EXPECT_EQ(again.code == 0, plant == "mkdir x") << again.err;
    EXPECT_EQ(again.err.find("lies there or on the way") != again.err.npos, again.code != 0);
    EXPECT_THAT(names_in(source()), testing::ElementsAre("hello"));
    EXPECT_EQ(run({"rm", "-f", "s"}).code, 0);
  }
}

TEST_P(VolumeCommand, VolumesAreListedAndRemovedWhenNoContainerNamesThem) {
  EXPECT_EQ(run({"volume", "ls"}).out, "");
  EXPECT_EQ(run({"volume", "ls", "--json"}).out, "[]\n");
  const auto unknown = run({"volume", "rm", "none"});
  EXPECT_EQ(unknown.code, 125);
  EXPECT_THAT(unknown.err, HasSubstr("there is no volume none"));
  EXPECT_THAT(run({"volume", "rm", "../state"}).err, HasSubstr("there is no volume ../state"));
  if (!has_named()) GTEST_SKIP() << "refused there";
  write_spec(service(
      "s", "head -c 100000 /dev/zero > \"$RINGFORT_VOLUME_DATA/a\"; echo ready; exec sleep 1000",
      named("data", "/data") + named("more", "/more"), "host", "rtype: service"));
  Program program{command_.argv({"up", "--isolation", level_, "spec.yaml"}), command_.options()};
  ASSERT_TRUE(program.has_said("s-1 | ready")) << program.said();
  const auto listed = json::parse(run({"volume", "ls", "--json"}).out);
  ASSERT_EQ(listed.size(), 2U);
  EXPECT_EQ(listed[0]["name"], "data");
  EXPECT_GE(listed[0]["bytes"].get<int>(), 100000);
  EXPECT_EQ(listed[0]["used_by"], json::array({"s-1"}));
  EXPECT_THAT(run({"volume", "ls"}).out, HasSubstr("s-1\n"));
  const auto used = run({"volume", "rm", "data", "more"});
  EXPECT_EQ(used.code, 125);
  EXPECT_THAT(used.err, HasSubstr("volume data is named by container s-1"));
  EXPECT_TRUE(fs::exists(volumes() + "/data/a") && fs::exists(volumes() + "/more"));
  program.signal(SIGTERM);
  (void)program.finish();
  const auto removed = run({"volume", "rm", "data", "none", "more", "--json"});
  EXPECT_EQ(removed.code, 125) << "one of them is not there";
  EXPECT_EQ(json::parse(removed.out)["removed"], json::array({"data", "more"}));
  EXPECT_THAT(names_in(volumes()), IsEmpty());
}

TEST_P(VolumeCommand, ReportsSayWhatHolds) {
  const auto storage = named("data", "/data", ", size: 1Gi") + bind(", readonly: true") +
                       "      - {type: tmpfs, target: /t}\n";
  write_spec(service("job", "true", storage));
  const auto told = run({"explain", "--gaps", "--json", "spec.yaml"});
  ASSERT_EQ(told.code, 0) << told.err;
  const auto gaps = json::parse(told.out)["job"];
  for (const char* field : {"storage.bind", "storage.named", "storage.tmpfs"}) {
    EXPECT_THAT(gaps["namespaces"]["not_enforced"], Not(Contains(field)));
    EXPECT_THAT(gaps["network"]["not_enforced"], Not(Contains(field)));
    EXPECT_TRUE(!gaps["landlock"]["possible"].get<bool>() ||
                testing::Matches(Contains(field))(gaps["landlock"]["not_enforced"]));
  }
  EXPECT_THAT(gaps["namespaces"]["not_enforced"], Contains("storage.named.size"));
  EXPECT_THAT(gaps["namespaces"]["open"], Not(Contains(HasSubstr("not mounted"))));
  const auto why = [&](const std::string& operation, const std::string& path) {
    return run({"why", "--isolation", level_, operation, path, "spec.yaml"});
  };
  if (!is_mounted()) return;
  const auto refused = why("write", "/src/new");
  EXPECT_EQ(refused.code, 1) << refused.err;
  EXPECT_THAT(refused.out, HasSubstr("the bind of " + source()));
  const auto let = why("write", "/data/new");
  EXPECT_EQ(let.code, 0) << let.out << let.err;
  EXPECT_THAT(let.out, HasSubstr("volume data"));
}

}  // namespace
}  // namespace ringfort::test
