// Paths that are odd and valid work at every level; those that can't are refused before anything is
// made.
#include "detached_fixture.hpp"

#include <filesystem>

#include <sys/stat.h>

namespace ringfort::test {
namespace {

using testing::HasSubstr;

class OddPaths : public DetachedFixture {
 protected:
  /// No container was begun.
  void expect_nothing_made() const {
    std::error_code error;
    EXPECT_TRUE(!std::filesystem::exists(command_.data_dir() + "/containers") ||
                std::filesystem::is_empty(command_.data_dir() + "/containers", error));
  }
  /// A directory below home that everybody may enter, with one file.
  std::string make(const std::string& name) const {
    const auto path = command_.home() + "/" + name;
    EXPECT_EQ(::mkdir(path.c_str(), 0777), 0);
    EXPECT_EQ(::chmod(path.c_str(), 0777), 0);
    command_.write(name + "/file", "content");
    EXPECT_EQ(::chmod((path + "/file").c_str(), 0644), 0);
    return path;
  }
};

TEST_P(OddPaths, WorkWhereTheyAreValid) {
  for (const auto* name : {"it's", "quo\"te", "back\\slash", "(paren)", " blank ", "$(x);#&*?",
                           "caf\xc3\xa9", "-rf", "\")) (allow default) (\""}) {
    const auto path = make(name);
    const auto read = run({"run", "--isolation", level_, "--read", path, "--workdir", path, "--",
                           "sh", "-c", "cat file; cat \"$0/file\"; : > \"$0/new\"", path});
    EXPECT_EQ(read.out, "contentcontent") << name << read.err;
    EXPECT_NE(read.code, 0) << "nothing is written below " << name;
    EXPECT_NE(read.code, 125) << read.err;
    const auto written = run({"run", "--isolation", level_, "--write", path, "--", "sh", "-c",
                              "echo yes > \"$0/new\"; cat \"$0/new\"", path});
    EXPECT_EQ(written.out, "yes\n") << name << written.err;
    // Kept in a record, and read back by another process.
    start("odd", "echo up; exec sleep 60", {"--read", path});
    EXPECT_EQ(run({"exec", "odd", "cat", path + "/file"}).out, "content") << name;
    EXPECT_EQ(run({"why", "--container", "odd", "read", path + "/file"}).code, 0) << name;
    EXPECT_EQ(run({"rm", "-f", "odd"}).code, 0);
  }
}

TEST_P(OddPaths, AreRefusedWhereNoPolicyCouldNameThem) {
  for (const auto* name :
       {"new\nline", "tab\there", "esc\x1b[2J", "\xff\xfe", "del\x7f", "c1\xc2\x9b"}) {
    const auto path = make(name);
    const auto refused = run({"run", "--isolation", level_, "--read", path, "--", "true"});
    EXPECT_EQ(refused.code, 125) << refused.err;
    EXPECT_THAT(refused.err, HasSubstr("rename it"));
    EXPECT_EQ(refused.err.find('\x1b'), std::string::npos) << "shown as text only";
    EXPECT_EQ(std::count(refused.err.begin(), refused.err.end(), '\n'), 1) << refused.err;
    expect_nothing_made();
  }
}

TEST_P(OddPaths, ImpossibleSpecsAreRefusedWithTheirPlace) {
  const std::string head =
      "version: v1\ndeployment: demo\nservices:\n  web:\n    image: {name: host}\n"
      "    command: {entrypoint: [\"true\"]}\n";
  const std::pair<const char*, const char*> rows[] = {
      {"    storage: [{type: anonymous, target: /}]\n", "s.yaml:7:41: "},
      {"    storage: [{type: anonymous, target: /a/../b}]\n", "s.yaml:7:41: "},
      {"    storage: [{type: anonymous, target: data}]\n", "s.yaml:7:41: "},
      {"    storage: [{type: anonymous, target: /proc/self}]\n", "s.yaml:7:41: "},
      {"    storage: [{type: bind, source: \"/a\\nb\", target: /a}]\n", "s.yaml:7:36: "},
      {"    storage: [{type: bind, source: '/\")) (allow default)', target: /a}]\n",
       "s.yaml:7:36: "},
      {"    endpoints: [{name: a, protocol: tcp, port: 0}]\n", "s.yaml:7:48: "},
      {"    endpoints: [{name: a, protocol: tcp, port: 70000}]\n", "s.yaml:7:48: "},
      {"    devices: [{path: /dev/there-is-none}]\n", "s.yaml:7:22: "},
  };
  for (const auto& [fields, place] : rows) {
    command_.write("s.yaml", head + fields);
    for (const auto& verb : {"up", "validate", "explain"}) {
      const auto refused = run({verb, "s.yaml"});
      EXPECT_NE(refused.code, 0) << verb << fields;
      EXPECT_THAT(refused.err, HasSubstr(place)) << verb << fields;
      EXPECT_THAT(refused.err, testing::AnyOf(HasSubstr(". Write "), HasSubstr(". See ")))
          << fields;
    }
    expect_nothing_made();
  }
}

RINGFORT_EACH_LEVEL_AND_USER(OddPaths);

}  // namespace
}  // namespace ringfort::test
