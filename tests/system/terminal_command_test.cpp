// Terminals: `exec -it` and `run -it` as a person at one sees them.
#include "detached_fixture.hpp"
#include "ringfort/support/terminal.hpp"

#include <csignal>
#include <fstream>

namespace ringfort {
namespace {

using test::Terminal;
using testing::HasSubstr;
using testing::Not;
using namespace std::chrono_literals;

class TerminalCommand : public test::DetachedFixture {
 protected:
  Terminal exec(const std::vector<std::string>& command, Terminal::Size size = {}) const {
    std::vector<std::string> words{"exec", "-it", "box"};
    words.insert(words.end(), command.begin(), command.end());
    return {command_.argv(words), command_.options(), size};
  }
  /// Is the caller's terminal in raw mode? Then the command inside has the word.
  static bool is_raw(const Terminal& terminal) {
    return test::eventually(10s, [&] { return (terminal.modes().c_lflag & ECHO) == 0; });
  }
  static int parent_of(int pid) {
    std::ifstream file("/proc/" + std::to_string(pid) + "/status");
    for (std::string line; std::getline(file, line);)
      if (line.starts_with("PPid:")) return std::stoi(line.substr(5));
    return 0;
  }
  int shim_of(const std::string& name) const { return parent_of(inspect(name)["pid"]); }
};

TEST_P(TerminalCommand, TheCommandHasATerminalOfThisSize) {
  start("box", "exec sleep 1000");
  Terminal terminal =
      exec({"sh", "-c",
            "for fd in 0 1 2; do test -t $fd && echo yes$fd; done; stty size; echo $TERM; "
            "echo named > /dev/tty; echo again > /dev/stderr; exit 7"},
           {33, 77});
  EXPECT_EQ(terminal.finish(), 7);
  for (const char* line : {"yes0\r\nyes1\r\nyes2\r\n33 77\r\nxterm\r\n", "named\r\n", "again\r\n"})
    EXPECT_THAT(terminal.shown(), HasSubstr(line));
}

TEST_P(TerminalCommand, ANewSizeArrives) {
  start("box", "exec sleep 1000");
  Terminal terminal = exec({"sh", "-c",
                            "trap 'stty size; exit 3' WINCH; echo ready; "
                            "while :; do sleep 0.05; done"});
  ASSERT_TRUE(terminal.has_shown("ready"));
  terminal.resize({41, 99});
  EXPECT_EQ(terminal.finish(), 3);
  EXPECT_THAT(terminal.shown(), HasSubstr("41 99"));
}

TEST_P(TerminalCommand, AShellHasJobControl) {
  start("box", "exec sleep 1000");
  Terminal terminal = exec({"sh", "-i"});
  const auto before = terminal.modes();
  ASSERT_TRUE(is_raw(terminal));
  terminal.type("set -m; sleep 1000 &\recho $((40 + 2)); kill %1; exit 5\r");
  EXPECT_EQ(terminal.finish(), 5);
  EXPECT_THAT(terminal.shown(), HasSubstr("42\r\n"));
  EXPECT_THAT(terminal.shown(), Not(HasSubstr("access tty")));
  EXPECT_THAT(terminal.shown(), Not(HasSubstr("job control")));
  EXPECT_TRUE(test::same_modes(before, terminal.modes()));
}

TEST_P(TerminalCommand, CtrlZStopsOnlyTheJobInFront) {
  start("box", "exec sleep 1000");
  Terminal terminal = exec({"sh", "-i"});
  ASSERT_TRUE(is_raw(terminal));
  // The quotes keep the echo of the keys from looking like the answer.
  terminal.type("sh -c 'echo in\"\"front; exec sleep 1000'\r");
  ASSERT_TRUE(terminal.has_shown("infront\r\n"));
  terminal.type("\x1a");
  ASSERT_TRUE(terminal.has_shown("Stopped"));
  // A shell asks once whether stopped jobs are to be left, and may not have heard of the end yet.
  terminal.type("kill -KILL %1\rexit 4\rexit 4\r");
  EXPECT_EQ(terminal.finish(), 4);
}

TEST_P(TerminalCommand, CtrlCIsTheProgramsOwn) {
  start("box", "exec sleep 1000");
  Terminal terminal = exec({"sh", "-c", "echo ready; exec sleep 1000"});
  const auto before = terminal.modes();
  ASSERT_TRUE(terminal.has_shown("ready"));
  ASSERT_TRUE(is_raw(terminal));
  terminal.type("\x03");
  EXPECT_EQ(terminal.finish(), 130);
  EXPECT_TRUE(test::same_modes(before, terminal.modes()));
}

TEST_P(TerminalCommand, ASignalEndsTheCommandAndGivesTheTerminalBack) {
  start("box", "exec sleep 1000");
  const auto sleeper = "sleep 777." + std::to_string(::getpid());  // nobody else's
  for (const int number : {SIGTERM, SIGHUP, SIGINT, SIGQUIT}) {
    Terminal terminal = exec({"sh", "-c", "trap '' TERM HUP INT QUIT; echo ready; " + sleeper});
    const auto before = terminal.modes();
    ASSERT_TRUE(terminal.has_shown("ready"));
    ASSERT_TRUE(is_raw(terminal));
    terminal.signal(number);
    EXPECT_EQ(terminal.finish(), 128 + number);
    EXPECT_TRUE(test::same_modes(before, terminal.modes())) << number;
  }
  EXPECT_TRUE(test::eventually(5s, [&] {
    return test::run_program({"pgrep", "-f", "^" + sleeper + "$"}).code == 1;
  })) << "the commands live on";
}

TEST_P(TerminalCommand, ACrashAndAFailedStartGiveTheTerminalBack) {
  start("box", "exec sleep 1000");
  Terminal crashed = exec({"sh", "-c", "echo ready; exec sleep 1000"});
  const auto before = crashed.modes();
  ASSERT_TRUE(crashed.has_shown("ready"));
  ASSERT_TRUE(is_raw(crashed));
  crashed.signal(SIGABRT);
  EXPECT_EQ(crashed.finish(), 128 + SIGABRT);
  EXPECT_TRUE(test::same_modes(before, crashed.modes()));

  Terminal missing = exec({"no-such-program"});
  EXPECT_EQ(missing.finish(), 127);
  EXPECT_THAT(missing.shown(), HasSubstr("no-such-program: not found"));
  EXPECT_TRUE(test::same_modes(before, missing.modes()));
}

TEST_P(TerminalCommand, AKilledShimGivesTheTerminalBack) {
  start("box", "exec sleep 1000");
  const int main_pid = inspect("box")["pid"];
  Terminal terminal = exec({"sh", "-c", "echo ready; exec sleep 1000"});
  const auto before = terminal.modes();
  ASSERT_TRUE(terminal.has_shown("ready"));
  ASSERT_TRUE(is_raw(terminal));
  const int shim = shim_of("box");
  ASSERT_GT(shim, 1);
  ASSERT_EQ(::kill(shim, SIGKILL), 0);
  EXPECT_EQ(terminal.finish(), 125);
  EXPECT_THAT(terminal.shown(), HasSubstr("ringfort: box-1"));
  EXPECT_TRUE(test::same_modes(before, terminal.modes()));
  // At landlock, with shim and zygote gone, nobody is left to end the program.
  if (::kill(main_pid, 0) == 0) ::kill(main_pid, SIGKILL);
}

TEST_P(TerminalCommand, RunHasOneToo) {
  const std::vector<std::string> words{"run", "--isolation", level_, "-it", "--"};
  const auto argv = [&](const std::string& script) {
    auto all = words;
    all.insert(all.end(), {"sh", "-c", script});
    return command_.argv(all);
  };
  Terminal asked{
      argv("stty size; read word; echo got $word; exit 6"), command_.options(), {30, 70}};
  const auto before = asked.modes();
  ASSERT_TRUE(asked.has_shown("30 70"));
  asked.type("key\r");
  EXPECT_EQ(asked.finish(), 6);
  EXPECT_THAT(asked.shown(), HasSubstr("got key\r\n"));
  EXPECT_TRUE(test::same_modes(before, asked.modes()));

  Terminal ended{argv("trap '' TERM; echo ready; sleep 1000"), command_.options(), {}};
  ASSERT_TRUE(ended.has_shown("ready"));
  ended.signal(SIGTERM);
  EXPECT_EQ(ended.finish(), 137) << "TERM is ignored inside, so it is killed after the grace";
  EXPECT_TRUE(test::same_modes(before, ended.modes()));
}

TEST_P(TerminalCommand, AKilledShimGivesTheTerminalOfRunBack) {
  const auto sleeper = "sleep 778." + std::to_string(::getpid());  // nobody else's
  Terminal terminal{command_.argv({"run", "--isolation", level_, "-it", "--", "sh", "-c",
                                   "echo ready; exec " + sleeper}),
                    command_.options(),
                    {}};
  const auto before = terminal.modes();
  ASSERT_TRUE(terminal.has_shown("ready"));
  ASSERT_TRUE(is_raw(terminal));
  // An attached container has no record to inspect.
  std::string found;
  ASSERT_TRUE(test::eventually(10s, [&] {
    found = test::run_program({"pgrep", "-f", "^" + sleeper + "$"}).out;
    return !found.empty();
  }));
  const int shim = parent_of(std::stoi(found));
  ASSERT_GT(shim, 1);
  ASSERT_EQ(::kill(shim, SIGKILL), 0);
  EXPECT_EQ(terminal.finish(), 255) << "nobody knows how the program would have ended";
  EXPECT_TRUE(test::same_modes(before, terminal.modes()));
}

TEST_P(TerminalCommand, ForgedKeysAreRefused) {
  start("box", "exec sleep 1000");
  Terminal terminal = exec({"python3", "-c",
                            "import fcntl, termios\n"
                            "try:\n"
                            "  fcntl.ioctl(0, termios.TIOCSTI, b'x')\n"
                            "except PermissionError: print('denied')\n"});
  EXPECT_EQ(terminal.finish(), 0);
  EXPECT_THAT(terminal.shown(), HasSubstr("denied"));
}

TEST_P(TerminalCommand, WithoutATerminalStreamsPassThrough) {
  start("box", "exec sleep 1000");
  EXPECT_EQ(command_.run({"exec", "-i", "box", "cat"}, "live\n").out, "live\n");
  EXPECT_EQ(command_.run({"exec", "box", "cat"}, "unread\n").out, "") << "stdin is not handed on";
  EXPECT_EQ(
      run({"exec", "-e", "WORD=here", "-w", "/tmp", "box", "sh", "-c", "echo $WORD; pwd"}).out,
      level_ == "namespaces" ? "here\n/tmp\n"
                             : "here\n" + command_.data_dir() + "/containers/box-1/tmp\n");
  // More than the old bound of what an exec may write.
  EXPECT_EQ(run({"exec", "box", "head", "-c", "3000000", "/dev/zero"}).out.size(), 3000000U);
  EXPECT_EQ(run({"exec", "box", "no-such-program"}).code, 127);
  EXPECT_EQ(run({"exec", "--timeout", "100ms", "box", "sleep", "60"}).code, 124);

  const auto refused = run({"exec", "-it", "box", "sh"});
  EXPECT_EQ(refused.code, 125);
  EXPECT_THAT(refused.err, HasSubstr("--tty needs a terminal at stdin"));
  EXPECT_THAT(refused.err, HasSubstr("leave out --tty"));
  const auto detached = run({"run", "-dit", "--", "sh"});
  EXPECT_EQ(detached.code, 125);
  EXPECT_THAT(detached.err, HasSubstr("ringfort exec -it NAME sh"));
}

RINGFORT_EACH_LEVEL_AND_USER(TerminalCommand);

}  // namespace
}  // namespace ringfort
