// `ringfort run` from outside: codes, streams, signals, paths, network, reports.
#include "ringfort/support/command.hpp"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include <csignal>
#include <filesystem>
#include <random>

#include <arpa/inet.h>
#include <sys/socket.h>

namespace ringfort {
namespace {

using nlohmann::json;
using test::Command;
using test::Outcome;
using test::Program;
using test::User;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

using Row = std::tuple<std::string, User>;

class RunCommand : public testing::TestWithParam<Row> {
 protected:
  void SetUp() override {
    if (const auto why = command_.refusal(level_)) GTEST_SKIP() << *why;
  }
  void TearDown() override { EXPECT_THAT(command_.leftovers(), IsEmpty()); }

  std::vector<std::string> words(const std::vector<std::string>& rest) const {
    std::vector<std::string> all{"run", "--isolation", level_};
    all.insert(all.end(), rest.begin(), rest.end());
    return all;
  }
  Outcome run(const std::vector<std::string>& rest, const std::string& stdin_text = {}) const {
    return command_.run(words(rest), stdin_text);
  }
  Outcome shell(const std::string& script, std::vector<std::string> options = {}) const {
    options.insert(options.end(), {"--", "sh", "-c", script});
    return run(options);
  }
  json report() const { return json::parse(test::read_file(command_.home() + "/report.json")); }

