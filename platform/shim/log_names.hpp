// How a container's log files are called, for the shim as for everybody else.
#pragma once

#include <cstddef>
#include <cstdint>

namespace ringfort::wire {

/// Which of a generation's three files.
enum class LogFile : std::uint8_t { Stdout, Stderr, Index };
inline constexpr LogFile kLogFileKinds[] = {LogFile::Stdout, LogFile::Stderr, LogFile::Index};

/// Beside log.idx: the index of the next generation, until it takes its place.
inline constexpr const char* kNextLogIndex = "log.idx.next";

inline constexpr const char* log_name(LogFile kind) {
  if (kind == LogFile::Stdout) return "stdout.log";
  return kind == LogFile::Stderr ? "stderr.log" : "log.idx";
}

/// "stdout.log.7" as a NUL-terminated text; generation 0 = the current one, without a number.
struct LogName {
  char text[32];

  LogName(LogFile kind, std::uint32_t generation) {
    char* out = text;
    for (const char* from = log_name(kind); *from != '\0'; ++from) *out++ = *from;
    if (generation != 0) {
      *out++ = '.';
      std::uint32_t unit = 1;
      while (generation / unit >= 10) unit *= 10;
      for (; unit != 0; unit /= 10) *out++ = static_cast<char>('0' + generation / unit % 10);
    }
    *out = '\0';
  }
};

/// The generation in a rotated file's name, spelled as LogName does; 0 = it is not one.
inline std::uint32_t rotated_generation(LogFile kind, const char* name) {
  for (const char* expected = log_name(kind); *expected != '\0'; ++expected, ++name)
    if (*name != *expected) return 0;
  if (name[0] != '.' || name[1] < '1' || name[1] > '9') return 0;
  std::uint64_t number = 0;
  for (++name; *name >= '0' && *name <= '9' && number <= UINT32_MAX; ++name)
    number = number * 10 + static_cast<std::uint64_t>(*name - '0');
  return *name == '\0' && number < UINT32_MAX ? static_cast<std::uint32_t>(number) : 0;
}

}  // namespace ringfort::wire
