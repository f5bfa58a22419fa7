// `ringfort bench` from outside: its rows, its files, and nothing left.
#include "ringfort/support/command.hpp"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <sys/stat.h>
#include <unistd.h>

namespace ringfort {
namespace {

using nlohmann::json;
using test::Command;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class BenchCommand : public testing::Test {
 protected:
  void SetUp() override {
    if (const auto why = command_.refusal("auto")) GTEST_SKIP() << *why;
  }
  void TearDown() override {
    EXPECT_THAT(command_.leftovers(), IsEmpty());
    for (const auto& name : test::names_in(command_.home()))
      EXPECT_THAT(name, Not(HasSubstr("ringfort-bench"))) << "a working directory is left";
  }

  std::vector<std::string> words(const std::vector<std::string>& rest) const {
    std::vector<std::string> all{"bench", "-n", "20", "--data-dir", command_.home()};
    all.insert(all.end(), rest.begin(), rest.end());
    return all;
  }

  /// argv that finds programs in `folder` of the home first, or only there.
  std::vector<std::string> argv(const std::string& path,
                                const std::vector<std::string>& rest) const {
    std::vector<std::string> all{"/usr/bin/env", "PATH=" + path};
    const auto own = command_.argv(words(rest));
    all.insert(all.end(), own.begin(), own.end());
    return all;
  }

  /// A PATH with a directory in front that holds a program `name` of this text.
  std::string path_with(const std::string& name, std::string_view text) const {
    command_.write("bin/" + name, text);
    ::chmod((command_.home() + "/bin/" + name).c_str(), 0755);
    return command_.home() + "/bin:/usr/bin:/bin";
  }

  Command command_;
};

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream{text};
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

TEST_F(BenchCommand, HasARowForEachWhoAndJAndWritesItsFiles) {
  const auto csv = command_.home() + "/figures.csv";
  const auto end = command_.run(words(
      {"-j", "1,4", "--peers", "none", "--csv", csv, "--svg", command_.home() + "/figures.svg"}));
  ASSERT_EQ(end.code, 0) << end.out << end.err;
  EXPECT_EQ(end.err, "") << "no bar, as it is no terminal";
  EXPECT_THAT(end.out, Not(HasSubstr("\x1b")));
  const auto lines = lines_of(end.out);
  for (const auto* row : {"1  bare spawn", "1  ringfort ", "1  ringfort none", "1  ringfort run",
                          "4  bare spawn", "4  ringfort ", "4  ringfort none", "4  ringfort run"})
    EXPECT_THAT(lines, Contains(testing::StartsWith(row)));
  EXPECT_THAT(end.out, HasSubstr("starts of ringfort, 4 at once"));

  const auto figures = lines_of(test::read_file(csv));
  EXPECT_THAT(figures, Contains("\"ringfort\",1,,lives,20,count"));
  EXPECT_THAT(figures, Contains("\"ringfort\",4,,failures,0,count"));
  EXPECT_THAT(figures, Contains(testing::StartsWith("\"ringfort\",4,,start_p99,")));
  if (::geteuid() == 0)
    EXPECT_THAT(figures, Contains(testing::StartsWith("\"ringfort\",,10,all_pss,")));
  else
    EXPECT_THAT(end.out, HasSubstr("memory was not measured: "));
  for (const auto* suffix : {"throughput", "start", "memory"}) {
    if (suffix == std::string_view{"memory"} && ::geteuid() != 0) continue;
    const auto svg = test::read_file(command_.home() + "/figures-" + suffix + ".svg");
    EXPECT_THAT(svg, HasSubstr("<svg"));
    EXPECT_THAT(svg, HasSubstr("</svg>"));
  }
}

TEST_F(BenchCommand, DrawsByItselfWhereGnuplotDoesNotWork) {
  const auto path = path_with("gnuplot", "#!/bin/sh\nexit 1\n");
  const auto end = test::run_program(
      argv(path, {"-j", "1", "--peers", "none", "--svg", command_.home() + "/f.svg"}),
      command_.options());
  ASSERT_EQ(end.code, 0) << end.out << end.err;
  const auto svg = test::read_file(command_.home() + "/f-throughput.svg");
  EXPECT_THAT(svg, HasSubstr(">ringfort none<"));
  EXPECT_THAT(svg, HasSubstr("</svg>"));
  EXPECT_FALSE(test::exists(command_.home() + "/f-throughput.svg.gnuplot"));
}

TEST_F(BenchCommand, ListsAPeerThatDoesNotWorkWithItsReason) {
  const auto path = path_with("crun",
                              "#!/bin/sh\n"
                              "[ \"$1\" = --version ] && echo crun 9.9 && exit\n"
                              "echo this machine is not to my taste >&2; exit 3\n");
  const auto end =
      test::run_program(argv(path, {"-j", "1", "--peers", "crun", "--json"}), command_.options());
  ASSERT_EQ(end.code, 0) << end.out << end.err;
  const auto value = json::parse(end.out);
  const auto& crun = value["entrants"].back();
  EXPECT_EQ(crun["name"], "crun");
  EXPECT_EQ(crun["version"], "crun 9.9");
  EXPECT_THAT(crun["refusal"], HasSubstr("ended with code 3: this machine is not to my taste"));
  EXPECT_TRUE(crun["cells"].empty());
  EXPECT_EQ(value["entrants"][1]["cells"][0]["failures"], 0);
}

TEST_F(BenchCommand, CountsThePeersFailuresAndEndsWithOne) {
  // Works when it is tried, and not a second time.
  const auto path = path_with("crun", "#!/bin/sh\ncd " + command_.home() +
                                          "\nmkdir once 2>/dev/null || exit 4\n" +
                                          "[ \"$1\" = --version ] && rmdir once\nexit 0\n");
  const auto end =
      test::run_program(argv(path, {"-j", "1", "--peers", "crun"}), command_.options());
  EXPECT_EQ(end.code, 1) << end.out << end.err;
  EXPECT_THAT(end.out, HasSubstr("crun, 1 at once: "));
  EXPECT_THAT(end.out, HasSubstr("crun ended with code 4"));
}

TEST_F(BenchCommand, ASignalEndsItAndLeavesNothing) {
  test::Program bench{
      command_.argv(words({"-n", "1000000", "-j", "2", "--peers", "none", "--budget", "10m"})),
      command_.options()};
  ASSERT_TRUE(bench.has_said("remove_container")) << "it has begun";
  bench.signal(SIGTERM);
  EXPECT_EQ(bench.finish().code, 128 + SIGTERM);
}

TEST_F(BenchCommand, APeerThatIsNotInstalledIsAnErrorWhenNamed) {
  const auto end = test::run_program(argv(command_.home(), {"-j", "1", "--peers", "nsjail"}),
                                     command_.options());
  EXPECT_EQ(end.code, 125);
  EXPECT_THAT(end.err, HasSubstr("nsjail is not on PATH"));
}

}  // namespace
}  // namespace ringfort
