// One line of `batch`'s input: a job as JSON, on top of the flags that are the same for all.
#pragma once

#include "ringfort/cli/job.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace ringfort::cli {

struct JobLine {
  std::string id;  ///< as given; else the number of the line
  JobFlags flags;
  Arguments command;
  std::optional<std::string> stdin_text;
};

/// Lists and `env` add to the defaults, everything else replaces them. Error: InvalidSpec naming
/// the key; `id` is then still what the line said, as far as it could be read.
Status read_job_line(std::string_view line, const JobFlags& defaults, JobLine& job);

}  // namespace ringfort::cli
