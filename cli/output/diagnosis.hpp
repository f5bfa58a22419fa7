// What `doctor` prints. Pure.
#pragma once

#include "ringfort/cli/output/json.hpp"
#include "ringfort/cli/output/terminal.hpp"
#include "ringfort/platform/diagnosis.hpp"

#include <string>

namespace ringfort::cli {

/// The findings, the levels, and a line to type for each part that is not there.
std::string doctor_text(const platform::Diagnosis& diagnosis, const Paint& paint);

/// The same, with the figures behind it.
Json to_value(const platform::HostSurvey& survey, const platform::Diagnosis& diagnosis);

}  // namespace ringfort::cli
