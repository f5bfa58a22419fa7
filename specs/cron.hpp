// The syntax of schedules: six or seven fields, seconds first, in UTC.
#pragma once

#include "ringfort/specs/result.hpp"

#include <string_view>

namespace ringfort::specs {

/// second minute hour day-of-month month day-of-week [year]. Each `*`, a number, a range, a step,
/// or a list of them; months and weekdays also by name, SUN = 1; `?` for a day left open.
Status check_cron(std::string_view schedule);

}  // namespace ringfort::specs
