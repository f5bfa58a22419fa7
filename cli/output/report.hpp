// How one run went, as JSON: what --report writes and batch prints.
#pragma once

#include "ringfort/api/access.hpp"
#include "ringfort/api/runtime.hpp"
#include "ringfort/specs/error.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace ringfort::cli {

/// Filled as the run goes on; at any moment a true report.
struct Report {
  std::string id;
  std::string level = "none";  ///< "none" until a container exists
  std::string lowered;         ///< as in Created
  std::string rootfs;          ///< visible or overlay; empty until a container exists
  std::vector<std::string> layers;
  std::vector<std::string> missing;
  std::vector<std::string> not_enforced;
  std::optional<std::uint16_t> port;
  std::optional<ExitRecord> exit;
  std::optional<Duration> start;   ///< from the call to the program's exec
  std::optional<Duration> queued;  ///< of that, until it was its turn to start
  std::optional<Error> error;
  std::optional<std::vector<AccessAnswer>> denials;  ///< of a traced run, or an unhappy end
  std::string_view denial_grade = "traced";          ///< or probable

  void add(const Created& created);
};

/// What a program wrote, as far as it was kept.
struct Captured {
  std::string bytes;
  bool truncated = false;
};

/// One line of JSON without its newline; text that is not UTF-8 is replaced by U+FFFD.
std::string to_json(const Report& report);

/// The same with `stdout`, `stdout_base64`, `stdout_truncated` and the three of stderr. The text is
/// base64, and the flag true, when the bytes are not UTF-8.
std::string to_json(const Report& report, const Captured& out, const Captured& err);

std::string to_base64(std::string_view bytes);

}  // namespace ringfort::cli
