// What `why` predicts is what happens: a table of accesses, tried by a program inside and asked of
// the command with the same flags.
#include "detached_fixture.hpp"
#include "ringfort/platform/fd.hpp"

#include <cstring>

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

namespace ringfort::test {
namespace {

using testing::HasSubstr;

/// Tries what its arguments say, two words each, and prints a line each: 0, or the errno.
constexpr const char* kTrier = R"(
import os, socket, sys, errno
def tried(op, target):
  if op == 'read':
    if os.path.isdir(target): os.listdir(target); return
    fd = os.open(target, os.O_RDONLY); os.read(fd, 1)
  elif op == 'write':
    if os.path.isdir(target):
      os.mknod(target + '/made-by-the-trier'); os.unlink(target + '/made-by-the-trier')
    else: os.open(target, os.O_WRONLY | os.O_CREAT)
  elif op == 'exec':
    here, there = os.pipe()
    if os.fork() == 0:
      try: os.execvp(target, [target, '--version'])
      except OSError as e: os.write(there, bytes([e.errno]))
      os._exit(0)
    os.close(there)
    said = os.read(here, 1)
    os.wait()
    if said: raise OSError(said[0], 'exec')
  else:
    udp = target.startswith('udp:')
    if target[0] in '/@':
      s = socket.socket(socket.AF_UNIX)
      at = target if target[0] == '/' else '\0' + target[1:]
    else:
      s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM if udp else socket.SOCK_STREAM)
      at = ('127.0.0.1', int(target.rsplit(':')[-1]))
    try: s.connect(at) if op == 'connect' else s.bind(at)
    except ConnectionRefusedError: pass
for op, target in zip(sys.argv[1::2], sys.argv[2::2]):
  devnull = os.open('/dev/null', os.O_WRONLY)
  kept = os.dup(1)
  os.dup2(devnull, 1); os.dup2(devnull, 2)
  try: tried(op, target); answer = 0
  except OSError as e: answer = e.errno
  os.dup2(kept, 1)
  os.write(1, (str(answer) + '\n').encode())
)";

using Rows = std::vector<std::pair<std::string, std::string>>;

class WhyCommand : public DetachedFixture {
 protected:
  void SetUp() override {
    DetachedFixture::SetUp();
    if (IsSkipped()) return;
    ASSERT_EQ(run_program({"mkdir", "-m", "777", path("in"), path("out")}).code, 0);
    command_.write("in/open", "x");
    command_.write("outside", "x");
    command_.write("closed", "x");
    for (const char* open : {"in/open", "outside"}) ASSERT_EQ(::chmod(path(open).c_str(), 0666), 0);
    ASSERT_EQ(::chmod(path("closed").c_str(), 0), 0);
    ASSERT_EQ(::symlink(path("in/open").c_str(), path("link-in").c_str()), 0);
    ASSERT_EQ(::symlink(path("outside").c_str(), path("in/link-out").c_str()), 0);
  }

  std::string path(const std::string& name) const { return command_.home() + "/" + name; }

  std::vector<std::string> with(std::vector<std::string> words,
                                const std::vector<std::string>& flags) const {
    words.insert(words.end(), {"--isolation", level_});
    words.insert(words.end(), flags.begin(), flags.end());
    return words;
  }

  json why(const std::string& operation, const std::string& target,
           const std::vector<std::string>& flags) const {
    const auto told = run(with({"why", "--json", operation, target}, flags));
    auto value = json::parse(told.out, nullptr, false);
    EXPECT_TRUE(value.is_object()) << told.err;
    if (value.is_object()) {
      EXPECT_EQ(told.code, value["allowed"].get<bool>() ? 0 : 1);
    }
    return value;
  }

  /// Tries all of them in one container.
  std::vector<int> tried(const Rows& rows, const std::vector<std::string>& flags) const {
    auto words = with({"run"}, flags);
    words.insert(words.end(), {"--", "python3", "-c", kTrier});
    for (const auto& [operation, target] : rows) words.insert(words.end(), {operation, target});
    const auto ended = run(words);
    EXPECT_EQ(ended.code, 0) << ended.err;
    std::vector<int> answers;
    std::istringstream lines(ended.out);
    for (int number = 0; lines >> number;) answers.push_back(number);
    return answers;
  }

