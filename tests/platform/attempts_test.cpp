#include "ringfort/platform/attempts.hpp"

#include <gmock/gmock.h>
#include <rapidcheck/gtest.h>

namespace ringfort::platform {
namespace {

std::vector<std::string> shown(const std::string& line) {
  std::vector<std::string> all;
  for (const auto& one : attempts_in({line}))
    all.push_back(std::string(to_string(one.operation)) + (one.is_sure ? " " : "? ") + one.target +
                  (one.is_absence ? " absent" : "") + (one.creates ? " new" : ""));
  return all;
}

TEST(Attempts, AreReadFromWhatProgramsSay) {
  const std::pair<const char*, std::vector<std::string>> rows[] = {
      {"cat: /home/me/.ssh/id_rsa: Permission denied", {"read? /home/me/.ssh/id_rsa"}},
      {"cat: notes.txt: Permission denied", {"read? notes.txt"}},
      {"sh: 1: cannot create /srv/out: Permission denied", {"write /srv/out new"}},
      {"sh: 1: cannot create out: Read-only file system", {"write out new"}},
      {"sh: 1: cannot open /srv/in: No such file", {"read? /srv/in absent"}},
      {"ls: cannot open directory '/root': Permission denied", {"read? /root"}},
      {"ls: cannot access '/a b/c': No such file or directory", {"read? /a b/c absent"}},
      {"touch: cannot touch \xe2\x80\x98/srv/x\xe2\x80\x99: Permission denied",
       {"write /srv/x new"}},
      {"PermissionError: [Errno 13] Permission denied: '/etc/shadow'", {"read? /etc/shadow"}},
      {"Error: EACCES: permission denied, open '/srv/x'", {"read? /srv/x"}},
      {"bash: line 1: /opt/tool: cannot execute: Permission denied", {"exec /opt/tool"}},
      {"curl: (7) Failed to connect to 10.0.0.1 port 80: Permission denied", {"connect 80"}},
      {"dial tcp 127.0.0.1:5432: connect: permission denied", {"connect 127.0.0.1:5432"}},
      {"bind to 0.0.0.0:8080: Permission denied", {"bind 0.0.0.0:8080"}},
      {"all is well with /etc/passwd", {}},
      {"denied", {}},
  };
  for (const auto& [line, expected] : rows) EXPECT_EQ(shown(line), expected) << line;
}

TEST(Attempts, AHostNoNameServerWouldTakeIsNone) {
  const std::string refusal = ":80: permission denied";
  EXPECT_EQ(attempts_in({std::string(252, 'x') + "." + refusal}).front().target.size(), 256U);
  for (const auto& attempt : attempts_in({std::string(5000, 'x') + "." + refusal}))
    EXPECT_TRUE(is_path(attempt)) << attempt.target;
}

RC_GTEST_PROP(AttemptsProperty, AreFewAndShortWhateverIsSaid, ()) {
  const auto word = rc::gen::oneOf(
      rc::gen::elementOf(std::vector<std::string>{
          "permission denied", ": ", "'", "\"", "/", "//a", "port ", "1:2", "\x1b[2J", "\n", ":80",
          std::string("\0", 1), "\xff", "\xe2\x80\x98", std::string(5000, 'x')}),
      rc::gen::arbitrary<std::string>());
  const auto line = rc::gen::map(rc::gen::container<std::vector<std::string>>(word), [](auto all) {
    std::string text;
    for (const auto& one : all) text += one;
    return text;
  });
  const auto attempts = attempts_in(*rc::gen::container<std::vector<std::string>>(line));
  RC_ASSERT(attempts.size() <= 16U);
  for (const auto& one : attempts) {
    RC_ASSERT(!one.target.empty() && one.target.size() <= 4095U);
    RC_ASSERT(one.target.find('\0') == std::string::npos);
    RC_ASSERT(parse_question(one.operation, one.target, "/").has_value());
  }
}

}  // namespace
}  // namespace ringfort::platform
