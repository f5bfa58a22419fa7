#include "measure.hpp"
#include "ringfort/cli/bench/lives.hpp"
#include "ringfort/platform/fd.hpp"

#include <algorithm>
#include <cstdio>
#include <sstream>

#include <fcntl.h>

namespace ringfort::bench {
namespace {

using cli::HostProgram;
using cli::Json;

Result<HostProgram> read_line(const std::string& line, int null_fd) {
  HostProgram program{{}, cli::own_environment(), null_fd, null_fd, std::chrono::seconds{20}};
  std::istringstream words{line};
  for (std::string word; words >> word;) program.argv.push_back(word);
  if (program.argv.empty()) return fail(ErrorKind::InvalidSpec, "a command is empty", {});
  const char* path = std::getenv("PATH");
  const auto found = cli::find_program(program.argv.front(), path != nullptr ? path : "/usr/bin");
  if (found.empty()) return fail(ErrorKind::NotFound, program.argv.front() + " is not on PATH", {});
  program.argv.front() = found;
  return program;
}

}  // namespace

int measure_commands(const CommandsAsked& asked) {
  const platform::Fd null{::open("/dev/null", O_RDWR | O_CLOEXEC)};
  std::vector<HostProgram> programs;
  for (const auto& line : asked.lines) {
    auto program = read_line(line, null.get());
    if (!program) return refuse(program.error());
    programs.push_back(*std::move(program));
  }
  std::vector<cli::Figures> figures(programs.size());
  for (std::size_t life = 0; life < asked.lives; ++life)
    for (std::size_t i = 0; i < programs.size(); ++i)
      figures[i].add(cli::run_lives({1, 1, {}, {}}, [&](std::size_t) {
        return cli::host_life(programs[i], cli::Stamp::None);
      }));
  Json all = Json::array();
  for (std::size_t i = 0; i < programs.size(); ++i) {
    if (figures[i].failures > 0)
      return refuse({ErrorKind::Internal, figures[i].first_error, {}, {}, 0});
    const double p50 = cli::microseconds(cli::percentile(figures[i].took, 0.5));
    const double p99 = cli::microseconds(cli::percentile(figures[i].took, 0.99));
    all.push_back({{"command", asked.lines[i]}, {"p50_us", p50}, {"p99_us", p99}});
    if (!asked.is_json)
      std::printf("p50 %9.0f us  p99 %9.0f us  %s\n", p50, p99, asked.lines[i].c_str());
  }
  if (asked.is_json) cli::print(Json{{"commands", all}});
  return 0;
}

}  // namespace ringfort::bench
