#include "ringfort/cli/bench/machine.hpp"

#include "ringfort/cli/bench/host_program.hpp"
#include "ringfort/cli/bench/workplace.hpp"
#include "ringfort/platform/fd.hpp"
#include "ringfort/specs/names.hpp"

#include <fstream>
#include <thread>

#include <sys/mman.h>
#include <sys/utsname.h>
#include <unistd.h>

namespace ringfort::cli {
namespace {

using platform::Fd;

/// Of the first line that begins with `key`, what stands behind its colon.
std::string field_of(const char* path, std::string_view key) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with(key)) continue;
    const auto begin = line.find_first_not_of(" \t", line.find(':') + 1);
    return begin == std::string::npos ? std::string{} : line.substr(begin);
  }
  return {};
}

std::uint64_t memory_bytes() {
  return static_cast<std::uint64_t>(::sysconf(_SC_PHYS_PAGES)) *
         static_cast<std::uint64_t>(::sysconf(_SC_PAGE_SIZE));
}

}  // namespace

Machine this_machine(const std::string& path) {
  Machine machine;
  // Processors of some architectures tell no name.
  machine.processor = field_of("/proc/cpuinfo", "model name");
  utsname system{};
  ::uname(&system);
  if (machine.processor.empty()) machine.processor = system.machine;
  machine.cores = std::thread::hardware_concurrency();
  machine.memory_bytes = memory_bytes();
  machine.kernel = std::string{system.sysname} + " " + system.release;
  machine.file_system = file_system_of(path);
  return machine;
}

std::string version_of(const std::string& program) {
  const Fd said{::memfd_create("version", MFD_CLOEXEC)};
  if (!said) return {};
  const HostProgram question{
      {program, "--version"}, own_environment(), said.get(), said.get(), std::chrono::seconds{5}};
  if (!run_host_program(question)) return {};
  ::lseek(said.get(), 0, SEEK_SET);
  const auto text = platform::read_all(said.get(), 1 << 16, "version");
  if (!text) return {};
  return printable(std::string_view{*text}.substr(0, text->find('\n')), 60);
}

}  // namespace ringfort::cli
