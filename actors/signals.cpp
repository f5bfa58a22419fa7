#include "ringfort/actors/signals.hpp"

#include "ringfort/specs/names.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <csignal>
#include <string>
#include <utility>

namespace ringfort::actors {

namespace {

constexpr std::pair<std::string_view, int> kSignals[] = {
    {"HUP", SIGHUP},   {"INT", SIGINT},       {"QUIT", SIGQUIT},   {"ILL", SIGILL},
    {"TRAP", SIGTRAP}, {"ABRT", SIGABRT},     {"BUS", SIGBUS},     {"FPE", SIGFPE},
    {"KILL", SIGKILL}, {"USR1", SIGUSR1},     {"SEGV", SIGSEGV},   {"USR2", SIGUSR2},
    {"PIPE", SIGPIPE}, {"ALRM", SIGALRM},     {"TERM", SIGTERM},   {"CHLD", SIGCHLD},
    {"CONT", SIGCONT}, {"STOP", SIGSTOP},     {"TSTP", SIGTSTP},   {"TTIN", SIGTTIN},
    {"TTOU", SIGTTOU}, {"URG", SIGURG},       {"XCPU", SIGXCPU},   {"XFSZ", SIGXFSZ},
    {"PROF", SIGPROF}, {"VTALRM", SIGVTALRM}, {"WINCH", SIGWINCH}, {"SYS", SIGSYS},
};

std::string upper_trimmed(std::string_view text) {
  auto is_space = [](unsigned char byte) { return std::isspace(byte) != 0; };
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  std::string upper(text);
  std::ranges::transform(upper, upper.begin(),
                         [](unsigned char byte) { return std::toupper(byte); });
  return upper;
}

}  // namespace

Result<int> parse_signal(std::string_view text) {
  std::string given = upper_trimmed(text);
  std::string_view name = given;
  if (name.starts_with("SIG")) name.remove_prefix(3);
  for (const auto& [known, number] : kSignals)
    if (known == name) return number;

  int number = 0;
  auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
  bool whole = error == std::errc{} && end == name.data() + name.size() && given == name;
  if (whole && number > 0 && number <= 64) return number;
  return fail(ErrorKind::InvalidSpec, "\"" + printable(text) + "\" is not a signal",
              "write a name such as TERM, KILL, INT, HUP, USR1 or USR2");
}

}  // namespace ringfort::actors