  void agree(const Rows& rows, const std::vector<std::string>& flags) const {
    std::vector<json> foretold;  // before any of them changes the files
    for (const auto& [operation, target] : rows) foretold.push_back(why(operation, target, flags));
    const auto answers = tried(rows, flags);
    ASSERT_EQ(answers.size(), rows.size());
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const auto& told = foretold[i];
      ASSERT_TRUE(told.is_object());
      EXPECT_EQ(told["allowed"].get<bool>(), answers[i] == 0)
          << rows[i].first << " " << rows[i].second << ": " << std::strerror(answers[i]) << "\n"
          << told.dump(1);
    }
  }
};

TEST_P(WhyCommand, IsRightAboutFiles) {
  const Rows rows{{"read", "/etc/passwd"},
                  {"write", "/etc/passwd"},
                  {"exec", "/etc/passwd"},
                  {"read", "/etc/shadow"},
                  {"read", "/etc/ssl"},
                  {"read", "/usr"},
                  {"read", "/usr/bin/env"},
                  {"write", "/usr/bin/env"},
                  {"write", "/usr"},
                  {"exec", "/usr/bin/env"},
                  {"exec", "/bin/../bin/./env"},
                  {"exec", "env"},
                  {"exec", "no-such-program"},
                  {"exec", "/usr"},
                  {"read", "/root"},
                  {"read", "/var/log"},
                  {"write", "/dev/null"},
                  {"read", "/dev/zero"},
                  {"exec", "/dev/null"},
                  {"read", "/dev/kmsg"},
                  {"read", "/proc/cpuinfo"},
                  {"read", "/proc/self/status"},
                  {"read", "/proc/keys"},
                  {"read", "/proc/interrupts"},
                  {"read", "/proc/bus"},
                  {"read", "/proc/acpi"},
                  {"write", "/dev/ptmx"},
                  {"read", "/dev/pts"},
                  {"read", "/dev"},
                  {"read", "/sys/kernel"},
                  {"read", path("in")},
                  {"read", path("in/open")},
                  {"write", path("in/open")},
                  {"write", path("in/new")},
                  {"write", path("in")},
                  {"read", path("out")},
                  {"write", path("out")},
                  {"write", path("out/new")},
                  {"exec", path("out")},
                  {"read", path("outside")},
                  {"read", path("in/link-out")},
                  {"read", path("link-in")},
                  {"read", path("in/../outside")},
                  {"read", path("closed")},
                  {"write", path("outside")}};
  agree(rows, {"--read", path("in"), "--write", path("out")});
  agree({{"read", path("in/open")}, {"read", path("in/link-out")}, {"write", "/var/tmp/new"}}, {});
}

TEST_P(WhyCommand, IsRightAboutSockets) {
  const auto listen = [](const std::string& name, bool is_abstract) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path + (is_abstract ? 1 : 0), name.data(), name.size());
    const auto size = offsetof(sockaddr_un, sun_path) + name.size() + 1;
    platform::Fd socket{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    EXPECT_EQ(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address),
                     static_cast<socklen_t>(is_abstract ? size : sizeof address)),
              0)
        << std::strerror(errno);
    EXPECT_EQ(::listen(socket.get(), 64), 0);
    return socket;
  };
  const auto in_a_file = listen(path("in/sock"), false);
  ASSERT_EQ(::chmod(path("in/sock").c_str(), 0666), 0);
  const auto abstract_name = "ringfort-why-" + std::to_string(::getpid());
  const auto abstract = listen(abstract_name, true);
  const Rows rows{{"connect", "20990"},
                  {"connect", "127.0.0.1:20991"},
                  {"connect", "20992"},
                  {"bind", "20991"},
                  {"bind", "20992"},
                  {"bind", "80"},
                  {"connect", "udp:20991"},
                  {"bind", "udp:20991"},
                  {"connect", path("in/sock")},
                  {"bind", path("in/other")},
                  {"bind", path("out/other")},
                  {"connect", "@" + abstract_name},
                  {"bind", "@" + abstract_name + "-other"}};
  const std::vector<std::string> files{"--read", path("in"), "--write", path("out")};
  const auto plus = [&](std::vector<std::string> flags) {
    flags.insert(flags.end(), files.begin(), files.end());
    return flags;
  };
  agree(rows, plus({}));
  agree({{"connect", path("in/sock")}}, {});
  ASSERT_EQ(::unlink(path("out/other").c_str()), 0);
  agree(rows, plus({"--connect", "20991", "--listen", "20992"}));
  ASSERT_EQ(::unlink(path("out/other").c_str()), 0);
  agree(rows, plus({"--net", "full"}));
  agree({{"bind", path("out/more")}, {"connect", "20991"}}, plus({"--seccomp", "strict"}));
}