  std::string level_ = std::get<0>(GetParam());
  Command command_{std::get<1>(GetParam())};
};

std::vector<User> users() {
  return ::geteuid() == 0 ? std::vector{User::Own, User::Plain} : std::vector{User::Own};
}

INSTANTIATE_TEST_SUITE_P(, RunCommand,
                         testing::Combine(testing::Values("landlock", "namespaces"),
                                          testing::ValuesIn(users())),
                         [](const testing::TestParamInfo<Row>& row) {
                           return std::get<0>(row.param) +
                                  (std::get<1>(row.param) == User::Own ? "Own" : "Plain");
                         });

TEST_P(RunCommand, PassesTheExitCodeOnAndSaysNothing) {
  for (const int code : {0, 7, 255}) {
    const auto end = shell("exit " + std::to_string(code));
    EXPECT_EQ(end.code, code);
    EXPECT_EQ(end.out, "");
    EXPECT_EQ(end.err, "");
  }
}

TEST_P(RunCommand, EndsWith128AndTheSignal) {
  EXPECT_EQ(shell("kill -TERM $$").code, 143);
  EXPECT_EQ(shell("kill -SEGV $$").code, 139);
}

TEST_P(RunCommand, EndsWith124AfterTheTimeout) {
  const auto end = run({"--timeout", "100ms", "sleep", "60"});
  EXPECT_EQ(end.code, 124);
  EXPECT_THAT(end.err, StartsWith("ringfort: ended after 100ms"));
  // A program that ignores TERM is killed after the grace; so is one that ends well after TERM.
  EXPECT_EQ(
      shell("trap '' TERM; while :; do sleep 1; done", {"--timeout", "100ms", "--grace", "100ms"})
          .code,
      124);
  EXPECT_EQ(shell("trap 'exit 0' TERM; while :; do sleep 0.05; done", {"--timeout", "100ms"}).code,
            124);
}

TEST_P(RunCommand, TellsAMissingProgramFromOneThatIsNone) {
  const auto missing = run({"no-such-program"});
  EXPECT_EQ(missing.code, 127);
  EXPECT_THAT(missing.err, StartsWith("ringfort: no-such-program: not found"));
  command_.write("notes.txt", "not a program\n");
  EXPECT_EQ(run({"--read", "notes.txt", "--", command_.home() + "/notes.txt"}).code, 126);
}

TEST_P(RunCommand, EndsWith137ForMemory) {
  const auto end = run({"--memory", "48Mi", "--", "python3", "-c", "x = b'x' * (400 << 20)"});
  EXPECT_EQ(end.code, 137);
  EXPECT_THAT(end.err, HasSubstr("ended for memory (limit 48Mi)"));
}

TEST_P(RunCommand, PassesBinaryDataThrough) {
  std::string bytes(300'000, '\0');
  std::mt19937 random{7};
  for (auto& byte : bytes) byte = static_cast<char>(random());
  const auto end = run({"cat"}, bytes);
  EXPECT_EQ(end.code, 0);
  EXPECT_TRUE(end.out == bytes);
  EXPECT_EQ(shell("echo out; echo err >&2").out, "out\n");
  EXPECT_EQ(shell("echo out; echo err >&2").err, "err\n");
}

TEST_P(RunCommand, WorksWithClosedStreams) {
  std::string line;
  for (const auto& word : command_.argv(words({"--", "sh", "-c", "cat; echo x; exit 5"})))
    line += "'" + word + "' ";
  EXPECT_EQ(test::run_program({"sh", "-c", line + "<&- >&- 2>&-"}, command_.options()).code, 5);
}

TEST_P(RunCommand, ForwardsSignals) {
  const std::string script =
      "for s in HUP INT QUIT USR1 USR2 TERM; do trap \"echo got $s\" $s; done; trap 'exit 9' ALRM; "
      "echo ready; while :; do sleep 0.02; done";
  Program program{command_.argv(words({"--", "sh", "-c", script})), command_.options()};
  ASSERT_TRUE(program.has_said("ready"));
  for (const auto& [number, name] : std::vector<std::pair<int, std::string>>{{SIGHUP, "HUP"},
                                                                             {SIGINT, "INT"},
                                                                             {SIGQUIT, "QUIT"},
                                                                             {SIGUSR1, "USR1"},
                                                                             {SIGUSR2, "USR2"},
                                                                             {SIGTERM, "TERM"}}) {
    program.signal(number);
    EXPECT_TRUE(program.has_said("got " + name)) << name;
  }
  program.signal(SIGALRM);
  EXPECT_EQ(program.finish().code, 9);
}

TEST_P(RunCommand, TakesTheProgramWithItWhenItIsKilled) {
  command_.write("dir/alive", "");
  Program program{
      command_.argv(words({"--write", "dir", "--", "sh", "-c",
                           "echo ready; while :; do echo x >> dir/alive; sleep 0.02; done"})),
      command_.options()};
  ASSERT_TRUE(program.has_said("ready"));
  program.signal(SIGKILL);
  EXPECT_EQ(program.finish().code, 137);
  // The pipe's end has been seen, so no writer is left. The next run clears away the dead owner's
  // directories.
  EXPECT_EQ(run({"true"}).code, 0);
}

TEST_P(RunCommand, HandsOnNoVariableButItsOwn) {
  const auto end = run({"--env", "A=1", "--env", "EMPTY=", "--", "env"});
  EXPECT_THAT(end.out, HasSubstr("A=1\n"));
  EXPECT_THAT(end.out, HasSubstr("EMPTY=\n"));
  EXPECT_THAT(end.out, testing::Not(HasSubstr("RINGFORT_DATA_DIR")));
}

TEST_P(RunCommand, GivesAnEmptyWritableScratch) {
  const auto end = shell("cd && pwd && ls -A && echo x > file && cat file && [ $HOME = $TMPDIR ]");
  EXPECT_EQ(end.code, 0) << end.err;
  EXPECT_THAT(end.out, EndsWith("/tmp\nx\n"));
}

TEST_P(RunCommand, ShowsOfTheUsersFilesOnlyWhatIsNamed) {
  command_.write("named", "named\n");
  command_.write("other", "other\n");
  EXPECT_EQ(shell("cat " + command_.home() + "/named", {"--read", "named"}).out, "named\n");
  EXPECT_NE(shell("cat " + command_.home() + "/other", {"--read", "named"}).code, 0);
  EXPECT_NE(shell("echo x > " + command_.home() + "/named", {"--read", "named"}).code, 0);
  EXPECT_EQ(test::read_file(command_.home() + "/named"), "named\n");
  EXPECT_NE(shell("cat /etc/shadow").code, 0);
}

TEST_P(RunCommand, LetsWritePathsChange) {
  command_.write("dir/old", "old\n");
  if (std::get<1>(GetParam()) == User::Plain)
    (void)!::chown((command_.home() + "/dir").c_str(), test::kPlainUid, test::kPlainUid);
  // Root's containers have a uid of their own; at landlock it must be let in by the file's mode.
  std::filesystem::permissions(command_.home() + "/dir", std::filesystem::perms::all);
  std::filesystem::permissions(command_.home() + "/dir/old", std::filesystem::perms(0666));
  const auto end = shell("cd " + command_.home() + "/dir && cat old && echo new > new && rm old",
                         {"--write", "dir"});
  EXPECT_EQ(end.out, "old\n");
  EXPECT_EQ(end.code, 0) << end.err;
  EXPECT_EQ(test::read_file(command_.home() + "/dir/new"), "new\n");
  EXPECT_FALSE(test::exists(command_.home() + "/dir/old"));
}

TEST_P(RunCommand, RefusesToOpenItsOwnFilesForWriting) {
  const auto end = run({"--write", ".", "true"});
  EXPECT_EQ(end.code, 125);
  EXPECT_THAT(end.err, HasSubstr("--data-dir"));
}

TEST_P(RunCommand, ShowsAPathAsGivenAndResolved) {
  command_.write("real/file", "text\n");
  std::filesystem::create_directory_symlink("real", command_.home() + "/link");
  const auto end = shell("cat " + command_.home() + "/link/file " + command_.home() + "/real/file",
                         {"--read", "link"});
  EXPECT_EQ(end.out, "text\ntext\n") << end.err;
}

TEST_P(RunCommand, StartsInTheCallersDirectoryWhenThatIsVisible) {
  EXPECT_EQ(shell("pwd", {"--read", "."}).out, command_.home() + "\n");
  EXPECT_THAT(shell("pwd").out, EndsWith("/tmp\n"));
  command_.write("in/x", "");
  EXPECT_EQ(shell("pwd", {"--read", ".", "--workdir", "in"}).out, command_.home() + "/in\n");
}

/// A TCP listener of the test's own.
struct Listener {
  Listener() {
    ::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address);
    ::listen(fd, 16);
    socklen_t size = sizeof address;
    ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  }
  ~Listener() { ::close(fd); }
  std::string port() const { return std::to_string(ntohs(address.sin_port)); }

  int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{AF_INET, 0, {htonl(INADDR_LOOPBACK)}, {}};
};

const char* const connect_script =
    "import socket, sys\nsocket.create_connection(('127.0.0.1', int(sys.argv[1])), 5)\nprint('in')";

TEST_P(RunCommand, ReachesOnlyTheNetworkItWasGiven) {
  const Listener listener;
  const auto attempt = [&](std::vector<std::string> options) {
    options.insert(options.end(), {"--", "python3", "-c", connect_script, listener.port()});
    return run(options);
  };
  EXPECT_EQ(attempt({"--net", "full"}).out, "in\n");
  EXPECT_EQ(attempt({"--connect", listener.port()}).out, "in\n");
  EXPECT_EQ(attempt({}).out, "");
  EXPECT_EQ(attempt({"--net", "none"}).out, "");
  EXPECT_EQ(attempt({"--net", "local"}).out, "");
  EXPECT_EQ(attempt({"--port"}).out, "");
  const auto udp = run({"--net", "local", "--", "python3", "-c",
                        "import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM)"});
  EXPECT_EQ(udp.code, 1);
}

TEST_P(RunCommand, GivesAPortThatTheHostReaches) {
  const std::string server =
      "import os, socket\n"
      "s = socket.create_server(('127.0.0.1', int(os.environ['PORT'])))\n"
      "print('port', os.environ['PORT'], flush=True)\n"
      "c, _ = s.accept()\nc.sendall(b'hello')\n";
  Program program{command_.argv(words({"--port", "--", "python3", "-c", server})),
                  command_.options()};
  ASSERT_TRUE(program.has_said("\n"));
  const auto port = program.said().substr(5, program.said().find('\n') - 5);  // "port 20000"
  const auto client = test::run_program(
      {"python3", "-c",
       "import socket, sys\ns = socket.create_connection(('127.0.0.1', int(sys.argv[1])))\n"
       "print(s.recv(99))",
       port});
  EXPECT_EQ(client.out, "b'hello'\n") << client.err;
  EXPECT_EQ(program.finish().code, 0);
}

TEST_P(RunCommand, ReportsAGoodRun) {
  ASSERT_EQ(shell("exit 7", {"--port", "--report", "report.json"}).code, 7);
  const auto value = report();
  EXPECT_THAT(value["id"].get<std::string>(), StartsWith("run-"));
  EXPECT_EQ(value["level"], level_);
  EXPECT_FALSE(value["layers"].empty());
  EXPECT_TRUE(value["port"].is_number());
  EXPECT_EQ(value["exit"]["code"], 7);
  EXPECT_EQ(value["exit"]["reason"], "exited");
  EXPECT_GT(value["start_us"], 0);
  EXPECT_GT(value["duration_us"], 0);
  EXPECT_TRUE(value["error"].is_null());
}

TEST_P(RunCommand, ReportsWhatNeverRan) {
  ASSERT_EQ(run({"--report", "report.json", "no-such-program"}).code, 127);
  EXPECT_EQ(report()["exit"]["reason"], "start_failed");
  EXPECT_EQ(report()["exit"]["code"], 127);
  EXPECT_EQ(report()["error"]["kind"], "StartFailed");

  ASSERT_EQ(run({"--image", "nobody", "--report", "report.json", "true"}).code, 125);
  EXPECT_TRUE(report()["exit"].is_null());
  EXPECT_FALSE(report()["error"]["message"].get<std::string>().empty());
}

TEST_P(RunCommand, ReportsAUsageErrorWhereverTheFlagStands) {
  for (const auto& line :
       std::vector<std::vector<std::string>>{{"--report", "report.json", "--memory", "12x", "true"},
                                             {"--memory", "12x", "--report=report.json", "true"},
                                             {"--frobnicate", "--report", "report.json", "true"},
                                             {"--report", "report.json"}}) {
    ASSERT_EQ(run(line).code, 125);
    EXPECT_EQ(report()["error"]["kind"], "InvalidSpec");
    std::filesystem::remove(command_.home() + "/report.json");
  }
}

TEST_P(RunCommand, StartsNothingWhenTheReportCannotBeWritten) {
  const auto end = run({"--report", "no/such/report.json", "echo", "ran"});
  EXPECT_EQ(end.code, 125);
  EXPECT_EQ(end.out, "");
  EXPECT_THAT(end.err, StartsWith("ringfort: --report: cannot write"));
}

TEST_P(RunCommand, NeedsAPlaceForItsFiles) {
  if (std::get<1>(GetParam()) == User::Own && ::geteuid() == 0) GTEST_SKIP() << "root has one";
  auto options = command_.options();
  options.env.clear();
  const auto end = test::run_program(command_.argv(words({"true"})), options);
  EXPECT_EQ(end.code, 125);
  EXPECT_THAT(end.err, HasSubstr("export RINGFORT_DATA_DIR="));
}

TEST_P(RunCommand, RunsAsSomebodyPlain) {
  const auto end = run({"id", "-u"});
  EXPECT_NE(end.out, "0\n");
  if (std::get<1>(GetParam()) == User::Plain) {
    EXPECT_EQ(end.out, "4242\n");
    return;
  }
  if (::geteuid() != 0) return;
  EXPECT_EQ(run({"--user", "4243", "id", "-u"}).out, "4243\n");
  auto options = command_.options();
  options.env["SUDO_UID"] = "4244";
  options.env["SUDO_GID"] = "4244";
  EXPECT_EQ(test::run_program(command_.argv(words({"id", "-u"})), options).out, "4244\n");
}

}  // namespace
}  // namespace ringfort
