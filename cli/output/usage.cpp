#include "ringfort/cli/output/usage.hpp"

#include "ringfort/specs/json.hpp"
#include "ringfort/specs/units.hpp"

#include <cmath>
#include <cstdio>

namespace ringfort::cli {
namespace {

std::string percent_text(const std::optional<double>& percent) {
  if (!percent) return "-";
  char text[32];
  std::snprintf(text, sizeof text, "%.1f%%", *percent);
  return text;
}

}  // namespace

double cpu_percent(const Stats& before, const Stats& after) {
  const auto wall = (after.taken_at - before.taken_at).count();
  if (wall <= 0 || after.cpu_usage_usec < before.cpu_usage_usec) return 0;
  return 100.0 * static_cast<double>(after.cpu_usage_usec - before.cpu_usage_usec) /
         static_cast<double>(wall);
}

Table usage_table(const std::vector<Usage>& all) {
  Table table{{"ID", "CPU%", "MEMORY", "LIMIT", "CPU", "PIDS"}};
  for (const auto& [id, stats, percent] : all) {
    const bool limited = stats.memory_limit != UINT64_MAX;
    table.add({id.str(), percent_text(percent), to_string(Bytes{stats.memory_bytes}),
               limited ? to_string(Bytes{stats.memory_limit}) : "none",
               to_string(Duration{static_cast<std::int64_t>(stats.cpu_usage_usec)}),
               std::to_string(stats.pids)});
  }
  return table;
}

Json to_value(const Usage& usage) {
  auto value = Json::parse(specs::to_json(usage.stats));
  value["id"] = usage.id.str();
  value["cpu_percent"] =
      usage.cpu_percent ? Json(std::round(*usage.cpu_percent * 10) / 10) : Json(nullptr);
  return value;
}

}  // namespace ringfort::cli