TEST_P(WhyCommand, TheFlagThatItNamesDoesIt) {
  const auto denied = why("read", path("outside"), {});
  ASSERT_FALSE(denied["allowed"].get<bool>());
  const auto flags = denied["flags"].get<std::vector<std::string>>();
  ASSERT_EQ(flags[0], "--read");
  EXPECT_EQ(tried({{"read", path("outside")}}, flags), std::vector<int>{0});
  const auto port = why("bind", "20993", {});
  EXPECT_EQ(tried({{"bind", "20993"}}, port["flags"]), std::vector<int>{0});
  const auto fresh = why("write", path("out/deeper/new"), {});
  EXPECT_EQ(fresh["flags"], (json{"--write", path("out")}));
  EXPECT_EQ(tried({{"write", path("out/new")}}, fresh["flags"]), std::vector<int>{0});
  const auto ours = why("write", command_.data_dir() + "/state", {});
  EXPECT_TRUE(ours["flags"].empty()) << ours;
}

TEST_P(WhyCommand, NamesTheRuleAndTheOneThatJustMisses) {
  const auto held = run(with({"why", "write", path("in/open")}, {"--read", path("in")}));
  EXPECT_EQ(held.code, 1);
  EXPECT_THAT(held.out, HasSubstr("nearest: --read " + path("in") + " gives read, exec (flag)"));
  EXPECT_THAT(held.out, HasSubstr("allow it: --write ~/in/open\n"));
  const auto sibling = why("read", path("outside"), {"--read", path("in")});
  EXPECT_EQ(sibling["nearest"]["text"], "--read " + path("in"));
  EXPECT_EQ(sibling["rule"], nullptr);
}

TEST_P(WhyCommand, AServiceOfAFileIsAskedWithPositions) {
  command_.write("web.yaml",
                 "version: v1\n"
                 "deployment: demo\n"
                 "services:\n"
                 "  web:\n"
                 "    rtype: service\n"
                 "    image: {name: host}\n"
                 "    command: {entrypoint: [\"sleep\", \"60\"]}\n"
                 "    endpoints: [{name: http, protocol: http, port: 8080}]\n");
  const auto told = run({"why", "--isolation", level_, "bind", "8080", "web.yaml"});
  EXPECT_EQ(told.code, 0) << told.err;
  EXPECT_THAT(told.out, HasSubstr("(spec, endpoints[0].port, web.yaml:8:"));
  const auto other =
      run({"why", "--isolation", level_, "--json", "bind", "9090", "web.yaml", "web"});
  const auto value = json::parse(other.out);
  EXPECT_EQ(value["nearest"]["field"], "endpoints[0].port");
  EXPECT_THAT(value["place"].get<std::string>(), HasSubstr("web.yaml:8:"));
  EXPECT_THAT(value["remedy"].get<std::string>(), HasSubstr("port: 9090"));
  EXPECT_EQ(run({"why", "bind", "8080", "web.yaml", "nobody"}).code, 125);
  EXPECT_EQ(run({"why", "listen", "8080"}).code, 125);
  EXPECT_EQ(run({"why", "bind", "99999"}).code, 125);
}

TEST_P(WhyCommand, AContainerIsAskedByItsRecord) {
  start("one", "echo up; exec sleep 60", {"--read", path("in"), "--listen", "20994"});
  const auto told = run({"why", "--json", "--container", "one", "read", path("in/open")});
  EXPECT_EQ(told.code, 0) << told.out << told.err;
  EXPECT_EQ(json::parse(told.out)["level"], level_);
  EXPECT_EQ(run({"why", "--container", "one", "bind", "20994"}).code, 0);
  EXPECT_EQ(run({"why", "--container", "one", "read", path("outside")}).code, 1);
  EXPECT_EQ(run({"why", "--container", "none", "read", "/"}).code, 125);
}

RINGFORT_EACH_LEVEL_AND_USER(WhyCommand);

}  // namespace
}  // namespace ringfort::test
