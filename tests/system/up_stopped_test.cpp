// A supervisor that stands still holds no program up, and misses nothing of what was written.
#include "level_fixture.hpp"
#include "ringfort/support/eventually.hpp"

#include <chrono>
#include <csignal>
#include <sstream>
#include <string>

namespace ringfort {
namespace {

using namespace std::chrono_literals;
using test::Program;

constexpr int kLines = 20000;  // 290 kB; a pipe takes 64

class UpStopped : public test::LevelFixture {};

INSTANTIATE_TEST_SUITE_P(, UpStopped, testing::Values("landlock", "namespaces"),
                         [](const auto& row) { return row.param; });

TEST_P(UpStopped, TheProgramWritesOnAndNoLineIsLost) {
  command_.write("spec.yaml", R"(version: v1
deployment: test
services:
  s:
    image: {name: host}
    network_mode: none
    scale: {mode: fixed, replicas: 1}
    command:
      entrypoint: [sh, -c, 'trap go=1 USR1; echo ready; until [ "$go" ]; do sleep 0.02; done;
        i=0; while [ $i -lt 20000 ]; do i=$((i+1)); echo "line $i"; done; echo finished;
        while :; do sleep 0.02; done']
)");
  Program up{command_.argv({"up", "--isolation", GetParam(), "spec.yaml"}), command_.options()};
  ASSERT_TRUE(up.has_said("s-1 | ready")) << up.said();

  up.signal(SIGSTOP);
  EXPECT_EQ(command_.run({"kill", "-s", "USR1", "s"}).code, 0);
  EXPECT_TRUE(test::eventually(30s, [&] {
    return command_.run({"logs", "--tail", "1", "s"}).out == "finished\n";
  }));
  up.signal(SIGCONT);

  EXPECT_TRUE(up.has_said("s-1 | finished"));
  up.signal(SIGINT);
  std::istringstream said(up.finish().out);
  std::string line;
  ASSERT_TRUE(std::getline(said, line));
  for (int i = 1; i <= kLines; ++i) {
    ASSERT_TRUE(std::getline(said, line));
    ASSERT_EQ(line, "s-1 | line " + std::to_string(i));
  }
}

}  // namespace
}  // namespace ringfort
