// Any call on any filter: the compiled program says what the table means.
#include "../platform/seccomp_meaning.hpp"
#include "fuzz.hpp"
#include "ringfort/support/bpf.hpp"

#include <map>
#include <tuple>
#include <vector>

namespace {

using namespace ringfort;
using platform::FilterChoice;
using platform::Machine;

const std::vector<sock_filter>& program_of(const FilterChoice& choice) {
  static std::map<std::tuple<int, int, int, int>, std::vector<sock_filter>> programs;
  auto& program = programs[{static_cast<int>(choice.net), static_cast<int>(choice.profile),
                            static_cast<int>(choice.level), static_cast<int>(choice.machine)}];
  if (program.empty())
    for (const auto& step : platform::seccomp_filter(choice))
      program.push_back({step.code, step.jump_true, step.jump_false, step.k});
  return program;
}

std::uint32_t wanted(const FilterChoice& choice, std::uint32_t number,
                     const platform::Arguments& arguments) {
  for (const auto& row : platform::syscall_table())
    if (row.number(choice.machine) >= 0 &&
        static_cast<std::uint32_t>(row.number(choice.machine)) == number)
      return platform::meaning(row.rule(choice.profile), choice, arguments);
  return platform::refused(ENOSYS);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Bytes bytes{data, size};
  FilterChoice choice;
  choice.net = static_cast<NetMode>(bytes.byte() % 3);
  choice.profile = static_cast<specs::SeccompProfile>(bytes.byte() % 3);
  choice.level = bytes.flag() ? Level::Landlock : Level::Namespaces;
  choice.machine = bytes.flag() ? Machine::X86_64 : Machine::Aarch64;
  const auto own = platform::arch_of(choice.machine);
  while (!bytes.empty()) {
    const bool is_foreign = bytes.byte() == 0xff;
    test::BpfCall call;
    call.arch = is_foreign ? static_cast<std::uint32_t>(bytes.word()) : own;
    // Near numbers that exist, mostly.
    call.number = static_cast<std::uint32_t>(bytes.flag() ? bytes.word() : bytes.word() % 1024);
    for (auto& argument : call.arguments) argument = bytes.flag() ? bytes.word() : bytes.byte();
    const auto verdict = test::run_bpf(program_of(choice), call).verdict;
    fuzz::require(verdict == (call.arch == own ? wanted(choice, call.number, call.arguments)
                                               : platform::kKill),
                  "a filter says what the table means");
  }
  return 0;
}
